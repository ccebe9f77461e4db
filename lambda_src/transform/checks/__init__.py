"""The checks of the known shapes: one module each, generated when the pipeline is synthesized."""
