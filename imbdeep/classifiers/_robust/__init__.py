"""Classifiers trained on attacked rows, or on images and mixtures of them."""
