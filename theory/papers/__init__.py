"""The ledger: one module a paper, plain data."""
