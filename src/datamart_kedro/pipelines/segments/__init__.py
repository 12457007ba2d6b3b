"""Which kinds of customers there are: clusters of buyers, with names."""

from datamart_kedro.pipelines.segments.pipeline import create_pipeline

__all__ = ["create_pipeline"]
