"""Over-samplers that train a generator."""
