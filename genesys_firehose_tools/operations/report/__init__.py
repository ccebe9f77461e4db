"""A page of figures, made of the lake's tables."""
