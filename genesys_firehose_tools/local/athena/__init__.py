"""A local Amazon Athena: DuckDB behind Athena's calls."""
