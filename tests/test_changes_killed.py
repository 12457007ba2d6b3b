"""A refresh by changes that is killed: what is staged is as it was, and the next refresh equals a full build."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.conftest import copy_of_project
from tests.mart_pair import Pair
from tests.project import Project
from tests.test_changes import content
from tests.test_changes_in_files import a_shop, add_line, the
from tests.test_killed import run_and_die
from tests.typed_shop import read_parquet

POINTS = {
    "while changes are staged": ("after", '"build_tmp_orders"', 1),
    "while staged rows are written": ("after", 'INSERT INTO "tmp_orders"', 1),
    "before the commit": ("before", "COMMIT", 1),
    "after the commit": ("after", "COMMIT", 1),
}


def always_by_changes(project: Project) -> None:
    parameters = project.folder / "conf" / "base" / "parameters.yml"
    text = re.sub("full_from_share: [0-9.]+", "full_from_share: 1.0", parameters.read_text())
    parameters.write_text(re.sub("overlap_minutes: [0-9]+", "overlap_minutes: 1", text))


@pytest.mark.parametrize(("when", "words", "count"), POINTS.values(), ids=POINTS.keys())
def test_a_refresh_killed_at_a_known_point(project: Project, tmp_path: Path, when: str, words: str, count: int):
    other = copy_of_project(tmp_path / "other")
    for each in (project, other):
        read_parquet(each)
        always_by_changes(each)
    pair = Pair(project, other, a_shop())
    pair.refresh()
    before = content(project)
    pair.shop.change(the(pair.shop, "orders", order_id=1), customer_id=2)
    pair.shop.rows["order_items"].remove(the(pair.shop, "order_items", order_id=3, line_number=2))
    add_line(pair.shop, 2, 3, product_id=1)
    pair.shop.write(project)
    assert run_and_die(project, when, words, str(count)) == -signal.SIGKILL
    if (when, words) != ("after", "COMMIT"):
        after = content(project)
        assert {name: after[name] for name in before if name != "tb_contract_results"} == {
            name: rows for name, rows in before.items() if name != "tb_contract_results"
        }
    pair.refresh()
    (total,) = project.query("SELECT sum(net_amount_lifetime) FROM tb_customers")
    assert total == (100,)  # three orders of 10 + 20, a line of 20 less, a line of 30 more
