"""Networks: by name, from a user's file, or a module at hand."""
