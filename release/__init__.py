"""What a release goes through: the versions that it works with, and what is in its archives."""
