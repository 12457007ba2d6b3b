"""Products: what their source may deliver, and what is published."""

from datamart_kedro.columns import PublishedTable, SourceColumn

KEY = ("product_id",)

SOURCE = {
    "product_id": SourceColumn("id", required=True),
    "sku": SourceColumn("text"),
    "name": SourceColumn("text"),
    "category": SourceColumn("text"),
    "unit_price": SourceColumn("money"),
    "unit_cost": SourceColumn("money"),
    "stock_quantity": SourceColumn("decimal"),
    "reorder_level": SourceColumn("decimal"),
    "weight_kg": SourceColumn("decimal"),
    "discontinued": SourceColumn("flag"),
    "discontinued_at": SourceColumn("instant"),
    "last_sold_at": SourceColumn("instant"),
    "created_at": SourceColumn("instant"),
    "updated_at": SourceColumn("instant"),
    "deleted_at": SourceColumn("instant"),
}

MEANINGS = {"category": "department"}
"""Which staged column says what another one means; NULL where no map knows the value."""

TABLE = PublishedTable(
    name="tb_products",
    key=KEY,
    comment="One row per product_id; a deleted product stays, discontinued, since its sales name it.",
    columns={
        "product_id": "Product, as the shop numbers it.",
        "sku": "Stock keeping unit.",
        "name": "Name.",
        "category": "Category, in one spelling.",
        "department": "Department of the category, by the category map; NULL if the map does not know it.",
        "unit_price": "Current list price, before tax.",
        "unit_cost": "Current cost.",
        "margin_rate": "(unit_price - unit_cost) / unit_price; NULL if either is unknown or the price is 0.",
        "stock_quantity": "Units in stock.",
        "reorder_level": "Stock at which it is ordered again.",
        "weight_kg": "Weight, kg.",
        "availability": "in_stock, low_stock, out_of_stock, discontinued or unknown.",
        "is_discontinued": "Is it no longer sold?",
        "discontinued_at": "Instant, UTC, from which it is no longer sold; the deletion's if the shop names none.",
        "discontinued_reason": "How we know: flag (the shop's), date (passed or deleted) or no_sales.",
        "created_at": "Instant, UTC, of its first listing.",
        "updated_at": "Instant, UTC, of the shop's last change.",
    },
)
