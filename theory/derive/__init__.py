"""Evidence without chance: symbolic reductions, exact laws, ball-arithmetic enclosures."""
