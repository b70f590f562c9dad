"""A target becomes a Problem: what is to be fitted, where, and the points that are known of it."""
