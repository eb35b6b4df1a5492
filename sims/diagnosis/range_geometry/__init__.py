"""How many dimensions a network's range has, and whether A is an isometry on it."""
