"""Evidence by chance, and the algorithms of the papers."""
