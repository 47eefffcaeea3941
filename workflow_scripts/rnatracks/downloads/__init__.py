"""Files from elsewhere: where they lie, how they come, and whether they are whole."""
