"""The function that keeps the webhook's allow-list at the address ranges that Genesys Cloud publishes."""
