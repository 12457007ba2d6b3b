"""``kedro mart backfill``: a past window of the sources, read again."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from datamart_kedro.cli import cli
from datamart_kedro.mart.mart import close_marts
from tests.project import Project
from tests.test_changes_in_files import a_shop, the
from tests.typed_shop import read_parquet


def backfill(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["mart", "backfill", *arguments])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since", "soon"], "--since is 'soon'.\n  Give a date or an instant, such as 2026-10-01T12:00Z."),
        (["--since", "2026-02-30"], "--since is '2026-02-30'.\n  Give a date or an instant"),
        (["--since", "9999-01-01"], "--since is 9999-01-01 00:00:00 UTC, which is still to come.\n  Give a past one."),
        (
            ["--since", "2026-01-01", "--domain", "order"],
            "There is no domain order.\n  There are customers, orders, products, order_items.",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(project: Project, arguments: list[str], told: str):
    refused = backfill(*arguments)
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"UsageError: {told}")
    assert not project.mart.exists()


def test_a_missed_edit_is_read_again_for_the_domains_that_are_named_and_the_watermarks_stay(project: Project):
    read_parquet(project)
    shop = a_shop()
    shop.write(project)
    project.run()
    watermarks = "SELECT watermark_to FROM tb_control_data_update ORDER BY started_at, domain"
    before = project.query(watermarks)
    the(shop, "customers", customer_id=1)["full_name"] = "Edited behind the clock"
    shop.write(project)
    close_marts()
    done = backfill("--since", "2025-12-31T23:00+01:00", "--domain", "customers")
    assert done.exit_code == 0, done.output
    assert project.query("SELECT full_name FROM tb_customers WHERE customer_id = '1'") == [("Edited behind the clock",)]
    read = "SELECT domain, rows_read, watermark_to FROM tb_control_data_update WHERE version = 2"
    customers_before = before[0][0]
    assert project.query(read) == [("customers", 3, customers_before)]
    project.run()
    newest = "SELECT DISTINCT status FROM tb_control_data_update QUALIFY started_at = max(started_at) OVER ()"
    assert project.query(newest) == [("skipped",)]


def test_without_names_all_domains_are_read_again(project: Project):
    read_parquet(project)
    a_shop().write(project)
    project.run()
    close_marts()
    assert backfill("--since", "2026-01-01").exit_code == 0
    read = "SELECT domain, rows_read FROM tb_control_data_update QUALIFY started_at = max(started_at) OVER ()"
    assert sorted(project.query(read)) == [("customers", 3), ("order_items", 6), ("orders", 3), ("products", 2)]
