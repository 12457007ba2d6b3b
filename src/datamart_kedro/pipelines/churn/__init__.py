"""Who will not buy again: a model of churn, and its scores."""

from datamart_kedro.pipelines.churn.pipeline import create_pipeline

__all__ = ["create_pipeline"]
