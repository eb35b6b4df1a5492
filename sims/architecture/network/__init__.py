"""A network to be examined: where it comes from, and made safe to differentiate."""
