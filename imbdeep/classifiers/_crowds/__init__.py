"""Classifiers that learn from the labels of many workers."""
