"""The customers domain: source_customers -> tmp_customers -> tb_customers."""

from datamart_kedro.pipelines.customers.pipeline import create_pipeline

__all__ = ["create_pipeline"]
