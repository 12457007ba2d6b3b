"""One folder for each domain."""
