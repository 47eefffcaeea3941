"""Who was measured: the sheets, and the searches for samples."""
