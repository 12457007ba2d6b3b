"""Forecasts: ft_sales_daily -> tb_forecasts, with a backtest that says what they are worth."""

from datamart_kedro.pipelines.forecasts.pipeline import create_pipeline

__all__ = ["create_pipeline"]
