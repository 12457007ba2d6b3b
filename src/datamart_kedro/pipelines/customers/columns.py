"""Customers: what their source may deliver, and what is published."""

from datamart_kedro.columns import PersonalData, PublishedTable, SourceColumn

KEY = ("customer_id",)

SOURCE = {
    "customer_id": SourceColumn("id", required=True),
    "full_name": SourceColumn("text"),
    "first_name": SourceColumn("text"),
    "last_name": SourceColumn("text"),
    "company": SourceColumn("text"),
    "email": SourceColumn("text"),
    "phone": SourceColumn("text"),
    "city": SourceColumn("text"),
    "region": SourceColumn("text"),
    "postal_code": SourceColumn("text"),
    "country": SourceColumn("text"),
    "status": SourceColumn("text"),
    "created_at": SourceColumn("instant"),
    "updated_at": SourceColumn("instant"),
    "deleted_at": SourceColumn("instant"),
}

MEANINGS = {"country": "country_code"}
"""Which staged column says what another one means; NULL where no map knows the value."""

PERSONAL = PersonalData(
    person="customer_id",
    columns=(
        "full_name",
        "first_name",
        "last_name",
        "company",  # that of a firm of one person is the person's name
        "email",
        "phone",
        "city",
        "region",
        "postal_code",
    ),
    identifying=("full_name", "email", "phone"),
)
"""A customer is a person."""

TOUCHED_BY = {"tmp_customers": KEY, "tb_orders": KEY}
"""For each table that customers are made of, the columns by which a changed row finds the customers to build anew."""

TABLE = PublishedTable(
    name="tb_customers",
    key=KEY,
    personal=PERSONAL,
    comment="One row per customer_id: customers that the shop did not delete, with what they ordered.",
    columns={
        "customer_id": "Customer, as the shop numbers them.",
        "full_name": "Name of the person, first name first.",
        "company": "Company, NULL for private customers.",
        "is_company": "Is a company named?",
        "email": "E-mail address in lower case, as the shop has it, valid or not.",
        "email_domain": "What follows the @ of a valid address.",
        "is_email_valid": "Does the address have the form of one? NULL without an address.",
        "phone": "Phone number as the shop has it.",
        "city": "City.",
        "region": "Region.",
        "postal_code": "Postal code, leading zeros kept.",
        "country_code": "Country, ISO 3166-1 alpha-2; NULL if unknown.",
        "status": "The shop's status of the customer, in lower case.",
        "created_at": "Instant, UTC, of the registration.",
        "updated_at": "Instant, UTC, of the shop's last change.",
        "signup_month": "First day of the month of created_at, in the shop's time zone.",
        "first_ordered_at": "Instant, UTC, of the first order that did not fail.",
        "last_ordered_at": "Instant, UTC, of the last order that did not fail.",
        "orders_count": "Number of orders that did not fail.",
        "failed_orders_count": "Number of failed orders.",
        "net_amount_lifetime": "Net amount of the orders that did not fail.",
        "avg_order_amount": "net_amount_lifetime / orders_count; NULL without orders.",
        "customer_type": "prospect (no order), new or returning (returning_from orders); failed ones do not count.",
    },
)
