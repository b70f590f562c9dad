"""One attempt at fitting a network to a Problem: the methods, and what they have in common."""
