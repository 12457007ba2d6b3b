"""Metrics: each is defined once, and read from there by the command line, the report, the console and the docs."""
