"""Evidence by chance: cases, search, counts, and all of it gathered."""
