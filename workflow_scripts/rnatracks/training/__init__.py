"""Training of models on tracks."""
