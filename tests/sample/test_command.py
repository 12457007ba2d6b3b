"""`kedro mart sample`: its options, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datamart_kedro.commands.sample import command
from datamart_kedro.sample.folder import read_shop
from tests.project import Project
from tests.sample.shops import files_of, shop

SMALL = ("--customers", "100", "--days", "60", "--seed", "3", "--dirt", "0.5")


def sample(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_the_options_are_the_shop(tmp_path: Path):
    done = sample(*SMALL, "--first-day", "2025-01-01", "--to", tmp_path)
    assert done.exit_code == 0, done.output
    assert read_shop(tmp_path).to_dict() == {
        "format": 1, "seed": 3, "customers": 100, "first_day": "2025-01-01", "day": "2025-03-02", "dirt": 0.5,
    }  # fmt: skip


def test_the_command_says_how_many_rows_it_wrote(tmp_path: Path):
    lines = sample(*SMALL, "--to", tmp_path).output.splitlines()
    assert lines[0] == f"{tmp_path}: the shop as it is when 2024-03-01 begins."
    told = {line.split()[0]: int(line.split()[1]) for line in lines[1:-1]}
    assert told == {table: len(rows) for table, rows in files_of(tmp_path).items()}


def test_advance_needs_no_other_option(tmp_path: Path):
    sample(*SMALL, "--to", tmp_path)
    done = sample("--advance", "5", "--to", tmp_path)
    assert done.exit_code == 0, done.output
    assert read_shop(tmp_path) == shop(65, customers=100, seed=3, dirt=0.5)


def test_overwrite_replaces_what_is_not_ours(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("mine")
    assert sample(*SMALL, "--to", tmp_path).exit_code == 1
    assert sample(*SMALL, "--to", tmp_path, "--overwrite").exit_code == 0
    assert read_shop(tmp_path).customers == 100


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dirt", "1.5"], "--dirt cannot be 1.5.\n  Nothing was written.\n  It may be 0 to 1.\n"),
        (["--dirt", "nan"], "--dirt cannot be nan.\n  Nothing was written.\n  It may be 0 to 1.\n"),
        (["--customers", "0"], "--customers cannot be 0.\n  Nothing was written.\n  It may be 1 to 10,000,000.\n"),
        (
            ["--days", "0"],
            "--days cannot be 0.\n  Nothing was written.\n  It may be 1 to 7,300, counted from the first day.\n",
        ),
        (["--seed", "-1"], "--seed cannot be -1.\n  Nothing was written.\n  It may be 0 or more.\n"),
        (
            ["--first-day", "31.1.2024"],
            "--first-day 31.1.2024 with --days 730 is not a time that a calendar has.\n  Nothing was written.\n"
            "  Write the day as 2024-01-31.\n",
        ),
        (
            ["--days", "99999999999"],
            "--first-day 2024-01-01 with --days 99999999999 is not a time that a calendar has.\n"
            "  Nothing was written.\n  Write the day as 2024-01-31.\n",
        ),
        (
            ["--advance", "5", "--seed", "1"],
            "--advance changes a shop that is there, which has its own seed.\n  Nothing was written.\n"
            "  Leave --seed out.\n",
        ),
        (
            ["--schema", "shop"],
            "--schema is for PostgreSQL, and --to is a folder.\n  Nothing was written.\n"
            "  Leave --schema out, or name a URL.\n",
        ),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_written(tmp_path: Path, arguments: list[str], message: str):
    done = sample("--to", tmp_path, *arguments)
    assert (done.exit_code, done.output) == (1, f"UsageError: {message}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("days", ["0", "-3", "7301"])
def test_time_does_not_run_backwards_nor_for_ever(tmp_path: Path, days: str):
    sample(*SMALL, "--to", tmp_path)
    done = sample("--advance", days, "--to", tmp_path)
    assert (done.exit_code, done.output) == (
        1,
        f"UsageError: --advance cannot be {days}.\n  Nothing was written.\n  It may be 1 to 7,300 days.\n",
    )


def test_advance_without_a_shop_is_refused(tmp_path: Path):
    done = sample("--advance", "5", "--to", tmp_path)
    assert done.exit_code == 1
    assert done.output.startswith(f"UsageError: There is no sample shop in {tmp_path}: shop.json is missing.")


def test_kedro_knows_the_command_and_the_mart_runs_on_what_it_makes(project: Project):
    made = project.cli("kedro", "mart", "sample", *SMALL, "--overwrite")
    assert (made.returncode, made.stderr) == (0, "")
    project.run()
    tables = files_of(project.folder / "data" / "01_raw")
    read = dict(project.query("SELECT domain, rows_read FROM tb_control_data_update WHERE status = 'published'"))
    assert read == {domain: len(tables[domain]) for domain in ("customers", "products", "orders", "order_items")}
