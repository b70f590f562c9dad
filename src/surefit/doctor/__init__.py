"""What is wrong with a network or a fit, with the numbers seen and the cures."""
