"""Builds the documentation site of the pages in `docs`, of the docstrings and of the command line."""
