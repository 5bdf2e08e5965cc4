"""A folder a paper: its methods, its experiments and their reports."""
