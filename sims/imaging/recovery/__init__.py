"""One module a method; each recovers an image from the same measurement object."""
