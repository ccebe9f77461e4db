"""Compares the functions with alternatives and with the least work that the job needs."""
