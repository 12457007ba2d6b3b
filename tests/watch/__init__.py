"""Tests of `kedro mart watch`."""
