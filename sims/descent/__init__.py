"""Gradient-descent trajectories of the two-layer generator."""
