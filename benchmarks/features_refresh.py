"""What features cost in a run beside a full build: when nothing changed, and after a day, a month and a correction.

A shop's tables are published as they were at a date, then later ones; after each, the project makes its features, in a
process of its own. In the end they are built in full, which must find nothing to change.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent))
from features import make_shop
from full_build import ROOT, Cost, apart, measured, shares

DAYS = ("2025-12-15", "2025-12-16", "2026-01-10")
"""Up to which the orders of the shop are published: at first, a day later, and in the month after."""
CORRECTED = "2025-09-15"
TABLES = ("products", "order_items", "orders", "customers")


def make_project(folder: Path, memory_limit: str, threads: int) -> Path:
    """Lay out a project with the code and rules of this one."""
    project = folder / "project"
    shutil.rmtree(project, ignore_errors=True)
    shutil.copytree(ROOT / "conf", project / "conf", ignore=shutil.ignore_patterns("local"))
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(ROOT / name, project)
    for name in ("conf/local", "data", "src"):
        (project / name).mkdir()
    (project / "src" / "datamart_kedro").symlink_to(ROOT / "src" / "datamart_kedro")
    settings = f"mart:\n  memory_limit: {memory_limit}\n  threads: {threads}\n"
    (project / "conf" / "local" / "globals.yml").write_text(settings, encoding="utf-8")
    return project


def publish(project: Path, shop: Path, until: str, corrected: str = "") -> None:
    """Publish the shop as it was at midnight of a day, as if its domains had run.

    Args:
        project: The project.
        shop: Its tables as they will be in the end.
        until: The day.
        corrected: A day of whose orders the first is of another amount than it was.
    """
    from datamart_kedro.control.decision import Decision
    from datamart_kedro.mart import ledger, publication
    from datamart_kedro.mart.domains import published_table
    from datamart_kedro.mart.mart import Mart, MartSettings, literal
    from datamart_kedro.mart.run import begin, new_run_id, now
    from datamart_kedro.sources.state import SourceState

    mart = Mart(MartSettings(str(project / "data" / "datamart.duckdb"), str(project / "data" / "tmp"), str(project)))
    run = begin(mart, new_run_id("publish"), TABLES)
    mart.execute("SET enable_progress_bar_print = false")
    mart.execute(f"ATTACH {literal(str(shop))} AS shop (READ_ONLY)")
    known = f"ordered_at < DATE '{until}'"
    orders = f"SELECT * FROM shop.tb_orders WHERE {known}"
    if corrected:
        first = f"(SELECT min(order_id) FROM shop.tb_orders WHERE ordered_at::DATE = DATE '{corrected}')"
        orders = f"SELECT * REPLACE (net_amount + (order_id = {first})::INTEGER AS net_amount) FROM ({orders})"
    selects = {
        "products": "FROM shop.tb_products",
        "order_items": f"FROM shop.tb_order_items SEMI JOIN (FROM shop.tb_orders WHERE {known}) USING (order_id)",
        "orders": orders,
        "customers": "FROM shop.tb_customers",
    }
    for domain, select in selects.items():
        table = published_table(domain)
        given = {name for (name, *_) in mart.execute(f"DESCRIBE FROM shop.tb_{domain}")}
        columns = ", ".join(name if name in given else f"CAST(NULL AS VARCHAR) AS {name}" for name in table.columns)
        run.decisions[domain] = Decision(domain, "rebuild", "", SourceState(None, None, "shop"), None, "{}", "shop")
        publication.build(mart, table, domain, f"SELECT {columns} FROM ({select})")
    ledger.note_decisions(mart, run.run_id, run.decisions.values(), now())
    publication.publish(mart)
    mart.close()


def make_features(project: Path, *more: str) -> Cost:
    """Run the features."""
    kedro = str(Path(sys.executable).parent / "kedro")
    cost = measured([kedro, "run", "--pipelines", "features", *more], project)
    print((project / "output.txt").read_text(encoding="utf-8"), file=sys.stderr)
    return cost


def changed_rows(project: Path) -> int:
    """Rows of features that the last run changed."""
    with duckdb.connect(project / "data" / "datamart.duckdb", read_only=True) as engine:
        newest = "(SELECT max(started_at) FROM tb_control_data_update)"
        counts = "sum(rows_inserted + rows_updated + rows_deleted)"
        found = engine.execute(f"SELECT {counts} FROM tb_control_data_update WHERE started_at = {newest}").fetchone()
    return int(found[0]) if found else 0


def measure(project: Path, shop: Path) -> dict[str, Cost]:
    """Make the features again and again as the shop goes on.

    Raises:
        SystemExit: A full build comes to something else.
    """
    first, day, month = DAYS
    apart(publish, project, shop, first)
    costs = {"full build, 12 cutoffs": make_features(project)}
    costs["nothing new"] = make_features(project)
    apart(publish, project, shop, day)
    costs["after the orders of a day"] = make_features(project)
    apart(publish, project, shop, month)
    costs["in the next month: one new cutoff"] = make_features(project)
    apart(publish, project, shop, month, CORRECTED)
    costs["after a correction of September"] = make_features(project)
    costs["full=true"] = make_features(project, "--params", "full=true")
    if rows := changed_rows(project):
        raise SystemExit(f"A full build changes {rows:,} rows of features.")
    return costs


def main(arguments: Sequence[str] | None = None) -> None:
    """Make a shop, measure, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--memory-limit", default="2GB", help="of the engine")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    shop = make_shop(folder, options.customers)
    print(shares(measure(make_project(folder, options.memory_limit, options.threads), shop)))


if __name__ == "__main__":
    main()
