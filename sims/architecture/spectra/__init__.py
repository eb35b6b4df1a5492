"""The spectrum of J J^T: whole by layers, or from products alone."""
