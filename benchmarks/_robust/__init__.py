"""The experiments of the chapters on adversarial training, behind robust.py."""
