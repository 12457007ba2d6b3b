"""A data mart for an operational shop database: gated, versioned, exact."""

__version__ = "0.1.0"
