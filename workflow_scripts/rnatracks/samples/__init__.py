"""Samples: the sheets that list them and the searches that find them."""
