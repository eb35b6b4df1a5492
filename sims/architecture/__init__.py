"""Whether the theory covers an architecture: its Jacobian measured, the papers' conditions held against it."""
