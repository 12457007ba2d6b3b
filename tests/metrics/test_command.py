"""``kedro mart metric``."""

from __future__ import annotations

import csv
import io
import json

from click.testing import CliRunner, Result

from datamart_kedro.commands.metric import command
from tests.project import Project
from tests.shop import SHOP, item


def metric(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def test_a_metric_is_a_table_with_its_meaning_and_the_version_that_it_read(published: Project):
    ((started,),) = published.query("SELECT DISTINCT started_at FROM tb_control_data_update")
    done = metric("average_order", "--by", "month,country")
    assert done.stdout.splitlines() == [
        "month       country  currency  average_order  numerator  denominator",
        "2025-02-01  DE       EUR               22.50      45.00            2",
        "Average order: Revenue of an order, on average. Orders that failed or were cancelled do not count; the day is"
        " that of the order.",
        "Divided by: orders, as the metric of that name.",
        f"Read from version 1 of {started:%Y-%m-%d %H:%M:%S} UTC.",
    ]


def test_rows_come_as_csv(published: Project):
    rows = list(csv.DictReader(io.StringIO(metric("revenue", "--by", "category", "--format", "csv").stdout)))
    assert rows == [{"category": "Books", "currency": "EUR", "revenue": "45.00"}]


def test_for_machines_the_answer_says_where_it_comes_from_and_its_sql_gives_the_same(published: Project):
    answer = json.loads(metric("orders", "--where", "country=DE", "--since", "2025-02-03", "--format", "json").stdout)
    assert answer["rows"] == [{"orders": 2}]
    assert (answer["version"], answer["since"], answer["where"]) == (1, "2025-02-03", {"country": ["DE"]})
    assert published.query(answer["sql"]) == [(2,)]


def test_the_sql_alone_is_printed_for_a_tool_to_run(published: Project):
    assert published.query(metric("revenue", "--by", "product", "--sql").stdout) == [
        ("A", "EUR", 40),
        ("B", "EUR", 5),
    ]


def test_a_metric_is_read_as_it_was(published: Project):
    changed = [*SHOP["order_items"][:-1], item(order_id="11", line_number="2", updated_at="2025-03-01T00:00:00Z")]
    published.write_source("order_items", changed)
    published.run()
    assert "65.00" in metric("revenue").stdout
    before = metric("revenue", "--version", "1").stdout
    assert "45.00" in before
    assert "Read from version 1 " in before
    assert published.query(metric("revenue", "--version", "1", "--sql").stdout) == [("EUR", 45)]


def test_without_a_name_the_metrics_are_listed():
    lines = metric().stdout.splitlines()
    assert lines[0].split() == ["metric", "unit", "by"]
    assert lines[-1].split()[:2] == ["stock_out_rate", "rate"]


def test_a_refusal_says_what_there_is(published: Project):
    refused = metric("late_rate", "--by", "department")
    assert refused.exit_code == 1
    assert refused.stderr == (
        "UsageError: late_rate is not known by department.\n"
        "  It is by day, week, month, quarter, year, country, currency, order_status.\n"
    )
    assert metric("orders", "--where", "country").stderr.startswith("UsageError: 'country' is no filter.")
