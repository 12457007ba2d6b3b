"""The example of a crontab."""

from __future__ import annotations

import re

import pytest

from tests.project import Project
from tests.schedules.conftest import ALL, GATED, example, runs, shell

FIELDS = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]


def entries(project: Project) -> list[tuple[list[str], str]]:
    """Fields of the time, and the command, of each line."""
    lines = [line for line in example("cron/crontab", project).splitlines() if re.match(r"[*\d]", line)]
    return [(line.split()[:5], line.split(maxsplit=5)[5]) for line in lines]


def test_every_time_is_one_that_cron_reads(project: Project):
    for fields, _ in entries(project):
        for field, (least, most) in zip(fields, FIELDS, strict=True):
            found = re.fullmatch(r"(\*|\d+)(?:/(\d+))?", field)
            assert found
            assert all(least <= int(number) <= most for number in found.groups() if number and number != "*")


def test_a_run_is_silent_and_asks_the_gates(installed: Project):
    _, command = entries(installed)[0]
    done = [shell(command, installed) for _ in range(2)]
    assert [(one.returncode, one.stdout, one.stderr) for one in done] == [(0, "", "")] * 2
    assert runs(installed) == GATED


def test_a_refusal_comes_by_mail(installed: Project):
    installed.source("orders").unlink()
    done = shell(entries(installed)[0][1], installed)
    assert done.returncode == 1
    assert done.stderr.startswith("SourceError: orders: There is no file")


def test_features_are_asked_for_by_themselves(project: Project):
    assert " --pipelines=features " in entries(project)[1][1]


@pytest.mark.parametrize(("hours", "said"), [(1, ""), (3, f"Stale: {', '.join(ALL.split()[:1])}")])
def test_a_mart_that_is_stale_comes_by_mail(installed: Project, hours: int, said: str):
    installed.run()
    installed.execute(f"UPDATE tb_control_data_update SET started_at = started_at - INTERVAL {hours} HOUR")
    done = shell(entries(installed)[2][1], installed)
    assert (done.returncode, done.stderr.startswith(said), bool(done.stderr)) == (2 if said else 0, True, bool(said))
