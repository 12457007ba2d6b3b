"""Small shops published in a mart at instants of the past, and features made of them by runs of a project."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa
import pytest

from datamart_kedro.control.decision import Decision
from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import published_table
from datamart_kedro.mart.mart import Mart, MartSettings, mart_at
from datamart_kedro.mart.publication import build, publish
from datamart_kedro.mart.run import begin
from datamart_kedro.sources.state import SourceState
from tests.features.shops import CUSTOMERS, ITEMS, ORDERS, PRODUCTS, Row, SmallShop
from tests.project import Project

KINDS: Mapping[str, Mapping[str, str]] = {
    "products": PRODUCTS,
    "order_items": ITEMS,
    "orders": ORDERS,
    "customers": CUSTOMERS,
}
FEATURES = ("ft_customers", "ft_customer_labels", "ft_sales_daily", "ft_catalogue")


@dataclass
class FeatureMart:
    """A project whose published tables are written by the test, as if its domains had run.

    Attributes:
        project: The project.
        patch: Sets the clock.
    """

    project: Project
    patch: pytest.MonkeyPatch

    def publish(self, shop: SmallShop, at: datetime) -> None:
        """Publish the rows of a shop, in a run that starts at an instant."""
        with self.clock(at), self.mart() as mart:
            run = begin(mart, f"{at:%Y-%m-%dT%H.%M}", KINDS)
            for domain, kinds in KINDS.items():
                rows = shop.items if domain == "order_items" else getattr(shop, domain)
                self._register(mart, domain, rows, kinds)
                source = SourceState(None, None, "by hand")
                run.decisions[domain] = Decision(domain, "rebuild", "by hand", source, None, "{}", "by hand")
                table = published_table(domain)
                given = ", ".join(
                    name if name in kinds else f"CAST(NULL AS VARCHAR) AS {name}" for name in table.columns
                )
                build(mart, table, domain, f"SELECT {given} FROM given_{domain}")
            ledger.note_decisions(mart, run.run_id, run.decisions.values(), at)
            publish(mart)
            mart.run = None

    def make_features(self, at: datetime, *, full: bool = False, **features: Any) -> None:
        """Run the features at an instant, with these parameters."""
        with self.clock(at), chdir(self.project.folder):
            self.project.run("features", params={"features": features, "full": full})

    def told(self, domain: str = "ft_customers") -> tuple[str, str]:
        """How the last run that made a table made it."""
        (found,) = self.project.query(
            "SELECT arg_max(path, started_at), arg_max(path_reason, started_at) FROM tb_control_data_update"
            f" WHERE domain = '{domain}' AND status = 'published'"
        )
        return found

    def last_parameters(self) -> dict[str, Any]:
        """The parameters of features in the last run that made any."""
        ((found,),) = self.project.query(
            "SELECT arg_max(parameters, started_at) FROM tb_control_data_update WHERE domain = 'ft_customers'"
        )
        return dict(json.loads(found)["features"])

    def content(self) -> dict[str, Any]:
        """Features with their versions and instants, superseded ones, the results of rules, and the files."""
        found: dict[str, Any] = {
            f"{table}{part}": self.project.query(f"FROM {table}{part} ORDER BY ALL")
            for table in FEATURES
            for part in ("", "_history")
        }
        found["results"] = self.project.query(
            "SELECT domain, rule, arg_max((severity, rows_checked, breaches), run_id) FROM tb_contract_results"
            " WHERE domain LIKE 'ft%' AND rule NOT LIKE 'at most%' GROUP BY ALL ORDER BY ALL"
        )
        data = self.project.folder / "data"
        for path in sorted((*data.glob("04_feature/*"), *data.glob("05_model_input/*"))):
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    @contextmanager
    def clock(self, at: datetime) -> Iterator[None]:
        """Let runs take an instant for now."""
        with self.patch.context() as patch:
            patch.setattr("datamart_kedro.mart.run.now", lambda: at)
            yield

    @contextmanager
    def mart(self) -> Iterator[Mart]:
        """The mart, open for writing."""
        folder = self.project.folder
        mart = mart_at(MartSettings(str(self.project.mart), str(folder / "data" / "tmp"), str(folder)))
        mart.open(write=True)
        try:
            yield mart
        finally:
            mart.close()

    def _register(self, mart: Mart, domain: str, rows: Sequence[Row], kinds: Mapping[str, str]) -> None:
        schema = ibis.schema(kinds).to_pyarrow()
        rows = [{name: row[name] for name in kinds} for row in rows]
        mart.connection.register("given", pa.Table.from_pylist(rows, schema=schema))
        mart.execute(f"CREATE OR REPLACE TEMP TABLE given_{domain} AS FROM given")
        mart.connection.unregister("given")
