"""A picture of the dashboard, drawn from its definition with the data of a local run."""
