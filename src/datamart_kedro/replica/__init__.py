"""Replicas: the published tables, served in PostgreSQL at the version that the mart holds."""
