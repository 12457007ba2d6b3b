"""Orders: what their source may deliver, and what is published."""

from datamart_kedro.columns import PersonalData, PublishedTable, SourceColumn

KEY = ("order_id",)

SOURCE = {
    "order_id": SourceColumn("id", required=True),
    "customer_id": SourceColumn("id"),
    "status": SourceColumn("text"),
    "payment_status": SourceColumn("text"),
    "failure_reason": SourceColumn("text"),
    "ordered_at": SourceColumn("instant", required=True),
    "approved_at": SourceColumn("instant"),
    "shipped_at": SourceColumn("instant"),
    "delivered_at": SourceColumn("instant"),
    "promised_at": SourceColumn("instant"),
    "shipping_fee": SourceColumn("money"),
    "shipping_method": SourceColumn("text"),
    "ship_city": SourceColumn("text"),
    "ship_region": SourceColumn("text"),
    "ship_postal_code": SourceColumn("text"),
    "ship_country": SourceColumn("text"),
    "currency": SourceColumn("text"),
    "updated_at": SourceColumn("instant"),
    "deleted_at": SourceColumn("instant"),
}

MEANINGS = {"source_status": "status", "source_failure_reason": "failure_reason", "ship_country": "ship_country_code"}
"""Which staged column says what another one means; NULL where no map knows the value."""

PERSONAL = PersonalData(person="customer_id", columns=("ship_city", "ship_region", "ship_postal_code"))
"""An order is of the customer who ordered, and says where that person lives."""

TOUCHED_BY = {"tmp_orders": KEY, "tb_order_items": KEY}
"""For each table that orders are made of, the columns by which a changed row finds the orders to build anew."""

TABLE = PublishedTable(
    name="tb_orders",
    key=KEY,
    personal=PERSONAL,
    comment="One row per order_id: orders that the shop did not delete, with totals taken from their items.",
    columns={
        "order_id": "Order, as the shop numbers it.",
        "customer_id": "Customer who ordered; NULL if the shop does not say.",
        "status": "created, approved, processing, shipped, delivered, cancelled, returned, failed or unknown.",
        "source_status": "Status as the shop writes it.",
        "is_failed": "Is the status one of failed_statuses?",
        "failure_reason": "Why a failed order failed: payment_failed, out_of_stock, fraud_suspected,"
        " customer_cancelled, undeliverable or other; NULL if it did not fail.",
        "ordered_at": "Instant, UTC, of the order.",
        "approved_at": "Instant, UTC, of its approval.",
        "shipped_at": "Instant, UTC, when it left.",
        "delivered_at": "Instant, UTC, when it arrived.",
        "estimated_delivery_at": "Instant, UTC, on whose day, in the shop's time zone, it should arrive at the latest.",
        "delivery_estimate_source": "Where it comes from: source (the shop's promise) or rule (business days).",
        "delivery_days": "Calendar days, in the shop's time zone, from order to delivery; NULL before delivery.",
        "is_late": "Did it arrive, or leave, on a day after the estimate? NULL while that is open.",
        "items_count": "Number of its lines.",
        "units_count": "Sum of the quantities of its lines; returned units count negative.",
        "gross_amount": "Sum of quantity x unit price, order currency, before discounts and tax.",
        "discount_amount": "Sum of the discounts of its lines, order currency.",
        "net_amount": "Gross minus discounts, order currency, before tax.",
        "tax_amount": "Sum of the taxes of its lines, order currency.",
        "shipping_fee": "Shipping fee, order currency.",
        "shipping_fee_source": "Where the fee comes from: source (the order), items (sum of its lines) or rule.",
        "total_amount": "Net amount + tax amount + shipping fee, order currency.",
        "currency": "Currency of its amounts, in upper case: the shop's, or default_currency.",
        "ship_city": "City it goes to.",
        "ship_region": "Region it goes to.",
        "ship_postal_code": "Postal code it goes to, leading zeros kept.",
        "ship_country_code": "Country it goes to, ISO 3166-1 alpha-2; NULL if unknown.",
        "updated_at": "Instant, UTC, of the shop's last change.",
    },
)
