"""Prediction of tracks with a trained model."""
