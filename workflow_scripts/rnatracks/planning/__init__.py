"""What a run of the workflow makes."""
