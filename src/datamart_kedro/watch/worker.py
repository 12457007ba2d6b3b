"""The process that looks at the shop and runs: it has imported what a run needs before it is asked for one.

Its run is its last order: so every run has a process of its own, all memory is given back after it, and none has to
wait for Python to start. It takes orders from the process that watches, ends with it, and heeds no signal but SIGUSR1,
which ends a run as Ctrl-C does: a terminal, or systemd, sends the others to all processes at once.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from contextlib import closing, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from kedro.framework.startup import bootstrap_project
from kedro.pipeline import Pipeline

from datamart_kedro.config import project_folder
from datamart_kedro.control.cascade import Wiring, cascade, domain_of_gate
from datamart_kedro.control.decision import Decision, DomainState
from datamart_kedro.control.gate import GATE
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.engine_messages import traceback_of
from datamart_kedro.errors import HeldMartError, MartError, RunStopped, refusal_in
from datamart_kedro.mart.mart import Mart, close_marts
from datamart_kedro.mart.readable import reading, release
from datamart_kedro.pipeline_registry import everything, register_pipelines
from datamart_kedro.session import GatedSession
from datamart_kedro.sources.shop import close_shops
from datamart_kedro.watch.report import MartFigures, Report, figures_of, rows_of

logger = logging.getLogger(__name__)

STOP_RUN = signal.SIGUSR1

NEEDED = ("ibis.backends.duckdb", "pyarrow.csv", "pyarrow.dataset")
"""What a run imports that a look does not."""


class Worker:
    """Carries out orders.

    Args:
        env: The environment.
        names: Pipelines to run; the default one if there are none.
    """

    def __init__(self, env: str | None, names: list[str]) -> None:
        self._env = env
        self._names = names
        pipelines = register_pipelines()
        self._pipeline = sum((pipelines[name] for name in names or ["__default__"]), Pipeline([]))
        self._everything = everything()
        self._session: GatedSession | None = None
        self._seen: tuple[object, dict[str, DomainState]] | None = None
        self.is_running = False

    def carry_out(self, order: str) -> Report:
        """Look, or run, and say how it ended. Nothing escapes."""
        started = perf_counter()
        try:
            report = self._run() if order == "run" else self._check()
        except Exception as error:
            report = _failure(error)
        finally:
            close_shops()
            close_marts()  # its settings may be others next time
        return Report(**{**vars(report), "seconds": perf_counter() - started})

    def _check(self) -> Report:
        """Ask the gates; the mart is open only while what it knows is read, and only if its file changed."""
        self._session = self._session or _session(self._env)
        catalog = self._session.checked_catalog()
        mart = _mart_of(catalog)
        figures = None
        state_of_file = _state_of(mart.path)
        if self._seen is None or self._seen[0] != state_of_file:
            states = {domain: catalog.load(f"state_{domain}") for domain in Wiring(self._everything).domains}
            figures = figures_of(mart, self._domains())
            release(mart)
            self._seen = state_of_file, states
        decisions = _decisions(self._pipeline, catalog, self._seen[1])
        is_new = any(decision.is_open for decision in decisions.values())
        return Report("new_data" if is_new else "nothing_new", mart=figures)

    def _run(self) -> Report:
        with closing(_session(self._env)) as session:
            run_id = str(session.store["session_id"])
            self.is_running = True
            try:
                session.run(pipeline_names=self._names or None)
            except KeyboardInterrupt:  # before the run began, or after it had ended
                report = Report("interrupted", "The run was stopped.", run_id)
            except Exception as error:
                report = _failure(error, run_id)
            else:
                report = Report("unchanged", run_id=run_id)
            finally:
                self.is_running = False
            return self._counted(report, _mart_of(session.checked_catalog()))

    def _counted(self, report: Report, mart: Mart) -> Report:
        """The same, with what the ledger says of it, if it can be read."""
        figures: MartFigures | None = None
        rows: dict[str, dict[str, int]] = {}
        with suppress(MartError):
            try:
                mart.open(write=False)
            except HeldMartError:
                mart = reading(mart)
            rows = rows_of(mart, report.run_id)
            figures = figures_of(mart, self._domains())
            release(mart)
        outcome = "published" if rows and report.outcome == "unchanged" else report.outcome
        return Report(**{**vars(report), "outcome": outcome, "rows": rows, "mart": figures})

    def _domains(self) -> list[str]:
        return [domain_of_gate(node) for node in self._pipeline.nodes if GATE in node.tags]


def _session(env: str | None) -> GatedSession:
    session = GatedSession.create(project_folder(), env=env, save_on_close=False)
    assert isinstance(session, GatedSession)
    return session


def _mart_of(catalog: Any) -> Mart:
    replica = catalog.get("replica")
    assert isinstance(replica, Replica)
    return replica.mart


def _decisions(pipeline: Pipeline, catalog: Any, states: dict[str, DomainState]) -> dict[str, Decision]:
    """What a run would do, with what the mart knows handed in, so that its file need not be open."""
    known = {f"state_{domain}": state for domain, state in states.items()}
    gates = [node for node in pipeline.nodes if GATE in node.tags]
    checked = {
        domain_of_gate(gate): gate.func(*(known[n] if n in known else catalog.load(n) for n in gate.inputs))
        for gate in gates
    }
    return cascade(pipeline, checked, states)


def _state_of(path: Path) -> list[tuple[int, int, int] | None]:
    """What tells a file, and its log, from what they were before."""
    found: list[tuple[int, int, int] | None] = []
    for file in (path, path.with_name(f"{path.name}.wal")):
        try:
            stat = file.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return found


def _failure(error: Exception, run_id: str = "") -> Report:
    """An exception in words: a refusal is told whole, of anything else the kind, since its text may hold a value."""
    refusal = refusal_in(error)
    if isinstance(refusal, HeldMartError):
        logger.info("%s", refusal.happened)
        return Report("busy", str(refusal), run_id)
    if isinstance(refusal, RunStopped):
        return Report("interrupted", str(refusal), run_id)
    if refusal is not None:
        logger.warning("%s: %s", type(refusal).__name__, refusal)
        return Report("failed", f"{type(refusal).__name__}: {refusal}", run_id)
    logger.warning("The watch failed at something unforeseen: %s. Its traceback is in the log.", type(error).__name__)
    logger.debug("%s", traceback_of(error))
    return Report("failed", f"{type(error).__name__}: see the log.", run_id)


def warm_up() -> None:
    """Import what a run needs, before one is asked for."""
    for name in NEEDED:
        import_module(name)


def main(descriptor: int, env: str | None, names: list[str]) -> None:
    """Take orders until there are no more.

    Args:
        descriptor: Of the socket to the process that watches.
        env: The environment.
        names: Pipelines to run.
    """
    for ignored in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    with Connection(descriptor) as orders, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        bootstrap_project(Path.cwd())
        worker = Worker(env, names)

        def stop_run(*_: object) -> None:
            if worker.is_running:
                raise KeyboardInterrupt

        signal.signal(STOP_RUN, stop_run)
        warm_up()
        while True:
            order = orders.recv_bytes().decode()
            orders.send_bytes(worker.carry_out(order).to_json().encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), *json.loads(sys.argv[2]))
