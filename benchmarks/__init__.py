"""Side-by-side figures of the pipeline against what else one would write, and against the least work there is."""
