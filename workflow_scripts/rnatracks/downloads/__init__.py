"""Downloads: where files are, how they are fetched, and whether they are complete."""
