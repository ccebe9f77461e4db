"""What the functions that talk to Genesys Cloud share."""
