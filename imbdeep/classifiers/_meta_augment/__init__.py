"""A net and its synthetic rows, trained together."""
