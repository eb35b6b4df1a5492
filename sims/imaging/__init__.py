"""Recovery of real images from few measurements: the pipeline the theory is about."""
