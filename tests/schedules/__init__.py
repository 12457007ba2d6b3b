"""Tests of the examples in docs/examples, and of runs over HTTP."""
