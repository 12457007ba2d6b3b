"""The gate: is there new data, and what must run."""
