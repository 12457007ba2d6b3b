"""A run that leaves settled cutoffs out comes to what a full build comes to, and says what it left out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conftest import copy_of_project
from tests.features.published_shop import FeatureMart
from tests.features.shops import Row, SmallShop, random_shop
from tests.mart_pair import Pair
from tests.project import Project
from tests.test_changes_in_files import a_shop, add_order, the
from tests.typed_shop import read_parquet

RULES: dict[str, Any] = {"months": 6, "horizons": [30], "model_horizon_days": 30}
DAY = timedelta(days=1)
SEEDS = [1]


@dataclass
class Story:
    """A shop that time passes in: orders come, some of them late, and are corrected afterwards.

    Attributes:
        draw: Chance.
        shop: Everything that will have happened, as it is known by now.
        delays: How long after it was ordered the shop knew of an order, where that was not at once.
    """

    draw: Random
    shop: SmallShop
    delays: dict[str, timedelta] = field(default_factory=dict)

    @classmethod
    def at_random(cls, seed: int) -> Story:
        """Two years of a small shop."""
        draw, shop = Random(seed), random_shop(seed, orders=60, people=8)
        delays = {row["order_id"]: draw.choice([0, 0, 1, 2, 75]) * DAY for row in shop.orders}
        return cls(draw, shop, delays)

    def until(self, at: datetime) -> SmallShop:
        """What the shop knows at an instant."""
        orders = [row for row in self.shop.orders if row["ordered_at"] + self.delays[row["order_id"]] < at]
        known = {row["order_id"] for row in orders}
        return self.shop.with_(orders=orders, items=[row for row in self.shop.items if row["order_id"] in known])

    def go_on(self) -> None:
        """Something is corrected, or goes."""
        tables = {"orders": list(self.shop.orders), "items": list(self.shop.items), "customers": [*self.shop.customers]}
        name = self.draw.choice([name for name, rows in tables.items() if len(rows) > 2])
        place = self.draw.randrange(len(tables[name]))
        if self.draw.random() < 0.2:
            del tables[name][place]
        else:
            tables[name][place] |= self.draw.choice(CORRECTIONS[name])
        self.shop = self.shop.with_(**tables)


CORRECTIONS: dict[str, list[Row]] = {
    "orders": [
        {"status": "cancelled", "is_failed": True},
        {"status": "returned", "is_failed": False},
        {"customer_id": "c1"},
        {"customer_id": None},
        {"delivered_at": datetime(2025, 5, 5), "is_late": True},
        {"ordered_at": datetime(2025, 10, 10)},
        {"net_amount": Decimal("99.99")},
    ],
    "items": [{"category": "Games"}, {"product_id": None}, {"is_return": True}],
    "customers": [{"country_code": "FR"}, {"created_at": datetime(2025, 3, 3)}, {"created_at": None}],
}


@pytest.fixture
def pair(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[FeatureMart, FeatureMart]:
    """Two projects: in one, features are refreshed; in the other, they are made in full each time."""
    return FeatureMart(project, monkeypatch), FeatureMart(copy_of_project(tmp_path / "other"), monkeypatch)


def test_what_a_run_changes_above_reopens_cutoffs_in_the_same_run(project: Project, tmp_path: Path):
    other = copy_of_project(tmp_path / "other")
    for each in (project, other):
        read_parquet(each)
    features = {"cutoffs": ["2026-01-03", "2026-01-05"], "horizons": [1], "model_horizon_days": 1, "split_days": 1}
    pair = Pair(project, other, a_shop(), params={"features": features})
    domains = ("products", "orders", "order_items", "customers", "features")
    for number in (4, 5, 6):
        pair.shop.tick(minutes=24 * 60)
        add_order(pair.shop, number)
    assert pair.refresh(*domains)["ft_customers"][:2] == ("full", "ft_customers does not exist yet")
    add_order(pair.shop, 7, customer_id=2)
    pair.shop.change(the(pair.shop, "order_items", order_id=6, line_number=1), quantity=3)
    pair.shop.change(the(pair.shop, "customers", customer_id=1), full_name="Somebody Else")
    assert pair.refresh(*domains)["ft_customers"][:2] == ("changes", "1 of 2 cutoffs are settled")
    pair.shop.change(the(pair.shop, "orders", order_id=1), status="cancelled")
    assert pair.refresh(*domains)["ft_customers"][:2] == ("full", "0 of 2 cutoffs are settled")


@pytest.mark.parametrize("seed", SEEDS)
def test_features_without_settled_cutoffs_are_those_of_a_full_build(pair: tuple[FeatureMart, FeatureMart], seed: int):
    story, rules, at, left_out = Story.at_random(seed), dict(RULES), datetime(2025, 6, 28, 2), 0
    for _ in range(5):
        for mart, full in zip(pair, (False, True), strict=True):
            mart.publish(story.until(at), at)
            mart.make_features(at + DAY / 24, full=full, **rules)
        refreshed, expected = (mart.content() for mart in pair)
        for what, rows in expected.items():
            assert refreshed[what] == rows, (what, at)
        left_out += pair[0].told()[0] == "changes"
        at += story.draw.choice([1, 2, 20, 45, 60]) * DAY
        if story.draw.random() < 0.5:
            story.go_on()
        rules |= story.draw.choice([{}, {}, {}, {"months": 7}, {"gap_days": 3}, {"arrival_days": 2}])
    assert left_out
