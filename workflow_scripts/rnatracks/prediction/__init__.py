"""Tracks from a trained model."""
