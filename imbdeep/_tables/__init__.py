"""Read, check and build the tables of users: arrays, and frames of any library."""
