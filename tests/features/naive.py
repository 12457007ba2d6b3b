"""Features a second time, from their definitions, with pandas: one customer and one cutoff at a time."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.features.shops import Row, SmallShop

SPANS = {"30d": 30, "90d": 90, "180d": 180, "365d": 365, "life": 100_000}


def naive_features(shop: SmallShop, cutoff: date) -> dict[str, Row]:
    """What is said of each customer at a cutoff, by customer_id; scores of rfm are added among the buyers."""
    midnight = pd.Timestamp(cutoff)
    found = {}
    for person in shop.customers:
        orders = [row for row in shop.orders if row["customer_id"] == person["customer_id"]]
        before = [row for row in orders if pd.Timestamp(row["ordered_at"]) < midnight]
        registered = person["created_at"] is not None and pd.Timestamp(person["created_at"]) < midnight
        if registered or before:
            found[person["customer_id"]] = one_customer(person, before, shop.items, cutoff)
    add_scores(found)
    return found


def one_customer(person: Row, before: list[Row], items: Any, cutoff: date) -> Row:
    """The columns of one customer, without scores."""
    done = pd.DataFrame([row for row in before if not row["is_failed"]])
    failed = pd.DataFrame([row for row in before if row["is_failed"]])
    days = sorted({at.date() for at in done["ordered_at"]}) if len(done) else []
    row: Row = {
        "customer_id": person["customer_id"],
        "cutoff_date": cutoff,
        "is_buyer": bool(days),
        "is_eligible_churn": bool(days),
        "signup_month": person["signup_month"],
        "country_code": person["country_code"],
    }
    starts = [*([person["created_at"].date()] if person["created_at"] else []), *days[:1]]
    row["tenure_days"] = (cutoff - min(starts)).days if starts else None
    row["recency_days"] = (cutoff - days[-1]).days if days else None
    row["days_since_first_order"] = (cutoff - days[0]).days if days else None
    row |= btyd(done, days, cutoff) | rhythm(days, cutoff) | windows(done, failed, cutoff)
    row["max_order_amount"] = max(done["net_amount"]) if days else None
    recent, older = between(done, cutoff, 0, 90), between(done, cutoff, 90, 180)
    row["orders_ratio_90"] = (len(recent) + 1) / (len(older) + 1)
    a, b = (float(sum(part["net_amount"])) if len(part) else 0.0 for part in (recent, older))
    row["net_amount_ratio_90"] = None if b == -1 else (a + 1) / (b + 1)
    year = between(done, cutoff, 0, 365)
    row["active_months_12"] = min(12, len({(at.year, at.month) for at in year["ordered_at"]})) if len(year) else 0
    bought = [line for line in items if days and line["order_id"] in set(done["order_id"]) and line["quantity"] > 0]
    return row | breadth(pd.DataFrame(bought), done)


def between(orders: pd.DataFrame, cutoff: date, newest: int, oldest: int, column: str = "ordered_at") -> pd.DataFrame:
    """Orders of the days from `oldest` days before the cutoff up to `newest` before, which is left out."""
    if not len(orders):
        return orders
    first, last = cutoff - timedelta(days=min(oldest, 40_000)), cutoff - timedelta(days=newest)
    return orders[[at is not None and not pd.isna(at) and first <= at.date() < last for at in orders[column]]]


def btyd(done: pd.DataFrame, days: list[date], cutoff: date) -> Row:
    if not days:
        names = ("btyd_frequency", "btyd_recency_days", "btyd_age_days", "btyd_monetary")
        return dict.fromkeys(names)
    totals = [sum(done["net_amount"][[at.date() == day for at in done["ordered_at"]]]) for day in days[1:]]
    mean = sum(totals, Decimal(0)) / len(totals) if totals else Decimal(0)
    return {
        "btyd_frequency": len(days) - 1,
        "btyd_recency_days": (days[-1] - days[0]).days,
        "btyd_age_days": (cutoff - timedelta(days=1) - days[0]).days,
        "btyd_monetary": mean.quantize(Decimal("0.0001"), ROUND_HALF_UP),
    }


def rhythm(days: list[date], cutoff: date) -> Row:
    gaps = pd.Series([(after - day).days for day, after in pairwise(days)], dtype=float)
    if gaps.empty:
        names = ("gap_mean_days", "gap_median_days", "gap_std_days", "gap_last_days", "overdue_ratio")
        return dict.fromkeys(names)
    return {
        "gap_mean_days": gaps.mean(),
        "gap_median_days": gaps.median(),
        "gap_std_days": gaps.std(ddof=0),
        "gap_last_days": int(gaps.iloc[-1]),
        "overdue_ratio": (cutoff - days[-1]).days / gaps.mean(),
    }


def windows(done: pd.DataFrame, failed: pd.DataFrame, cutoff: date) -> Row:
    row: Row = {}
    for span, length in SPANS.items():
        inside, lost = between(done, cutoff, 0, length), between(failed, cutoff, 0, length)
        late = done[done["is_late"].map(lambda flag: flag is True).astype(bool)] if len(done) else done
        count = len(inside)
        net = sum(inside["net_amount"], Decimal(0)) if count else Decimal(0)
        returned = sum(inside["status"] == "returned") if count else 0
        row |= {
            f"orders_{span}": count,
            f"purchase_days_{span}": len({at.date() for at in inside["ordered_at"]}) if count else 0,
            f"units_{span}": sum(inside["units_count"], Decimal(0)) if count else Decimal(0),
            f"items_{span}": int(sum(inside["items_count"])) if count else 0,
            f"net_amount_{span}": net,
            f"discount_amount_{span}": sum(inside["discount_amount"], Decimal(0)) if count else Decimal(0),
            f"avg_order_amount_{span}": (net / count).quantize(Decimal("0.01"), ROUND_HALF_UP) if count else None,
            f"cancelled_orders_{span}": int(sum(lost["status"] == "cancelled")) if len(lost) else 0,
            f"failed_orders_{span}": len(lost),
            f"returned_orders_{span}": int(returned),
            f"late_deliveries_{span}": len(between(late, cutoff, 0, length, "delivered_at")),
            f"return_rate_{span}": int(returned) / count if count else None,
        }
    return row


def breadth(bought: pd.DataFrame, done: pd.DataFrame) -> Row:
    row: Row = dict.fromkeys(("top_category", "top_category_share", "category_entropy", "repeat_product_share")) | {
        "products_count": 0,
        "categories_count": 0,
    }
    if bought.empty:
        return row
    day_of = dict(zip(done["order_id"], [at.date() for at in done["ordered_at"]], strict=True))
    of_product = bought[bought["product_id"].notna()]
    if len(of_product):
        seen = of_product.assign(day=of_product["order_id"].map(day_of)).groupby("product_id")["day"].nunique()
        row["products_count"] = len(seen)
        row["repeat_product_share"] = float((seen > 1).sum()) / len(seen)
    lines = bought["category"].dropna().value_counts()
    if len(lines):
        shares = lines / lines.sum()
        row["categories_count"] = len(lines)
        row["top_category"] = min(name for name, count in lines.items() if count == lines.max())
        row["top_category_share"] = float(shares.max())
        row["category_entropy"] = -sum(share * math.log(share) for share in shares)
    return row


def add_scores(found: dict[str, Row]) -> None:
    """Scores among the buyers: one more for each quintile bound that a value exceeds."""
    buyers = [row for row in found.values() if row["is_buyer"]]
    columns = {"rfm_r": "recency_days", "rfm_f": "orders_life", "rfm_m": "net_amount_life"}
    for row in found.values():
        for name in (*columns, "rfm_segment"):
            row[name] = None
    for name, column in columns.items():
        sign = -1 if name == "rfm_r" else 1
        values = pd.Series([sign * float(row[column]) for row in buyers])
        bounds = [values.quantile(share) for share in (0.2, 0.4, 0.6, 0.8)] if buyers else []
        for row, value in zip(buyers, values, strict=True):
            row[name] = 1 + sum(bool(value > bound) for bound in bounds)
    for row in buyers:
        r, f = row["rfm_r"], row["rfm_f"]
        if r >= 4 and f >= 4:
            row["rfm_segment"] = "champions"
        elif r >= 3 and f >= 3:
            row["rfm_segment"] = "loyal"
        elif r >= 4:
            row["rfm_segment"] = "recent"
        elif r <= 2:
            row["rfm_segment"] = "at_risk" if f >= 3 else "lapsed"
        else:
            row["rfm_segment"] = "occasional"
