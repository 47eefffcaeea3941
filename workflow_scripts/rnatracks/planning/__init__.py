"""Planning of a run: its models, tracks, input files and early checks."""
