"""The function that rotates the signing key, as AWS Secrets Manager calls it."""
