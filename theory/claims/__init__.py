"""The ledger's data: one file a paper, each with a tuple CLAIMS."""
