"""The experiments of the papers as plain data, one recipe a figure or table, and what runs and records them."""
