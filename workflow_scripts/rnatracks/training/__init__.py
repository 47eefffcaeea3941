"""A model from tracks."""
