"""Evidence without chance: algebra, exact laws and ball arithmetic."""
