"""Writes down, signed, what raw/ held of each day of arrival."""
