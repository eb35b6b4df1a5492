"""Figures and tables: each reads the committed record and computes nothing it could read."""
