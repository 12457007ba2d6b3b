"""How far a long step is, on a terminal and elsewhere."""

from __future__ import annotations

import io
import logging
import time

import pytest

from datamart_kedro import progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is shown from the start."""
    monkeypatch.setattr(progress, "QUIET_S", 0.0)
    monkeypatch.setattr(progress, "PLAIN_EVERY_S", 0.0)


def test_a_short_step_shows_nothing(caplog: pytest.LogCaptureFixture):
    with progress.progress("orders") as show:
        show("1 rows")
    assert caplog.messages == []


def test_plain_lines_where_there_is_no_terminal(at_once: None, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with progress.progress("orders") as show:
        show("1,200 rows")
    assert caplog.messages == ["orders: 1,200 rows, 0 s"]


def test_a_line_that_moves_on_a_terminal(at_once: None, monkeypatch: pytest.MonkeyPatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress.progress("orders") as show:
        show("1,200 rows")
        time.sleep(0.3)
    assert "orders: 1,200 rows, 0 s" in terminal.getvalue()


def test_a_statement_is_watched_from_beside(at_once: None, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with progress.watched("tb_orders", lambda: 41.7, every_s=0.01):
        time.sleep(0.2)
    assert "tb_orders: 42 %, 0 s" in caplog.messages
