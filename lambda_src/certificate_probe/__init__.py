"""The function that looks at the webhook from outside, as a sender does."""
