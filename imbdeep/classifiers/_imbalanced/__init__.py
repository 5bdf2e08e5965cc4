"""One estimator to start with: learners blended by rows that they never saw."""
