"""Classifiers of labels that many workers gave."""
