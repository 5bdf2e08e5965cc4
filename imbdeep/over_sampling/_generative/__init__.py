"""Samplers that train a generator."""
