"""What a run found: the committed record, read by figures, README and the command line."""
