"""Pages: the report, the browser and the hub."""
