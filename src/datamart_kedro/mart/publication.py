"""Publication: what a run has built becomes visible, all of it or nothing, and only what changed is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.errors import RunError
from datamart_kedro.mart import ledger
from datamart_kedro.mart.as_of import make_macro
from datamart_kedro.mart.contracts import enforce
from datamart_kedro.mart.history import history_of, keep_superseded, make_history
from datamart_kedro.mart.mart import Mart, quoted, timestamp
from datamart_kedro.mart.personal_data import as_published, hashing
from datamart_kedro.mart.rejected import keep_rejected
from datamart_kedro.mart.run import Built, RowCounts, Run, current_run, now
from datamart_kedro.mart.settled import rows_of
from datamart_kedro.mart.shape import Shape, compare_shapes
from datamart_kedro.mart.slices import Sliced
from datamart_kedro.mart.staged import PARTS, apply_staged, kept_in, note_staged

CHANGE = "_change"
"""Column of ``build_<domain>``: insert, update or delete."""
ROW = "_row"
"""Column of ``build_<domain>``: the engine's own number of the published row that is replaced or deleted."""


def build(mart: Mart, table: PublishedTable, domain: str, select: str, slices: Sliced | None = None) -> int:
    """Find out what a run changes in a published table, and return the number of rows that it will have.

    ``build_<domain>`` holds the whole table if it is new, else the rows to insert or update and the keys of those to
    delete. ``next_<domain>`` is the table as it will be, for the nodes that follow.

    Args:
        mart: In a run.
        table: The published table.
        domain: Its domain.
        select: The rows that it is to have.
        slices: If they come in slices, these; `select` reads the view.

    Raises:
        SchemaError: The table's columns changed in a way that would lose published values.
    """
    run = current_run(mart, table.name)
    select = as_published(run.publishing, domain, table, select)
    with hashing(mart, run.publishing.pads):
        shape = compare_shapes(mart, table, select, run.accepted)
        rows = _compared_rows(run, domain)
        if rows and (shape.is_new or shape.is_altered):
            raise RunError(f"{table.name} has other columns than before.", "Run with `--params full=true`.")
        if slices:
            _build_slices(mart, run, table, domain, select, shape, slices)
        else:
            content = _whole(run, table, select) if shape.is_new else _changes(table, shape.fitted(select), shape, rows)
            mart.compute(table.name, f"CREATE OR REPLACE TABLE {_build_table(domain)} AS {content}")
    before = 0 if shape.is_new else mart.rows(table.name)
    built = Built(table, shape, before, **_count_changes(mart, domain, shape))
    run.built[domain] = built
    mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(f'next_{domain}')} AS {_next(table, domain, built)}")
    return built.published


def publish(mart: Mart) -> dict[str, RowCounts]:
    """Make all that the run has built visible, in one transaction; a run that changed nothing makes no version.

    Raises:
        RunError: Rows are unaccounted for; nothing is published.
        ContractError: A rule of severity error is broken; nothing is published.
    """
    run = current_run(mart, "the mart")
    counts = {domain: _account(mart, run, domain) for domain in sorted(run.loaded.keys() | run.built.keys())}
    enforce(mart, run, counts)
    if not any(built.is_changed for built in run.built.values()):
        run.version -= 1
    with transaction(mart):
        for domain, built in run.built.items():
            _apply(mart, run, domain, built)
        for domain in run.changes:
            note_staged(mart, run, domain)
            apply_staged(mart, run, domain)
        for domain in run.loaded:
            keep_rejected(mart, run, domain)
        finished_at = now()
        for domain, count in counts.items():
            _close_ledger(mart, run, domain, count, finished_at)
    return counts


@contextmanager
def transaction(mart: Mart) -> Iterator[None]:
    """All statements within take effect together, or none does."""
    mart.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        mart.execute("ROLLBACK")
        raise
    mart.execute("COMMIT")


def _build_table(domain: str) -> str:
    return quoted(f"build_{domain}")


def _compared_rows(run: Run, domain: str) -> str:
    """The WHERE of the published rows that those of a run are held against; empty if all are."""
    if domain in run.scopes:
        return f" WHERE rowid IN (FROM temp.{quoted(run.scopes[domain].before)})"
    settled = run.settled.get(domain)
    return f" WHERE NOT ({rows_of(settled.days)})" if settled and settled.days else ""


def _build_slices(
    mart: Mart, run: Run, table: PublishedTable, domain: str, select: str, shape: Shape, slices: Sliced
) -> None:
    """Write ``build_<domain>`` slice by slice; published rows of other slices are deleted, if they are not settled.

    One transaction, since the engine keeps rows together until then, and writes them in whole groups.
    """
    target, fitted = _build_table(domain), shape.fitted(select)
    statement = f"CREATE OR REPLACE TABLE {target} AS"
    with transaction(mart):
        for part in slices.shown(mart):
            rows = f" WHERE {part.rows}"
            content = _whole(run, table, select) if shape.is_new else _changes(table, fitted, shape, rows)
            mart.compute(table.name, f"{statement} {content}")
            statement = f"INSERT INTO {target}"
        if not shape.is_new:
            nothing = f"SELECT * FROM ({fitted}) WHERE false"
            others = f"{_compared_rows(run, domain) or ' WHERE true'} AND {slices.others}"
            mart.compute(table.name, f"{statement} {_changes(table, nothing, shape, others)}")
    mart.drop_temporary(slices.view)


def _whole(run: Run, table: PublishedTable, select: str) -> str:
    """The rows of a new table, stamped with the run's version."""
    columns = _list(f"new.{quoted(name)}" for name in table.columns)
    stamps = f"CAST({run.version} AS BIGINT) AS _version, {timestamp(run.started_at)} AS _valid_from"
    return f"SELECT {columns}, {stamps} FROM ({select}) AS new"


def _changes(table: PublishedTable, select: str, shape: Shape, rows: str) -> str:
    """The rows that differ from the published ones, found in one join on the key and a hash of the values.

    Where only a part of the table is built, `rows` is the condition of the published rows that it is held against.

    A column that goes is NULL from now on: rows that hold something else in it differ.
    Two different rows have the same 64-bit hash once in 10^19.
    """
    values = [name for name in table.columns if name not in (*table.key, *table.stamps)] or list(table.key)
    place = f"{quoted(table.name)} AS old{rows}"
    keys = _list(f"coalesce(new.{quoted(name)}, old.{quoted(name)}) AS {quoted(name)}" for name in table.key)
    others = _list(f"new.{quoted(name)}" for name in table.columns if name not in table.key)
    old_keys = _list(f"{shape.as_new(name)} AS {quoted(name)}" for name in table.key)
    old_hash = f"hash({_list([*map(shape.as_new, values), *(f'old.{quoted(name)}' for name in shape.dropped)])})"
    new_hash = f"hash({_list([*map(quoted, values), *('NULL' for _ in shape.dropped)])})"
    first = quoted(table.key[0])
    return (
        f"SELECT {keys}, {others}{', ' if others else ''}"
        f"CASE WHEN old.{first} IS NULL THEN 'insert' WHEN new.{first} IS NULL THEN 'delete' ELSE 'update' END"
        f" AS {CHANGE}, old.{ROW}"
        f" FROM (SELECT *, {new_hash} AS _hash FROM ({select})) AS new"
        f" FULL JOIN (SELECT {old_keys}, {old_hash} AS _hash, rowid AS {ROW} FROM {place}) AS old"
        f" ON {_same_key(table, 'new', 'old')}"
        " WHERE new._hash IS DISTINCT FROM old._hash"
    )


def _count_changes(mart: Mart, domain: str, shape: Shape) -> dict[str, int]:
    if shape.is_new:
        return {"inserted": mart.rows(f"build_{domain}")}
    counted = dict(mart.execute(f"SELECT {CHANGE}, count(*) FROM {_build_table(domain)} GROUP BY {CHANGE}"))
    names = {"insert": "inserted", "update": "updated", "delete": "deleted"}
    return {names[change]: rows for change, rows in counted.items()}


def _next(table: PublishedTable, domain: str, built: Built) -> str:
    """The table as it will be: the published rows that stay, and those that the run writes."""
    columns = _list(quoted(name) for name in table.columns)
    if built.shape.is_new:
        return f"SELECT {columns} FROM {_build_table(domain)}"
    old = _list(f"{built.shape.as_new(name)} AS {quoted(name)}" for name in table.columns)
    kept = f"SELECT {old} FROM {quoted(table.name)} AS old"
    if not built.changed:
        return kept
    return (
        f"SELECT kept.* FROM ({kept}) AS kept ANTI JOIN {_build_table(domain)} AS change"
        f" ON {_same_key(table, 'kept', 'change')}"
        f" UNION ALL SELECT {columns} FROM {_build_table(domain)} WHERE {CHANGE} <> 'delete'"
    )


def _apply(mart: Mart, run: Run, domain: str, built: Built) -> None:
    """Write what a run changes in a published table, and what it was before."""
    table, source = built.table, _build_table(domain)
    if built.shape.is_new:
        mart.execute(f"ALTER TABLE {source} RENAME TO {quoted(table.name)}")
        make_history(mart, table)
        _comment(mart, table)
        make_macro(mart, table)
        return
    if built.shape.is_altered:
        _alter(mart, table, built.shape)
    elif ledger.meanings_of(mart, table.name) != {**table.meanings, **VERSION_COLUMNS}:
        _comment(mart, table)
    # Rows are found by their numbers, for a tenth of what their keys would cost; an altered table may number them anew.
    gone = f"rowid IN (SELECT {ROW} FROM {source} WHERE {ROW} IS NOT NULL)"
    if built.shape.is_altered:
        gone = f"EXISTS (FROM {source} AS change WHERE {CHANGE} <> 'insert' AND {_same_key(table, 'change', 'old')})"
    if built.updated or built.deleted:
        keep_superseded(mart, run, table, gone, also=built.shape.dropped)
    for column in built.shape.dropped:  # before rows are deleted: the engine alters no table that it has written
        mart.execute(f"ALTER TABLE {quoted(table.name)} DROP COLUMN {quoted(column)}")
    if built.updated or built.deleted:
        mart.execute(f"DELETE FROM {quoted(table.name)} AS old WHERE {gone}")
    if built.inserted or built.updated:
        columns = _list(quoted(name) for name in table.columns)
        mart.execute(
            f"INSERT INTO {quoted(table.name)} ({columns}, {_list(VERSION_COLUMNS)})"
            f" SELECT {columns}, {run.version}, {timestamp(run.started_at)} FROM {source} WHERE {CHANGE} <> 'delete'"
        )
    mart.execute(f"DROP TABLE {source}")


def _alter(mart: Mart, table: PublishedTable, shape: Shape) -> None:
    """Give a published table and its history the new shape; both keep all their values.

    The history may have a column already, which the table had earlier.
    """
    for name in (table.name, history_of(table).name):
        for column, kind in shape.added.items():
            mart.execute(f"ALTER TABLE {quoted(name)} ADD COLUMN IF NOT EXISTS {quoted(column)} {kind}")
        for column, kind in shape.widened.items():
            mart.execute(f"ALTER TABLE {quoted(name)} ALTER COLUMN {quoted(column)} TYPE {kind}")
    _comment(mart, table)
    make_macro(mart, table)


def _comment(mart: Mart, table: PublishedTable) -> None:
    for commented in (table, history_of(table)):
        ledger.comment(mart, commented, {**commented.meanings, **VERSION_COLUMNS})


def _account(mart: Mart, run: Run, domain: str) -> RowCounts:
    """Count what became of a domain's rows, each number by its own way, and hold them against one another."""
    counts = RowCounts()
    if domain in run.loaded:
        counts.read = run.loaded[domain]
        rejected, duplicates, staged = (kept_in(run, f"tmp_{domain}{part}") for part in PARTS)
        counts.staged = mart.rows(staged)
        counts.rejected = mart.rows(rejected)
        counts.superseded = int(mart.scalar(f"SELECT sum(copies - 1) FROM {quoted(duplicates)}") or 0)
        accounted = counts.staged + counts.rejected + counts.superseded
        if accounted != counts.read:
            raise RunError(
                f"{domain}: {counts.read:,} rows were read, but {accounted:,} are accounted for:"
                f" {counts.staged:,} staged, {counts.rejected:,} rejected, {counts.superseded:,} superseded.",
                f"Look into tmp_{domain} and its sisters; the staging of {domain} loses or doubles rows.",
            )
    if built := run.built.get(domain):
        counts.published = built.published
        counts.inserted, counts.updated, counts.deleted = built.inserted, built.updated, built.deleted
    return counts


def _close_ledger(mart: Mart, run: Run, domain: str, counts: RowCounts, finished_at: datetime) -> None:
    """Write how the domain's run ended; a domain that was staged and not built published nothing."""
    is_built = domain in run.built
    newest, path = run.decisions[domain].watermark_from, run.paths.get(domain)
    if domain in run.loaded:
        staged = mart.scalar(f"SELECT max(updated_at) FROM {quoted(kept_in(run, f'tmp_{domain}'))}")
        newest = max(filter(None, (staged, newest)), default=None) if domain in run.changes else staged
    values: dict[str, object] = {
        "status": "published" if is_built else "skipped",
        "watermark_to": newest,
        "rows_read": counts.read,
        "rows_staged": counts.staged,
        "rows_rejected": counts.rejected,
        "rows_superseded": counts.superseded,
        "rows_inserted": counts.inserted,
        "rows_updated": counts.updated,
        "rows_deleted": counts.deleted,
        "version": run.version if is_built else None,
        "path": path.kind if path else None,
        "path_reason": path.reason if path else None,
        "finished_at": finished_at,
    }
    if not is_built:
        values["reason"] = "staged only: the run left its build out"
    ledger.update(mart, run.run_id, domain, values)


def _same_key(table: PublishedTable, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in table.key)


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)
