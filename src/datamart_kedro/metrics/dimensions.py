"""The dimensions of metrics."""

from __future__ import annotations

from datamart_kedro.metrics.metric import TIME, Dimension, Metric

DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        *(
            Dimension(
                name,
                f"First day of the {name} of the order, in the shop's time zone."
                if name != "day"
                else "Day of the order, in the shop's time zone.",
                {"orders": "ordered_at", "lines": "ordered_at"},
            )
            for name in TIME
        ),
        Dimension(
            "country",
            "Country that the order goes to, or that the customer is of; ISO 3166-1 alpha-2.",
            {
                "orders": "ship_country_code",
                "lines": "ship_country_code",
                "customers": "country_code",
                "scores": "country_code",
            },
        ),
        Dimension("currency", "Currency of the order, ISO 4217.", {"orders": "currency", "lines": "currency"}),
        Dimension("order_status", "Status of the order.", {"orders": "status", "lines": "status"}),
        Dimension(
            "department", "Department of the product, as it is now.", {"lines": "department", "products": "department"}
        ),
        Dimension("category", "Category of the product, as it is now.", {"lines": "category", "products": "category"}),
        Dimension("product", "product_id.", {"lines": "product_id", "products": "product_id"}),
        Dimension(
            "availability", "in_stock, low_stock, out_of_stock, discontinued or unknown.", {"products": "availability"}
        ),
        Dimension(
            "customer_type",
            "prospect, new or returning, as the customer is now.",
            {"customers": "customer_type", "scores": "customer_type"},
        ),
        Dimension(
            "segment",
            "Name of the customer's segment at the newest cutoff.",
            {"customers": "segment_name", "scores": "segment_name"},
        ),
        Dimension("churn_decile", "1 for the tenth with the highest risk, to 10.", {"scores": "churn_decile"}),
        Dimension("horizon_days", "Days that the score speaks of.", {"scores": "horizon_days"}),
    )
}
"""By name."""


def dimensions_of(metric: Metric) -> list[str]:
    """The dimensions that a metric can be asked by."""
    return [name for name, dimension in DIMENSIONS.items() if dimension.rows.keys() & metric.measures.keys()]
