"""The mix-ins that make up the base class of the nets."""
