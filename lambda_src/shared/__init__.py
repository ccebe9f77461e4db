"""What the ingest and the transform function have in common."""
