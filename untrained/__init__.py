"""The theory of untrained neural-network priors: every numbered claim executable, and images recovered with them."""
