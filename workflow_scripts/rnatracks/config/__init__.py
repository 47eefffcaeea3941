"""The configuration: its fields, checks and documentation."""
