"""Perturbations of the weights that change the Jacobian most."""
