"""Images: read, written, resized and scored."""
