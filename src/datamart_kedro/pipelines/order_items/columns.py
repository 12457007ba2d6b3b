"""Order items: what their source may deliver, and what is published."""

from datamart_kedro.columns import PublishedTable, SourceColumn

KEY = ("order_id", "line_number")

SOURCE = {
    "order_id": SourceColumn("id", required=True),
    "line_number": SourceColumn("integer"),
    "product_id": SourceColumn("id"),
    "quantity": SourceColumn("decimal", required=True),
    "unit_price": SourceColumn("money", required=True),
    "discount_rate": SourceColumn("rate"),
    "discount_amount": SourceColumn("money"),
    "tax_rate": SourceColumn("rate"),
    "tax_amount": SourceColumn("money"),
    "shipping_fee": SourceColumn("money"),
    "updated_at": SourceColumn("instant"),
    "deleted_at": SourceColumn("instant"),
}

MEANINGS: dict[str, str] = {}
"""Which staged column says what another one means; NULL where no map knows the value."""

TOUCHED_BY = {"tmp_order_items": KEY, "tmp_orders": ("order_id",), "tb_products": ("product_id",)}
"""For each table that lines are made of, the columns by which a changed row finds the lines to build anew."""

TABLE = PublishedTable(
    name="tb_order_items",
    key=KEY,
    comment="One row per (order_id, line_number): lines that the shop did not delete, nor their order.",
    columns={
        "order_id": "Order of the line.",
        "line_number": "Line within its order; numbered from 1 where the shop does not.",
        "product_id": "Product; NULL if the shop does not say.",
        "category": "Category of the product as it is now.",
        "quantity": "Units; negative on a return line.",
        "unit_price": "Price of a unit before discount and tax; 0 is a gift.",
        "gross_amount": "quantity x unit_price, rounded to cents.",
        "discount_rate": "Share taken off, 0 to 1: the shop's, or discount_amount / gross_amount.",
        "discount_amount": "The shop's, or gross_amount x discount_rate; negative on a return line.",
        "net_amount": "gross_amount - discount_amount.",
        "tax_rate": "Share added: the shop's, or tax_amount / net_amount, or the rule's; NULL for a tax on nothing.",
        "tax_amount": "The shop's, or net_amount x tax_rate; negative on a return line.",
        "total_amount": "net_amount + tax_amount.",
        "unit_net_price": "net_amount / quantity.",
        "shipping_fee": "Shipping fee of the line, if the shop charges by line.",
        "unit_cost": "Cost of the product as it is now.",
        "margin_amount": "net_amount - quantity x unit_cost; NULL if the cost is unknown.",
        "is_return": "Is the quantity negative?",
        "is_orphan": "Is its order unknown?",
        "updated_at": "Instant, UTC, of the shop's last change.",
    },
)
