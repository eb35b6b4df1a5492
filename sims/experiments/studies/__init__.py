"""The studies that can be swept by name."""
