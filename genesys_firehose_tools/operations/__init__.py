"""What operators do to a deployed pipeline."""
