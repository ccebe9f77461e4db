"""The pipeline on an embedded AWS: start it, deploy the app into it, feed it, check what landed."""
