"""Corruptions of images and of tables, to test classifiers with."""
