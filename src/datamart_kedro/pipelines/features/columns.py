"""Features: what is published, and the keys of the tables that it is made of."""

from datamart_kedro.columns import PublishedTable
from datamart_kedro.pipelines.features.catalogue import CATALOGUE, FT_CATALOGUE, Feature

CUSTOMERS_KEY = ("customer_id",)
ORDERS_KEY = ("order_id",)
ORDER_ITEMS_KEY = ("order_id", "line_number")
FT_CUSTOMERS_KEY = ("customer_id", "cutoff_date")


def _table(name: str, key: tuple[str, ...], comment: str) -> PublishedTable:
    return PublishedTable(name, key, comment, {f.name: f.meaning for f in CATALOGUE if f.table_name == name})


TABLES = {
    table.name: table
    for table in (
        _table(
            "ft_customers",
            FT_CUSTOMERS_KEY,
            "One row per customer_id and cutoff_date: customers known before the cutoff, as they looked then.",
        ),
        _table(
            "ft_customer_labels",
            ("customer_id", "cutoff_date", "horizon_days"),
            "One row per customer_id, cutoff_date and horizon_days: what the customer did from the cutoff on.",
        ),
        _table(
            "ft_sales_daily",
            ("unique_id", "ds"),
            "One row per unique_id and ds: daily sales of a series, without gaps from its first sale to its end.",
        ),
        PublishedTable(
            FT_CATALOGUE,
            ("table_name", "name"),
            "One row per table_name and name: what the columns of the feature tables mean.",
            Feature.meanings(),
        ),
    )
}
"""The published tables of features, by domain, which has the name of its table."""
