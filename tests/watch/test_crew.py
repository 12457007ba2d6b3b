"""Workers as processes: who is replaced when, and what is said of one that dies."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import pytest

from datamart_kedro.watch import crew
from datamart_kedro.watch.crew import Answered, Crew
from datamart_kedro.watch.schedule import Order
from tests.project import Project
from tests.watch.conftest import LONG_S, until


class Team:
    """A crew whose answers can be waited for."""

    def __init__(self, project: Project) -> None:
        self.answers: SimpleQueue[Answered] = SimpleQueue()
        self.crew = Crew(project.folder, None, [], self.answers.put)

    def carry_out(self, order: Order) -> str:
        self.crew.order(order)
        return self.answers.get(timeout=LONG_S).report.outcome

    @property
    def pid(self) -> int:
        assert self.crew._process is not None
        return self.crew._process.pid


@pytest.fixture
def team(published: Project) -> Iterator[Team]:
    made = Team(published)
    made.crew.ready()
    yield made
    process = made.crew._process
    made.crew.kill()
    made.crew.dismiss()
    if process:
        process.wait(LONG_S)


def test_looks_share_a_worker_and_a_run_is_its_last_order(team: Team):
    first = team.pid
    assert [team.carry_out("check"), team.carry_out("check"), team.carry_out("run")] == [
        "nothing_new", "nothing_new", "unchanged",
    ]  # fmt: skip
    assert team.pid == first
    team.crew.ready()
    assert team.pid != first
    until(lambda: not Path(f"/proc/{first}").exists())


def test_a_worker_that_has_looked_often_makes_way(team: Team, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crew, "MOST_LOOKS", 1)
    first = team.pid
    team.carry_out("check")
    team.crew.ready()
    assert team.pid != first


def test_a_worker_whose_code_is_old_makes_way(team: Team, monkeypatch: pytest.MonkeyPatch):
    first = team.pid
    team.crew.ready()
    assert team.pid == first
    monkeypatch.setattr(crew, "code_state", lambda _: (0, 0))
    team.crew.ready()
    assert team.pid != first


def test_code_is_other_code_when_a_file_is_written_or_is_new(tmp_path):
    (tmp_path / "a.py").write_text("")
    before = crew.code_state(tmp_path)
    os.utime(tmp_path / "a.py", ns=(0, before[1] + 1))
    assert crew.code_state(tmp_path) == (1, before[1] + 1)
    (tmp_path / "b.py").write_text("")
    assert crew.code_state(tmp_path)[0] == 2


def test_a_worker_that_dies_is_a_failure_and_the_next_one_works(team: Team):
    os.kill(team.pid, signal.SIGSTOP)
    team.crew.order("check")
    team.crew.kill()
    report = team.answers.get(timeout=LONG_S).report
    assert (report.outcome, report.error) == (
        "failed",
        "The process of the check was ended by signal 9; the mart is as it was.",
    )
    assert team.carry_out("check") == "nothing_new"


def test_a_system_without_room_for_a_process_is_a_failure(team: Team, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(crew, "MOST_LOOKS", 0)
    monkeypatch.setattr(subprocess, "Popen", refuse)
    team.crew.ready()
    team.crew.order("check")
    report = team.answers.get(timeout=LONG_S).report
    assert (report.outcome, report.error) == (
        "failed",
        "No process can be started: Cannot allocate memory. The mart is as it was.",
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_worker_does_not_heed_the_signals_that_are_for_the_watch(team: Team, number: signal.Signals):
    team.carry_out("check")
    os.kill(team.pid, number)
    assert team.carry_out("check") == "nothing_new"
