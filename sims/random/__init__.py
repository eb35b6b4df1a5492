"""Streams of random numbers, and samplers of the papers' random objects."""
