"""What the base of the nets is made of."""
