"""Classifiers trained on attacked rows."""
