"""What the functions have in common."""
