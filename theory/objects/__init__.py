"""One module per object of the papers; pure functions of arrays, float64, readable against the page."""
