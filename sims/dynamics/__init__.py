"""Gradient descent on the two-layer generator."""
