"""What a machine can do to a run, and how the mart is afterwards."""

from __future__ import annotations

import pytest

from tests.project import Project
from tests.shop import SHOP, customer


def many_customers(number: int) -> list[dict[str, str]]:
    return [customer(customer_id=str(n), full_name=f"{n:x} {n * 7919:x} {n * 104_729:x}") for n in range(number)]


@pytest.mark.parametrize("megabytes", [2, 4, 6])
def test_a_full_disk_leaves_the_mart_as_it_was(published: Project, megabytes: int):
    before = published.content()
    published.write_source("customers", many_customers(60_000))
    done = published.cli("kedro", "run", file_size=megabytes * 1_000_000)
    assert done.returncode == 1
    assert "the disk is full" in done.stderr
    assert "Make room, then run again." in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert published.content() == before
    assert published.cli("kedro", "run").returncode == 0
    assert published.query("SELECT count(*) FROM tb_customers") == [(60_000,)]


def test_a_run_whose_failure_could_not_be_written_down_is_closed_by_the_next(published: Project):
    published.write_source("customers", many_customers(60_000))
    published.cli("kedro", "run", file_size=2_000_000)
    published.write_source("customers", SHOP["customers"])
    published.run()
    assert published.query("SELECT count(*) FROM tb_control_data_update WHERE status = 'running'") == [(0,)]
