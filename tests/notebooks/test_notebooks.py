"""Notebooks run from top to bottom, and what they answer is what the mart holds."""

from __future__ import annotations

import ast
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import nbformat
import pytest

from tests.notebooks.conftest import FILES, Executed

NOTEBOOKS = {name: nbformat.read(path, as_version=4) for name, path in FILES.items()}
PLOTLY = "application/vnd.plotly.v1+json"


def test_there_is_a_notebook_for_each_purpose():
    assert set(FILES) == {"know_the_customers", "use_this_mart", "churn", "segments", "forecast"}


@pytest.mark.parametrize("name", FILES)
def test_a_notebook_runs_from_top_to_bottom_without_a_warning(name: str, run_notebook: Executed):
    cells = [cell for cell in run_notebook(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    said = [output.text for cell in cells for output in cell.outputs if output.get("name") == "stderr"]
    assert said == []
    assert sum(PLOTLY in output.get("data", {}) for cell in cells for output in cell.outputs) >= 2


@pytest.mark.parametrize("name", FILES)
def test_a_notebook_opens_with_its_question_and_closes_with_its_answer(name: str):
    first, *_, heading, last = NOTEBOOKS[name].cells
    assert re.match(r"# [A-Z].+\n\n\*\*Question: [^*]+\?\*\*\n", first.source)
    assert heading.source == "## Answer"
    assert last.cell_type == "code"
    assert "Markdown(" in last.source


@pytest.mark.parametrize("name", FILES)
def test_no_output_is_committed(name: str):
    cells = [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count is not None or cell.metadata] == []
    assert set(NOTEBOOKS[name].metadata) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("name", FILES)
def test_figures_are_in_cells_and_not_in_the_text(name: str):
    text = "\n".join(cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "markdown")
    assert re.findall(r"\d+(?:\.\d+)? ?%|\d{1,3}(?:,\d{3})+|\d{4,}\b(?!-)", text) == []


@pytest.mark.parametrize("name", FILES)
def test_a_notebook_holds_no_function_and_loads_through_the_catalog(name: str):
    code = "\n".join(cell.source for cell in NOTEBOOKS[name].cells if cell.cell_type == "code")
    assert code.startswith("%load_ext kedro.ipython\n")
    tree = ast.parse(re.sub("^%.*", "", code, flags=re.MULTILINE))
    assert [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)] == []
    assert "catalog.load(" in code
    assert re.findall(r"\bpd\.read_\w+", code) == []


def answer(notebook: nbformat.NotebookNode) -> str:
    """What a notebook says at its end, on one line."""
    (output,) = notebook.cells[-1].outputs
    return " ".join(output.data["text/markdown"].split())


def ask(project: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(project / "data" / "published.duckdb", read_only=True) as engine:
        return engine.execute(sql).fetchall()


def test_customers_are_counted_and_valued_as_the_mart_does(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("know_the_customers"))
    ((customers, buyers),) = ask(
        sample_project,
        "SELECT count(*), count(*) FILTER (EXISTS (FROM tb_orders AS o WHERE o.customer_id = c.customer_id"
        " AND status NOT IN ('failed', 'cancelled'))) FROM tb_customers AS c",
    )
    assert f"{buyers:,} of {customers:,} customers have bought" in said
    spent = ask(
        sample_project,
        "SELECT net_amount_life FROM ft_customers WHERE is_buyer AND cutoff_date ="
        " (SELECT max(cutoff_date) FROM ft_customers) ORDER BY net_amount_life DESC",
    )
    amounts = [Decimal(str(amount)) for (amount,) in spent]
    best = sum(amounts[: len(amounts) // 5]) / sum(amounts)
    assert f"{sum(amounts):,.2f} in all" in said
    assert f"The best fifth brings {best:.0%} of it" in said


def test_rows_that_were_rejected_and_rules_that_warn_are_told(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("know_the_customers"))
    read = staged = superseded = 0
    for domain in ("customers", "orders", "products", "order_items"):
        newest = f"FROM tb_control_data_update WHERE domain = '{domain}' AND status = 'published' ORDER BY version DESC"
        ((more, kept, replaced),) = ask(
            sample_project, f"SELECT rows_read, rows_staged, rows_superseded {newest} LIMIT 1"
        )
        read, staged, superseded = read + more, staged + kept, superseded + replaced
    rejected = read - staged - superseded
    assert f"of {read:,} rows read, {rejected:,} were rejected, each with its reason, and 0 are unaccounted for" in said
    with duckdb.connect(sample_project / "data" / "datamart.duckdb", read_only=True) as engine:
        orphans = [
            len(engine.execute(f"FROM {table} ANTI JOIN {other} USING ({key}) WHERE {key} IS NOT NULL").fetchall())
            for table, other, key in (
                ("tb_orders", "tmp_customers", "customer_id"),  # the deleted are known, too
                ("tb_order_items", "tb_orders", "order_id"),
                ("tb_order_items", "tb_products", "product_id"),
            )
        ]
    assert f"3 rules of the contracts warn, of {sum(orphans):,} rows" in said


def test_orders_that_no_figure_holds_are_counted(run_notebook: Executed, sample_project: Path):
    customers = {who for (who,) in ask(sample_project, "SELECT customer_id FROM tb_customers")}
    left_out = [who for (who,) in ask(sample_project, "SELECT customer_id FROM tb_orders") if who not in customers]
    assert f"{len(left_out)} orders of customers who are not known" in answer(run_notebook("know_the_customers"))


def test_cohorts_are_followed_for_six_months(run_notebook: Executed, sample_project: Path):
    signed_up = ask(sample_project, "SELECT customer_id, coalesce(signup_month, first_ordered_at) FROM tb_customers")
    ordered = ask(
        sample_project,
        "SELECT customer_id, ordered_at FROM tb_orders WHERE status NOT IN ('failed', 'cancelled')",
    )
    months = {(who, number(at)) for who, at in ordered}
    running = max(number(at) for _who, at in ordered)
    cohorts: dict[int, set[str]] = {}
    for who, month in signed_up:
        if month is None:
            continue
        cohorts.setdefault(number(month), set()).add(who)
    means = []
    for later in range(1, 7):
        shares = [
            sum((who, month + later) in months for who in members) / len(members)
            for month, members in cohorts.items()
            if month + later < running
        ]
        means.append(sum(shares) / len(shares))
    said = answer(run_notebook("know_the_customers"))
    assert f"On average {sum(means) / 6:.0%} of a cohort order in each of the six months" in said


def number(day: date) -> int:
    """A month as a number, so that the next one is one more."""
    return day.year * 12 + day.month


def test_floats_break_what_decimals_keep(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("use_this_mart"))
    amounts = ask(sample_project, "SELECT gross_amount, discount_amount, net_amount FROM tb_orders")
    broken = sum(float(gross) - float(discount) != float(net) for gross, discount, net in amounts)
    assert broken > 0
    assert f"Of {len(amounts):,} orders, {broken:,} break an identity of the mart when they are made floats" in said
    assert "and 0 as decimals" in said


def test_orders_that_moved_since_the_first_version_are_counted(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("use_this_mart"))
    was = dict(
        ask(
            sample_project,
            "SELECT order_id, status FROM tb_orders WHERE _version = 1 UNION ALL"
            " SELECT order_id, status FROM tb_orders_history WHERE _version = 1",
        )
    )
    now = dict(ask(sample_project, "SELECT order_id, status FROM tb_orders"))
    moved = sum(now.get(order, status) != status for order, status in was.items())
    new = len(now.keys() - was.keys())
    assert min(moved, new) > 0
    assert f"since version 1, {moved:,} orders changed their status and {new:,} came" in said


def test_churn_names_the_tenth_with_the_most_at_stake(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("churn"))
    rows = ask(
        sample_project,
        "SELECT churn_probability, net_amount_365d FROM tb_churn_scores"
        " JOIN ft_customers USING (customer_id, cutoff_date)",
    )
    stakes = sorted((chance * float(amount) for chance, amount in rows), reverse=True)
    expected = sum(chance for chance, _amount in rows)
    assert f"of {len(rows):,} customers who can churn" in said
    assert f"expects {expected:,.0f} to buy nothing in 90 days" in said
    first = len(stakes) // 10
    assert f"{first} customers, holds {sum(stakes[:first]) / sum(stakes):.0%} of the {sum(stakes):,.0f}" in said


def test_segments_are_told_with_their_customers(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("segments"))
    rows = ask(
        sample_project,
        "SELECT segment_name, churn_probability FROM tb_customer_segments JOIN tb_churn_scores USING (customer_id)",
    )
    chances: dict[str, list[float]] = {}
    for name, chance in rows:
        chances.setdefault(name, []).append(chance)
    for name, own in chances.items():
        assert f"**{name}**: {len(own):,} customers, {len(own) / len(rows):.0%} of all" in said
        assert re.search(rf"\*\*{name}\*\*[^;]+; half of them churn with a probability above {median(own):.0%}\.", said)


def test_the_forecast_is_summed_beside_what_was_sold(run_notebook: Executed, sample_project: Path):
    said = answer(run_notebook("forecast"))
    ((to_come, series),) = ask(
        sample_project,
        "SELECT sum(y_net_amount) FILTER (unique_id = 'total'), count(DISTINCT unique_id) FROM tb_forecasts",
    )
    ((sold,),) = ask(  # the newest day is not whole
        sample_project,
        "WITH days AS (SELECT CAST(ordered_at AS DATE) AS day, net_amount FROM tb_orders"
        " WHERE status NOT IN ('failed', 'cancelled')) SELECT sum(net_amount) FROM days"
        " WHERE day < (SELECT max(day) FROM days) AND day >= (SELECT max(day) FROM days) - 28",
    )
    assert f"{to_come:,.0f} in the 28 days" in said
    assert f"in as many days before, it was {sold:,.0f}" in said
    assert f"The levels of {series} series add up with a largest gap of 0.00" in said
