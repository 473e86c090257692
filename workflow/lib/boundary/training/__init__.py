"""Training of the miniature's models."""
