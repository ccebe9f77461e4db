"""Tries a pipeline's delivery: sends a marked event through it and looks for what becomes of it in the bucket."""
