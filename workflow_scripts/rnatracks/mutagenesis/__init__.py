"""Every base of a region changed to the others, and the effect of each change."""
