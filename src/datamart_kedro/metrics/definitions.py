"""The metrics of the mart."""

from __future__ import annotations

from collections.abc import Mapping

from datamart_kedro.metrics.metric import Measure, Metric, Rows
from datamart_kedro.metrics.rows import FIRST

EACH_CURRENCY = ("currency",)
SALES = "Orders that failed or were cancelled do not count; the day is that of the order."


def _sum(column: str) -> Measure:
    return lambda rows: rows[column].sum()


def _orders_and_lines(measure: Measure) -> Mapping[Rows, Measure]:
    return {"orders": measure, "lines": measure}


ORDERS: Mapping[Rows, Measure] = {"orders": lambda rows: rows.count(), "lines": lambda rows: rows.order_id.nunique()}
REVENUE = _orders_and_lines(_sum("sold_amount"))
RETURNED = _orders_and_lines(lambda rows: (rows.sold_amount - rows.kept_amount).sum())

METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "revenue",
            "Revenue",
            "Net amount of what was sold: after discounts, before tax and shipping, before anything came back. "
            + SALES,
            "money",
            REVENUE,
            adds_up="all but currency",
            apart=EACH_CURRENCY,
            rises=True,
        ),
        Metric(
            "net_revenue",
            "Net revenue",
            "Revenue less what came back: return lines, and orders whose status is returned, counted on the day of the"
            " order. " + SALES,
            "money",
            _orders_and_lines(_sum("kept_amount")),
            adds_up="all but currency",
            apart=EACH_CURRENCY,
            rises=True,
        ),
        Metric(
            "orders",
            "Orders",
            "Orders that were placed. By product, category or department: orders with such a line. " + SALES,
            "count",
            ORDERS,
            adds_up="all but product, category and department",
            rises=True,
        ),
        Metric(
            "average_order",
            "Average order",
            "Revenue of an order, on average. " + SALES,
            "money",
            REVENUE,
            denominators=ORDERS,
            denominator="orders, as the metric of that name",
            apart=EACH_CURRENCY,
            rises=True,
        ),
        Metric(
            "active_customers",
            "Active customers",
            "Customers with at least one order in the window: the group's day, week, month, quarter or year, or else"
            " the days asked for. Orders of nobody known do not count. " + SALES,
            "count",
            _orders_and_lines(lambda rows: rows.customer_id.nunique()),
            rises=True,
        ),
        Metric(
            "new_customers",
            "New customers",
            "Customers whose first order that did not fail lies in the window. " + SALES,
            "count",
            _orders_and_lines(lambda rows: rows.customer_id.nunique(where=rows[FIRST])),
            adds_up="time, country, currency and order_status, unless several first orders have one instant",
            rises=True,
        ),
        Metric(
            "returning_customers",
            "Returning customers",
            "Customers with an order in the window that is not their first. Who placed the first and another one in one"
            " window is new and returning. " + SALES,
            "count",
            _orders_and_lines(lambda rows: rows.customer_id.nunique(where=~rows[FIRST])),
            rises=True,
        ),
        Metric(
            "return_rate",
            "Return rate",
            "Share of the revenue that came back: return lines, and orders whose status is returned. " + SALES,
            "rate",
            RETURNED,
            denominators=REVENUE,
            denominator="revenue, as the metric of that name",
            apart=EACH_CURRENCY,
            rises=False,
        ),
        Metric(
            "margin_rate",
            "Margin",
            "Share of the net amount that is left after the cost of the goods, by the costs as they are now; return"
            " lines count negative. " + SALES,
            "rate",
            {"lines": _sum("margin_amount")},
            denominators={"lines": lambda rows: rows.net_amount.sum(where=rows.margin_amount.notnull())},
            denominator="net amount of the lines whose cost is known",
            apart=EACH_CURRENCY,
            rises=True,
        ),
        Metric(
            "late_rate",
            "Late",
            "Share of the orders that arrived, or left, on a day after the estimate. " + SALES,
            "rate",
            {"orders": lambda rows: rows.count(where=rows.is_late)},
            denominators={"orders": lambda rows: rows.count(where=rows.is_late.notnull())},
            denominator="orders of which it is known whether they were late",
            rises=False,
        ),
        Metric(
            "customers",
            "Customers",
            "Customers that the shop has, as they are now.",
            "count",
            {"customers": lambda rows: rows.count()},
            adds_up="all",
        ),
        Metric(
            "churn_risk",
            "Churn risk",
            "Probability, on average, that a customer places no order in the days that the score speaks of, as told at"
            " the newest cutoff.",
            "probability",
            {"scores": _sum("churn_probability")},
            denominators={"scores": lambda rows: rows.count()},
            denominator="customers with a score: those who can churn at the cutoff",
            apart=("horizon_days",),
            rises=False,
        ),
        Metric(
            "products",
            "Products",
            "Products that the shop has, discontinued ones included, as they are now.",
            "count",
            {"products": lambda rows: rows.count()},
            adds_up="all",
        ),
        Metric(
            "stock_out_rate",
            "Out of stock",
            "Share of the products still sold that are out of stock, as they are now.",
            "rate",
            {"products": lambda rows: rows.count(where=rows.availability == "out_of_stock")},
            denominators={
                "products": lambda rows: rows.count(
                    where=rows.availability.isin(["in_stock", "low_stock", "out_of_stock"])
                )
            },
            denominator="products not discontinued whose stock is known",
            rises=False,
        ),
    )
}
"""By name."""

NEEDS: Mapping[str, tuple[str, ...]] = {"new_customers": (FIRST,), "returning_customers": (FIRST,)}
"""Columns that a metric takes beside those that its rows have in any case."""
