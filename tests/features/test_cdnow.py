"""CDNOW, the public transaction log on which BG/NBD was published: our columns give the published estimates.

The log (``CDNOW_sample.txt``, from https://www.brucehardie.com/datasets/) is no part of the repository: DATAMART_CDNOW
names it. The model and its figures: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way, Marketing
Science 24 (2).
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import gammaln

from tests.project import Project

CALIBRATED_UNTIL = "1997-10-01"
"""The first day after the 39 weeks on which the paper fits."""
PUBLISHED = {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}
LOG_LIKELIHOOD = -9582.4


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    """One row per transaction: customer, day, amount."""
    path = os.environ.get("DATAMART_CDNOW")
    if not path:
        pytest.skip("DATAMART_CDNOW does not name the log of CDNOW.")
    names = ["master", "customer_id", "day", "count", "amount"]
    found = pd.read_csv(Path(path), sep=r"\s+", names=names, dtype=str)
    return found.assign(day=pd.to_datetime(found.day).dt.strftime("%Y-%m-%d"))


@pytest.fixture
def features(log: pd.DataFrame, project: Project) -> pd.DataFrame:
    """One row per customer, at the end of the 39 weeks."""
    first = log.groupby("customer_id").day.min()
    project.write_source("customers", [{"customer_id": name, "created_at": day} for name, day in first.items()])
    project.write_source("products", [{"product_id": "CD", "name": "CD", "unit_price": "10"}])
    numbered = list(enumerate(log.itertuples(), 1))
    orders = [
        {"order_id": n, "customer_id": t.customer_id, "status": "delivered", "ordered_at": t.day} for n, t in numbered
    ]
    lines = [
        {"order_id": n, "line_number": 1, "product_id": "CD", "quantity": 1, "unit_price": t.amount}
        for n, t in numbered
    ]
    project.write_source("orders", orders)
    project.write_source("order_items", lines)
    project.run()
    project.run("features", params={"features": {"cutoffs": [CALIBRATED_UNTIL]}})
    return pd.read_parquet(project.folder / "data" / "04_feature" / "ft_customers.parquet")


def negative_log_likelihood(logarithms: np.ndarray, x: np.ndarray, t_x: np.ndarray, t: np.ndarray) -> float:
    """Of BG/NBD, equation 6 of the paper, as its note on computation arranges it; times in weeks."""
    r, alpha, a, b = np.exp(logarithms)
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
    common += gammaln(a + b) + gammaln(b + x) - gammaln(b) - gammaln(a + b + x)
    alive = -(r + x) * np.log(alpha + t)
    gone = np.where(x > 0, np.log(a) - np.log(b + np.maximum(x, 1) - 1) - (r + x) * np.log(alpha + t_x), -np.inf)
    return float(-(common + np.logaddexp(alive, gone)).sum())


def test_bg_nbd_on_our_columns_has_the_published_estimates(features: pd.DataFrame):
    x = features.btyd_frequency.to_numpy(float)
    weeks = (features[["btyd_recency_days", "btyd_age_days"]].to_numpy(float) / 7).T
    assert (len(x), x.sum(), (x == 0).sum()) == (2357, 2457, 1411)
    how = {"maxiter": 20_000, "maxfev": 20_000, "xatol": 1e-8, "fatol": 1e-8}
    found = minimize(negative_log_likelihood, np.zeros(4), args=(x, *weeks), method="Nelder-Mead", options=how)
    assert dict(zip(PUBLISHED, np.exp(found.x).round(3), strict=True)) == PUBLISHED
    assert round(-found.fun, 1) == LOG_LIKELIHOOD
