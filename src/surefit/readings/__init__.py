"""What one does with a fit that stands in for a function: integrate, search, invert, cut it, ask what matters."""
