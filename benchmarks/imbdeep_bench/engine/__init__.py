"""One Cell, one Method, one Experiment, and the run that computes them."""
