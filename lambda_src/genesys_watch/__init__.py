"""The function that asks whether events can still come, and turns the answers into metrics."""
