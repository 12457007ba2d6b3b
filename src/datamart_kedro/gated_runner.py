"""A runner that asks the gates first, runs what is behind open ones, and publishes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, Self, TypeVar

import duckdb
from kedro.io import CatalogProtocol, SharedMemoryCatalogProtocol
from kedro.pipeline import Node, Pipeline
from kedro.runner import AbstractRunner
from pluggy import PluginManager
from pydantic import BaseModel

from datamart_kedro.config import settings_of
from datamart_kedro.control.cascade import Wiring, cascade, domain_of_gate
from datamart_kedro.control.decision import Decision, named
from datamart_kedro.control.gate import BUILD, GATE, STAGE
from datamart_kedro.control.parameters import require_sound_parameters
from datamart_kedro.control.personal_data import PersonalDataRules, Publishing
from datamart_kedro.control.reading import Reading, RefreshRules
from datamart_kedro.datasets.html_report import report_run
from datamart_kedro.datasets.replica import serve
from datamart_kedro.engine_messages import first_line, traceback_of
from datamart_kedro.errors import MartError, MissingTableError, RunError, RunStopped, causes
from datamart_kedro.expressions.corrections import CORRECTIONS, Corrections
from datamart_kedro.mart import ledger
from datamart_kedro.mart.contracts import broken
from datamart_kedro.mart.corrections import correction_lines
from datamart_kedro.mart.domains import pipeline_of, published_table
from datamart_kedro.mart.files import discard, put_in_place
from datamart_kedro.mart.journal import write_journal
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.node_times import PUBLICATION, NodeTime, keep_times
from datamart_kedro.mart.publication import publish
from datamart_kedro.mart.readable import release
from datamart_kedro.mart.run import RowCounts, Run, begin, fail, now
from datamart_kedro.node_clock import NodeClock
from datamart_kedro.report import closing_table, published_otherwise, unmapped_values
from datamart_kedro.scoped_nodes import by_changes
from datamart_kedro.sources.shop import close_shops, confirm_shops

logger = logging.getLogger(__name__)

DISK_FULL = ("No space left", "File too large", "Disk quota exceeded", "max_temp_directory_size")

Rules = TypeVar("Rules", bound=BaseModel)

Catalog = CatalogProtocol[Any, Any] | SharedMemoryCatalogProtocol


@dataclass(frozen=True)
class RunRules:
    """What the parameters say of a run as a whole.

    Attributes:
        accepted: Published columns that may go.
        publishing: How personal data is published.
        refresh: When domains are refreshed by their changes.
    """

    accepted: frozenset[object]
    publishing: Publishing
    refresh: RefreshRules

    @classmethod
    def of(cls, catalog: Catalog) -> Self:
        """The rules, out of a catalog.

        Raises:
            ParameterError: One of them is not what it can be.
        """
        return cls(
            frozenset(named(catalog.load("parameters").get("accept_loss", []))),
            Publishing(_rules(catalog, PersonalDataRules, "personal_data"), catalog.load("hash_key")),
            _rules(catalog, RefreshRules, "refresh"),
        )


class GatedRunner(AbstractRunner):
    """Wraps any runner of one process.

    Args:
        inner: Runs the nodes.
        everything: The pipeline with all domains, from which gates are taken that a slice leaves out.
        gated: Ask the gates? If not, all nodes of the slice run.
        command: How a person starts a run in this environment, for messages.
    """

    def __init__(
        self, inner: AbstractRunner, everything: Pipeline, *, gated: bool = True, command: str = "kedro run"
    ) -> None:
        super().__init__()
        self._inner = inner
        self._everything = everything
        self._gated = gated
        self._command = command

    def run(
        self,
        pipeline: Pipeline,
        catalog: Catalog,
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
        only_missing_outputs: bool = False,
    ) -> dict[str, Any]:
        """Run a pipeline; see `AbstractRunner.run`.

        Raises:
            MartError: What happened; the mart is as it was.
        """
        require_sound_parameters(self._everything, catalog.load("parameters"))
        mart = _mart_of(pipeline, catalog)
        if mart is None:
            return self._inner.run(pipeline, catalog, hook_manager, run_id, only_missing_outputs)
        rules = RunRules.of(catalog)
        wiring = Wiring(self._everything)
        wanted = sorted({domain for node in pipeline.nodes if (domain := wiring.domain(node))})
        clock = NodeClock()
        if hook_manager is not None:
            hook_manager.register(clock)
        close_shops()  # what a notebook looked at before is not this run's snapshot
        try:
            run = begin(mart, run_id or "", wanted)
            run.accepted, run.publishing, run.refresh = rules.accepted, rules.publishing, rules.refresh
            open_part = self._decide(pipeline, wanted, catalog, hook_manager, mart, run)
            self._require_tables(open_part, catalog)
            if self._gated:
                open_part = _by_changes(open_part, wiring, mart, run)
            result = self._inner.run(open_part, catalog, hook_manager, run_id, only_missing_outputs)
            run.times = clock.times(wiring, run.rows)
            confirm_shops()
            started = perf_counter()
            counts = publish(mart)
            run.times.append(NodeTime(PUBLICATION, None, perf_counter() - started))
        except (KeyboardInterrupt, duckdb.InterruptException):
            fail(mart, "interrupted", "stopped by Ctrl-C", clock.times(wiring))
            raise RunStopped("The run was stopped by Ctrl-C.", "Run again when you like.") from None
        except Exception as error:
            refusal = _refusal(error, clock.node)
            fail(mart, "failed", str(refusal), clock.times(wiring))
            logger.debug("Run %s failed\n%s", run_id, traceback_of(error))
            raise refusal from (None if isinstance(error, MartError) else error)
        else:
            _place_files(run)
            keep_times(mart, run.run_id, run.times)
            self._tell(mart, run, counts, {domain: _corrections(catalog, domain) for domain in run.loaded})
            serve(catalog)
            if any(built.is_changed for built in run.built.values()):
                report_run(catalog)
            return result
        finally:
            discard(mart.run.files if mart.run else {})
            mart.run = None
            close_shops()
            write_journal(mart)
            release(mart)
            if hook_manager is not None:
                hook_manager.unregister(clock)

    def _decide(
        self,
        pipeline: Pipeline,
        wanted: Sequence[str],
        catalog: Catalog,
        hook_manager: PluginManager | None,
        mart: Mart,
        run: Run,
    ) -> Pipeline:
        """Ask the gates, and give the part of the pipeline that is behind open ones."""
        wiring = Wiring(self._everything)
        if not self._gated:
            run.decisions = {domain: Decision.by_name(domain, _noted(run, domain)) for domain in wanted}
            ledger.note_decisions(mart, run.run_id, run.decisions.values(), run.started_at)
            return pipeline
        gates = [node for node in self._everything.nodes if GATE in node.tags and domain_of_gate(node) in wanted]
        self._inner.run(Pipeline(gates), catalog, hook_manager, run.run_id)
        checked: dict[str, Decision] = {domain_of_gate(gate): catalog.load(gate.outputs[0]) for gate in gates}
        run.states = ledger.domain_states(mart, wiring.domains)
        run.decisions = cascade(Pipeline(gates) + pipeline, checked, run.states)
        for domain, decision in run.decisions.items():
            if decision != checked[domain]:
                catalog.save(f"gate_{domain}", decision)
            logger.info("%s: %s, %s", domain, "open" if decision.is_open else "skipped", decision.reason)
        ledger.note_decisions(mart, run.run_id, run.decisions.values(), now())
        return Pipeline([node for node in pipeline.nodes if _is_open(node, wiring, run.decisions)])

    def _require_tables(self, pipeline: Pipeline, catalog: Catalog) -> None:
        """Refuse a run whose inputs nobody has made yet, before anything is read."""
        missing = sorted(
            name for name in pipeline.inputs() if name.startswith(("tb_", "tmp_")) and not catalog.exists(name)
        )
        if missing:
            node = next(node for node in pipeline.nodes if set(missing) & set(node.inputs))
            lacking = sorted(set(missing) & set(node.inputs))
            raise MissingTableError(
                f"{node.name} needs {', '.join(lacking)}, which the mart does not have yet.",
                f"Make it, and all that it needs, with `{self._command} --to-outputs={','.join(missing)}`,"
                f" or everything with `{self._command}`.",
            )

    def _tell(self, mart: Mart, run: Run, counts: dict[str, RowCounts], corrections: Mapping[str, Corrections]) -> None:
        for line in closing_table(mart, run, counts):
            logger.info(line)
        for domain in sorted(run.loaded):
            for line in (*unmapped_values(mart, domain), *correction_lines(mart, domain, corrections[domain])):
                logger.warning(line)
        for domain, results in run.results.items():
            for result in broken(results, "warn"):
                where = f"parameters_{pipeline_of(domain)}.yml"
                logger.warning("%s: %s. Mend it, or set the rule to off in %s.", domain, result, where)
        for line in published_otherwise(mart, run):
            logger.warning(line)

    def _get_executor(self, max_workers: int) -> Executor | None:
        return self._inner._get_executor(max_workers)

    def _run(self, *args: Any, **kwargs: Any) -> None:
        self._inner._run(*args, **kwargs)


def _mart_of(pipeline: Pipeline, catalog: Catalog) -> Mart | None:
    """The mart that a pipeline works on, None if it works on none."""
    for name in sorted(pipeline.datasets()):
        if name in catalog and isinstance(mart := getattr(catalog.get(name), "mart", None), Mart):
            return mart
    return None


def _noted(run: Run, domain: str) -> str:
    """What the ledger keeps of the parameters of a domain that no gate was asked for."""
    return json.dumps(run.publishing.noted(domain, published_table(domain).personal_columns), sort_keys=True)


def _place_files(run: Run) -> None:
    """Put the files of a published run in place; one that cannot be stays pending, which opens its gate again."""
    files, run.files = run.files, {}
    try:
        put_in_place(files)
    except OSError as error:
        logger.warning("The mart is published, but not all of its files: %s The next run makes them.", error)


def _by_changes(pipeline: Pipeline, wiring: Wiring, mart: Mart, run: Run) -> Pipeline:
    """The same nodes, of which those of domains with a source build and verify only what can differ, where it is known.

    A domain whose build is left out is staged in whole: the next run could not tell what was staged and not published.
    """
    built = {wiring.domain(node) for node in pipeline.nodes if BUILD in node.tags}
    for domain, decision in run.decisions.items():
        if decision.since is not None and domain not in built:
            run.decisions[domain] = replace(decision, reading=Reading("the run leaves its build out"))
    share = run.refresh.full_from_share
    with_source = {domain for domain, decision in run.decisions.items() if decision.source.fingerprint}
    return Pipeline(
        [
            by_changes(node, of, mart, run, share) if (of := wiring.domain(node) or "") in with_source else node
            for node in pipeline.nodes
        ]
    )


def _rules(catalog: Catalog, model: type[Rules], name: str) -> Rules:
    """Rules of a parameter; Kedro makes models only of parameters that a node of the run takes."""
    given = catalog.load(f"params:{name}")
    return given if isinstance(given, model) else settings_of(model, name, given, f"parameters of {name}, or --params")


def _corrections(catalog: Catalog, domain: str) -> Corrections:
    """The corrections of a domain, which may have no rules of its own."""
    name = f"params:{domain}"
    return dict(getattr(catalog.load(name), CORRECTIONS, {})) if catalog.exists(name) else {}


def _is_open(node: Node, wiring: Wiring, decisions: dict[str, Decision]) -> bool:
    """Does a node run? Gates did already; nodes that no gate guards always do."""
    decision = decisions.get(wiring.domain(node) or "")
    if GATE in node.tags:
        return False
    if decision is None:
        return True
    return decision.action == "load" if STAGE in node.tags else decision.is_open


def _refusal(error: Exception, node: str) -> MartError:
    """The refusal in a chain of exceptions, or one made of what the engine says."""
    for cause in causes(error):
        if isinstance(cause, MartError):
            return cause
        if isinstance(cause, duckdb.Error):
            return _engine_refusal(cause, node)
    return RunError(
        f"{node or 'The run'} failed: {type(error).__name__}: {first_line(error)}",
        "The full traceback is in logs/datamart.log.",
    )


def _engine_refusal(error: duckdb.Error, node: str) -> RunError:
    text = first_line(error)
    if any(words in text for words in DISK_FULL):
        return RunError(f"{node or 'Publication'}: the disk is full: {text}", "Make room, then run again.")
    if isinstance(error, duckdb.OutOfMemoryException):
        return RunError(
            f"{node}: the engine ran out of memory: {text}", "Raise mart.memory_limit in globals.yml, then run again."
        )
    return RunError(f"{node or 'Publication'} failed: {text}", "The full message is in logs/datamart.log.")
