"""The products domain: source_products -> tmp_products -> tb_products."""

from datamart_kedro.pipelines.products.pipeline import create_pipeline

__all__ = ["create_pipeline"]
