"""Portable Ibis expressions that the nodes of every domain are made of."""
