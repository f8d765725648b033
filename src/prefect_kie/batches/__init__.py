"""Many results from a table: the manifest, its progress, its results file."""
