"""Features of customers with plain pandas, as notebooks make them: for each cutoff, all that was before it.

It is called with the file of the shop, and the cutoffs; it makes the columns of ft_customers, but the country.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import duckdb
import numpy as np
import pandas as pd

WINDOWS = {"30d": 30, "90d": 90, "180d": 180, "365d": 365, "life": 100_000}
SUMS = {"orders": "one", "units": "units_count", "items": "items_count"}
AMOUNTS = {"net_amount": "net_amount", "discount_amount": "discount_amount"}
DAY = pd.Timedelta(days=1)


def read(file: str) -> dict[str, pd.DataFrame]:
    """The tables, with floats for money, as notebooks have them."""
    with duckdb.connect(file, read_only=True) as shop:
        return {
            name: shop.execute(
                f"SELECT * REPLACE ({', '.join(f'CAST({c} AS DOUBLE) AS {c}' for c in money)}) FROM {name}"
                if money
                else f"FROM {name}"
            ).df()
            for name, money in {
                "tb_customers": (),
                "tb_orders": ("net_amount", "discount_amount", "units_count"),
                "tb_order_items": ("net_amount", "quantity"),
            }.items()
        }


def features(tables: dict[str, pd.DataFrame], cutoff: pd.Timestamp) -> pd.DataFrame:
    """One row per customer known before the cutoff."""
    customers, orders, lines = (tables[name] for name in ("tb_customers", "tb_orders", "tb_order_items"))
    before = orders[orders.ordered_at < cutoff].assign(one=1)
    before["day"] = before.ordered_at.dt.normalize()
    done, failed = before[~before.is_failed], before[before.is_failed]
    known = customers[(customers.created_at < cutoff) | customers.customer_id.isin(before.customer_id)]
    parts = [
        *windows(done, failed, cutoff),
        life(done, cutoff),
        trend(done, cutoff),
        breadth(done, lines),
    ]
    found = pd.concat([known.set_index("customer_id"), *parts], axis=1)
    counts = [name for name in found if name.startswith((*SUMS, *AMOUNTS, "purchase_days", "cancelled", "failed"))]
    found[counts] = found[counts].fillna(0)
    found["tenure_days"] = (cutoff - found.created_at.dt.normalize()) // DAY
    return found.pipe(scores)


def windows(done: pd.DataFrame, failed: pd.DataFrame, cutoff: pd.Timestamp) -> list[pd.DataFrame]:
    parts = []
    for span, days in WINDOWS.items():
        start = cutoff - days * DAY if span != "life" else pd.Timestamp.min
        inside, lost = done[done.ordered_at >= start], failed[failed.ordered_at >= start]
        late = done[
            done.is_late.fillna(False).astype(bool) & (done.delivered_at < cutoff) & (done.delivered_at >= start)
        ]
        groups = inside.groupby("customer_id")
        part = groups[[*SUMS.values(), *AMOUNTS.values()]].sum()
        part.columns = [f"{name}_{span}" for name in (*SUMS, *AMOUNTS)]
        part[f"purchase_days_{span}"] = groups.day.nunique()
        part[f"avg_order_amount_{span}"] = part[f"net_amount_{span}"] / part[f"orders_{span}"]
        part[f"returned_orders_{span}"] = (inside.status == "returned").groupby(inside.customer_id).sum()
        part[f"return_rate_{span}"] = part[f"returned_orders_{span}"] / part[f"orders_{span}"]
        service = pd.DataFrame(
            {
                f"failed_orders_{span}": lost.groupby("customer_id").size(),
                f"cancelled_orders_{span}": (lost.status == "cancelled").groupby(lost.customer_id).sum(),
                f"late_deliveries_{span}": late.groupby("customer_id").size(),
            }
        )
        parts += [part, service]
    return parts


def life(done: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    days = done.groupby(["customer_id", "day"]).net_amount.sum().reset_index()
    groups = days.groupby("customer_id")
    days["gap"] = groups.day.diff() / DAY
    first, last, count = groups.day.min(), groups.day.max(), groups.size()
    repeated = groups.net_amount.sum() - groups.net_amount.first()
    gaps = days.dropna().groupby("customer_id").gap
    part = pd.DataFrame(
        {
            "btyd_frequency": count - 1,
            "btyd_recency_days": (last - first) // DAY,
            "btyd_age_days": (cutoff - DAY - first) // DAY,
            "btyd_monetary": (repeated / (count - 1)).where(count > 1, 0),
            "recency_days": (cutoff - last) // DAY,
            "days_since_first_order": (cutoff - first) // DAY,
            "max_order_amount": done.groupby("customer_id").net_amount.max(),
            "gap_mean_days": gaps.mean(),
            "gap_median_days": gaps.median(),
            "gap_std_days": gaps.std(ddof=0),
            "gap_last_days": gaps.last(),
        }
    )
    part["overdue_ratio"] = part.recency_days / part.gap_mean_days
    return part


def trend(done: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    now = done[done.ordered_at >= cutoff - 90 * DAY].groupby("customer_id")
    then = done[(done.ordered_at < cutoff - 90 * DAY) & (done.ordered_at >= cutoff - 180 * DAY)].groupby("customer_id")
    year = done[done.ordered_at >= cutoff - 365 * DAY]
    months = year.ordered_at.dt.to_period("M")
    part = pd.DataFrame({"a": now.size(), "b": then.size(), "c": now.net_amount.sum(), "d": then.net_amount.sum()})
    part = part.fillna(0)
    return pd.DataFrame(
        {
            "orders_ratio_90": (part.a + 1) / (part.b + 1),
            "net_amount_ratio_90": (part.c + 1) / (part.d + 1),
            "active_months_12": months.groupby(year.customer_id).nunique(),
        }
    )


def breadth(done: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    bought = lines[~lines.is_return].merge(done[["order_id", "customer_id", "day"]], on="order_id")
    days = bought.groupby(["customer_id", "product_id"]).day.nunique()
    counts = bought.groupby(["customer_id", "category"]).size().reset_index(name="lines")
    total = counts.groupby("customer_id").lines.transform("sum")
    counts["share"] = counts.lines / total
    counts["term"] = -counts.share * np.log(counts.share)
    top = counts.sort_values(["customer_id", "lines", "category"], ascending=[True, False, True])
    top = top.drop_duplicates("customer_id").set_index("customer_id")
    return pd.DataFrame(
        {
            "products_count": days.groupby("customer_id").size(),
            "repeat_product_share": (days > 1).groupby("customer_id").mean(),
            "categories_count": counts.groupby("customer_id").size(),
            "category_entropy": counts.groupby("customer_id").term.sum(),
            "top_category": top.category,
            "top_category_share": top.share,
        }
    )


def scores(found: pd.DataFrame) -> pd.DataFrame:
    values = {"rfm_r": -found.recency_days, "rfm_f": found.orders_life, "rfm_m": found.net_amount_life}
    is_buyer = found.recency_days.notna()
    for name, value in values.items():
        bounds = value[is_buyer].quantile([0.2, 0.4, 0.6, 0.8])
        found[name] = (sum((value > bound).astype(int) for bound in bounds) + 1).where(is_buyer)
    return found


def main(file: str, cutoffs: Sequence[str]) -> None:
    """Make the features of all cutoffs, and print what they add up to."""
    tables = read(file)
    found = pd.concat([features(tables, pd.Timestamp(cutoff)) for cutoff in cutoffs])
    sums = found[["orders_life", "purchase_days_365d", "btyd_age_days", "products_count", "rfm_f"]].sum()
    print(len(found), *(int(value) for value in sums))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
