"""The experiments of the explicit-gradient paper, behind explicit_gradient.py."""
