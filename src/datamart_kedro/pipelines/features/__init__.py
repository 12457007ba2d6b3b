"""Features: tb_* -> ft_customers, ft_customer_labels, ft_sales_daily, ft_catalogue."""

from datamart_kedro.pipelines.features.pipeline import create_pipeline

__all__ = ["create_pipeline"]
