"""The order_items domain: source_order_items -> tmp_order_items -> tb_order_items."""

from datamart_kedro.pipelines.order_items.pipeline import create_pipeline

__all__ = ["create_pipeline"]
