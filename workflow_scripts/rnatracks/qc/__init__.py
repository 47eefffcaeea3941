"""Quality control of the samples."""
