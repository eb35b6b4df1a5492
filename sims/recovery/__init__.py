"""Recovery of images from few measurements."""
