"""The columns of ft_customer_labels."""

from __future__ import annotations

from functools import partial

from datamart_kedro.pipelines.features.feature import Feature

FT_CUSTOMER_LABELS = "ft_customer_labels"
ORDERED = "tb_orders.ordered_at, tb_orders.is_failed"
OPEN = "the window is not fully observed."

_key = partial(Feature, FT_CUSTOMER_LABELS, timing="key")
_of = partial(Feature, FT_CUSTOMER_LABELS, timing="label")

LABELS: tuple[Feature, ...] = (
    _key("customer_id", "key", "id", "", None, "Customer.", "ft_customers.customer_id", is_personal=True),
    _key("cutoff_date", "key", "date", "", None, "Midnight, UTC, of this day.", "ft_customers.cutoff_date"),
    _key("horizon_days", "key", "int32", "days", None, "Days that the label looks ahead.", ""),
    _key("gap_days", "window", "int32", "days", None, "Days between the cutoff and the start of the window.", ""),
    _key("label_start", "window", "date", "", None, "First day of the window: cutoff_date + gap_days.", ""),
    _key("label_end", "window", "date", "", None, "Day after its last: label_start + horizon_days.", ""),
    _key(
        "is_observed",
        "window",
        "boolean",
        "",
        None,
        "Has the window passed? The day of the newest order counts as not over yet.",
        "tb_orders.ordered_at",
    ),
    _key(
        "split",
        "window",
        "string",
        "",
        None,
        "train, valid, test or score (not all observed yet): by the cutoff alone. The labels of a split, the longest"
        " horizon included, end before the first cutoff of the next.",
        "",
        "for nothing: its labels would reach into the next split.",
    ),
    _of(
        "churned",
        "label",
        "int32",
        "0 or 1",
        None,
        "1 without an order in the window that did not fail, else 0.",
        ORDERED,
        OPEN,
    ),
    _of("orders_count", "label", "int32", "orders", None, "Orders of the window that did not fail.", ORDERED, OPEN),
    _of(
        "net_amount",
        "label",
        "decimal(18, 2)",
        "order currency",
        None,
        "Net amount of these orders.",
        "tb_orders.net_amount",
        OPEN,
    ),
    _of(
        "next_order_days",
        "label",
        "int32",
        "days",
        None,
        "Days from label_start to the day of the first of these orders; horizon_days if there is none.",
        ORDERED,
        OPEN,
    ),
    _of(
        "event_observed",
        "label",
        "boolean",
        "",
        None,
        "Is next_order_days that of an order? If not, it is cut off by the end of the window.",
        ORDERED,
        OPEN,
    ),
)
