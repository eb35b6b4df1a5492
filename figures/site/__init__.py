"""The ledger as pages to read in a browser: a folder of files that asks no network and needs no script."""
