"""The neural tangent kernel J J^T: products with J, and its spectrum."""
