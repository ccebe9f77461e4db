"""Rebuilds clean/ from raw/ with the transform function's own code."""
