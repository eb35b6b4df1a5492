"""Grids of thousands of cells that may be killed at any moment and go on from where they were."""
