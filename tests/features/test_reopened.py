"""What reopens a settled cutoff, in runs: afterwards a full build of the same mart finds nothing to change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kedro.framework.startup import bootstrap_project

from datamart_kedro.cli import cli
from datamart_kedro.mart.mart import close_marts
from datamart_kedro.pipelines.features.customers import NO_CUTOFF, customers_at
from datamart_kedro.pipelines.features.cutoffs import Cutoff
from tests.conftest import copy_of_project
from tests.features.published_shop import FeatureMart
from tests.features.shops import Row, SmallShop, customer, item, order, product
from tests.project import Project

FIRST = datetime(2025, 3, 12)
NEXT = datetime(2025, 3, 13)
HOUR = timedelta(hours=1)
RULES: dict[str, Any] = {
    "cutoffs": ["2025-02-01", "2025-03-01"],
    "horizons": [30],
    "model_horizon_days": 30,
    "split_days": 1,
}
"""The history reaches back to neither cutoff. The label of February is observed, that of March is not."""
SHOP = SmallShop(
    customers=[
        customer("ann"),
        customer("bob", created_at=datetime(2025, 1, 5)),
        customer("eve", created_at=datetime(2025, 2, 20)),
        customer("zoe", created_at=None),
    ],
    orders=[
        order("x1", "2025-01-10 10:00", "ann"),
        order("x2", "2025-02-10 10:00", "bob"),
        order("x3", "2025-03-10 10:00", "ann"),
        order("x9", "2025-02-12 10:00", "zoe"),
    ],
    items=[item("x1"), item("x2"), item("x3")],
    products=[product("A")],
)


def with_row(rows: Any, place: int, **values: Any) -> list[Row]:
    """Rows of which one has other values."""
    return [row | values if number == place else row for number, row in enumerate(rows)]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a project in which the features of the shop have been made once."""
    made = copy_of_project(tmp_path_factory.mktemp("settled") / "project")
    with pytest.MonkeyPatch.context() as patch:
        bootstrap_project(made.folder)
        mart = FeatureMart(made, patch)
        mart.publish(SHOP, FIRST)
        mart.make_features(FIRST + HOUR, **RULES)
        close_marts()
    return made.folder / "data"


@pytest.fixture
def mart(project: Project, made_once: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FeatureMart]:
    """That project. Whatever a test does, a full build finds nothing to change afterwards."""
    shutil.copytree(made_once, project.folder / "data", dirs_exist_ok=True)
    found = FeatureMart(project, monkeypatch)
    yield found
    before = found.content()
    parameters = found.last_parameters()
    found.make_features(datetime(2030, 1, 1), full=True, **parameters)
    assert found.told() == ("full", "forced by `--params full=true`")
    assert found.content() == before


def reopened(mart: FeatureMart, shop: SmallShop, at: datetime = NEXT, **rules: Any) -> tuple[str, str]:
    """How customers and labels are made after the shop has changed."""
    mart.publish(shop, at)
    mart.make_features(at + HOUR, **RULES | rules)
    return mart.told("ft_customers")[1], mart.told("ft_customer_labels")[1]


def written_at(mart: FeatureMart) -> dict[str, int]:
    """When each file was written."""
    data = mart.project.folder / "data"
    return {str(path.relative_to(data)): path.stat().st_mtime_ns for path in data.glob("0[45]*/*.parquet")}


NONE, ONE, BOTH = (f"{count} of 2 cutoffs are settled" for count in range(3))


def test_the_orders_of_a_day_leave_what_was_before_settled(mart: FeatureMart, monkeypatch: pytest.MonkeyPatch):
    made: list[date] = []

    def note(cutoff: Cutoff, *given: Any) -> Any:
        made.append(cutoff.day)
        return customers_at(cutoff, *given)

    monkeypatch.setattr("datamart_kedro.pipelines.features.customers.customers_at", note)
    shop = SHOP.with_(orders=[*SHOP.orders, order("x4", "2025-03-12 23:00", "eve")])
    before = written_at(mart)
    assert reopened(mart, shop) == (BOTH, BOTH)
    assert made == [NO_CUTOFF.day]
    assert {name for name, at in written_at(mart).items() if before[name] != at} == {
        "04_feature/ft_sales_daily.parquet",
        "05_model_input/sales_daily.parquet",
    }


def test_a_file_that_holds_other_rows_is_written_though_none_changed(mart: FeatureMart):
    data = mart.project.folder / "data"
    stale = data / "04_feature" / "ft_customers.parquet"
    stale.write_bytes((data / "05_model_input" / "customers.parquet").read_bytes())
    before = stale.read_bytes()
    shop = SHOP.with_(orders=[*SHOP.orders, order("x4", "2025-03-12 23:00", "eve")])
    assert reopened(mart, shop) == (BOTH, BOTH)
    assert stale.read_bytes() != before


CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "an order is cancelled": (
        {"orders": with_row(SHOP.orders, 1, status="cancelled", is_failed=True)},
        ONE,
        ONE,
    ),
    "an order arrives late": ({"orders": [*SHOP.orders, order("x0", "2025-01-20", "bob")]}, NONE, BOTH),
    "an order is gone": ({"orders": SHOP.orders[1:]}, NONE, BOTH),
    "an order moves to another day": ({"orders": with_row(SHOP.orders, 1, ordered_at=datetime(2025, 1, 2))}, NONE, ONE),
    "an order was delivered": (
        {"orders": with_row(SHOP.orders, 0, is_late=True, delivered_at=datetime(2025, 1, 20))},
        NONE,
        BOTH,
    ),
    "a line has another category": ({"items": with_row(SHOP.items, 1, category="Games")}, ONE, BOTH),
    "a line is gone": ({"items": SHOP.items[1:]}, NONE, BOTH),
    "a customer moves": ({"customers": with_row(SHOP.customers, 2, country_code="FR")}, ONE, BOTH),
    "a customer moves who never registered": (
        {"customers": with_row(SHOP.customers, 3, country_code="FR")},
        ONE,
        BOTH,
    ),
    "a registration is gone": ({"customers": with_row(SHOP.customers, 1, created_at=None)}, NONE, ONE),
    "a customer is gone": ({"customers": [*SHOP.customers[:2], SHOP.customers[3]]}, ONE, ONE),
    "a customer is new": (
        {"customers": [*SHOP.customers, customer("new", created_at=datetime(2025, 1, 7))]},
        NONE,
        NONE,
    ),
}


@pytest.mark.parametrize(("change", "customers", "labels"), CHANGES.values(), ids=CHANGES)
def test_a_change_reopens_what_saw_it(mart: FeatureMart, change: dict[str, Any], customers: str, labels: str):
    assert reopened(mart, SHOP.with_(**change)) == (customers, labels)


def test_a_window_that_has_passed_reopens_the_labels_of_its_cutoff(mart: FeatureMart):
    shop = SHOP.with_(orders=[*SHOP.orders, order("x4", "2025-04-02", "eve")])
    assert reopened(mart, shop, datetime(2025, 4, 3)) == (BOTH, NONE)
    assert mart.project.query("SELECT DISTINCT split FROM ft_customer_labels ORDER BY ALL") == [("test",), (None,)]


def test_new_cutoffs_are_made_and_one_that_left_goes(mart: FeatureMart):
    shop = SHOP.with_(orders=[*SHOP.orders, order("x4", "2025-03-12 23:00", "eve")])
    found = reopened(mart, shop, cutoffs=["2025-03-01", "2025-03-12", "2025-03-13"])
    assert found == ("1 of 3 cutoffs are settled", "1 of 3 cutoffs are settled")
    days = mart.project.query("SELECT cutoff_date, count(*), max(_version) FROM ft_customers GROUP BY 1 ORDER BY 1")
    assert days == [(date(2025, 3, 1), 4, 2), (date(2025, 3, 12), 4, 4), (date(2025, 3, 13), 4, 4)]


def test_parameters_reopen_what_they_make(mart: FeatureMart):
    mart.make_features(NEXT, **RULES | {"eligible_within_days": 30})
    assert mart.told() == ("full", "its parameters changed: features.eligible_within_days")
    mart.make_features(NEXT + HOUR, **RULES | {"eligible_within_days": 30, "levels": ["total"]})
    assert mart.told() == ("changes", BOTH)


def test_other_code_reopens_everything(mart: FeatureMart):
    mart.project.execute("UPDATE tb_control_data_update SET code_version = 'old' WHERE domain = 'ft_customers'")
    mart.make_features(NEXT, **RULES)
    assert mart.told() == ("full", "its code changed since version 2")


def invoke(*arguments: str) -> None:
    done = CliRunner().invoke(cli, ["mart", *arguments])
    assert done.exit_code == 0, done.output


def test_a_shortened_history_reopens_everything(mart: FeatureMart):
    shop = SHOP.with_(orders=with_row(SHOP.orders, 1, net_amount=Decimal("11.00")))
    assert reopened(mart, shop) == (ONE, ONE)
    invoke("prune", "--keep", "1d")
    shop = shop.with_(orders=with_row(shop.orders, 2, net_amount=Decimal("12.00")))
    assert reopened(mart, shop, NEXT + 2 * HOUR)[0] == "the history was shortened since version 4"


def test_an_erased_customer_reopens_everything(mart: FeatureMart):
    invoke("forget", "--customer-id", "eve", "--yes")
    shop = SHOP.with_(
        customers=[*SHOP.customers[:2], SHOP.customers[3]], orders=[*SHOP.orders, order("x4", "2025-03-12", "ann")]
    )
    assert reopened(mart, shop)[0] == "a customer was erased since version 2"


def test_a_rollback_reopens_everything(mart: FeatureMart):
    shop = SHOP.with_(orders=with_row(SHOP.orders, 1, net_amount=Decimal("11.00")))
    assert reopened(mart, shop) == (ONE, ONE)
    invoke("rollback", "2")
    mart.make_features(NEXT + 2 * HOUR, **RULES)
    assert mart.told() == ("full", "it went back with the rollback to version 2")


def test_what_was_known_then_stays_whatever_is_corrected(mart: FeatureMart):
    april = {"cutoffs": ["2025-03-01", "2025-04-01"]}
    shop = SHOP.with_(orders=[*SHOP.orders, order("x4", "2025-03-31", "eve")])
    assert reopened(mart, shop, datetime(2025, 4, 1, 2), **april)[0] == ONE
    late = shop.with_(orders=[*shop.orders, order("x5", "2025-03-31 22:00", "bob")])
    assert reopened(mart, late, datetime(2025, 4, 1, 22), **april)[0] == ONE
    seen = "SELECT orders_life FROM ft_customers WHERE cutoff_date = '2025-04-01' ORDER BY customer_id"
    assert mart.project.query(seen) == [(2,), (2,), (1,), (1,)]
    after = late.with_(orders=[*late.orders, order("x6", "2025-04-02", "bob")])
    assert reopened(mart, after, datetime(2025, 4, 2, 2), **april)[0] == ONE
    corrected = after.with_(orders=with_row(after.orders, 4, status="cancelled", is_failed=True))
    assert reopened(mart, corrected, datetime(2025, 4, 3), **april)[0] == BOTH
