"""Experiments that survive any death: studies over grids, and the papers' figures and tables."""
