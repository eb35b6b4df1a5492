"""Experiments: grids of cells, computed by workers and kept in a store."""
