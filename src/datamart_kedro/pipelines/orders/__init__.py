"""The orders domain: source_orders -> tmp_orders -> tb_orders."""

from datamart_kedro.pipelines.orders.pipeline import create_pipeline

__all__ = ["create_pipeline"]
