"""Exact laws of random objects."""
