"""Which rows of a published table a run can change, and the part of its inputs that they are made of.

A domain declares, for each table that it is made of, the columns by which a changed row finds the rows to build anew:
an item its order, an order its customer, a product its items. From the keys that a run touches, these columns give the
domain's scope: the staged rows that are built again, the published rows that are held against them, and of every other
input the rows that have to do with either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import domain_of, table_name
from datamart_kedro.mart.ledger import RESULTS
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.run import Run
from datamart_kedro.mart.staged import kept_in, seen_as

Columns = tuple[str, ...]

FEW_ROWS = 100_000
"""Up to so many, the time to compile a statement counts for more than the time to run it."""


@dataclass
class Scope:
    """What a run builds anew of a domain.

    Attributes:
        domain: Such as ``orders``.
        touched_by: For each input, the columns by which its changed rows find those of the domain.
        texts: Of those columns the ones that are of different types in different tables, and compared as text.
        rows: Staged rows that are built again.
    """

    domain: str
    touched_by: Mapping[str, Columns]
    texts: frozenset[str] = field(default_factory=frozenset)
    rows: int = 0

    @property
    def has_few_rows(self) -> bool:
        """Is little built again?"""
        return self.rows <= FEW_ROWS

    @property
    def main(self) -> str:
        """The staged table of the domain, whose rows become published ones."""
        return f"tmp_{self.domain}"

    @property
    def before(self) -> str:
        """Table of the numbers of the published rows that are held against what is built."""
        return f"scope_{self.domain}_before"

    def keys(self, columns: Columns) -> str:
        """Table of the values of some columns that changed rows have."""
        return f"scope_{self.domain}_{'_'.join(columns)}"

    def reach(self, columns: Columns) -> str:
        """Table of the values of some columns that rows of the scope have, before or after."""
        return f"reach_{self.domain}_{'_'.join(columns)}"

    def select(self, columns: Columns, table: str = "") -> str:
        """The columns as they are compared."""
        place = f"{table}." if table else ""
        return ", ".join(
            f"CAST({place}{quoted(name)} AS VARCHAR) AS {quoted(name)}"
            if name in self.texts
            else f"{place}{quoted(name)}"
            for name in columns
        )

    def same(self, columns: Columns, left: str, right: str) -> str:
        """The condition that a row of a table has the values of a row of keys."""
        return " AND ".join(
            f"CAST({left}.{quoted(name)} AS VARCHAR) = {right}.{quoted(name)}"
            if name in self.texts
            else f"{left}.{quoted(name)} = {right}.{quoted(name)}"
            for name in columns
        )


def reason_for_full(run: Run, domain: str, inputs: Sequence[str]) -> str | None:
    """Why a domain has to be built in full, None if it is known which of its rows can change.

    Args:
        run: The run, with what it has loaded and built so far.
        domain: Such as ``orders``.
        inputs: Tables that its build reads.
    """
    decision, state = run.decisions[domain], run.states[domain]
    if decision.reading is not None and domain not in run.changes:
        return decision.reading.reason
    if state.last is None or not state.table_exists or state.last.is_rollback:
        return "nothing is published that changes could be made to"
    if state.staged is None or state.staged.published != (
        state.last.fingerprint,
        state.last.parameters,
        state.last.code_version,
    ):
        return f"tmp_{domain} holds other rows than those that were published"
    if (decision.parameters, decision.code_version) != (state.last.parameters, state.last.code_version):
        return "its code or parameters changed"
    for table in inputs:
        if reason := _unknown(run, table, domain):
            return reason
    return None


def _unknown(run: Run, table: str, domain: str) -> str | None:
    """Why it is not known which rows of a table changed since a domain was published; None if it is."""
    above, last = domain_of(table), run.states[domain].last
    if above == domain or last is None:
        return None
    state = run.states[above]
    if table == table_name(above):
        if (built := run.built.get(above)) and (built.shape.is_new or built.shape.is_altered):
            return f"{table} is new, or has other columns than before"
        if state.last is None:
            return f"{table} was never published"
        made_at: datetime | None = state.last.changed_at or last.started_at
    else:
        if above in run.loaded and above not in run.changes:
            return f"{table} was staged anew"
        made_at = state.staged.started_at if state.staged else None
    if made_at is None or made_at > last.started_at:
        return f"{table} was made by a later run than {table_name(domain)}"
    return None


def find_scope(mart: Mart, run: Run, domain: str, touched_by: Mapping[str, Columns]) -> Scope:
    """Find the rows that a run can change, and keep them in temporary tables.

    Args:
        mart: The mart.
        run: The run, in which the changes of all inputs are known.
        domain: Such as ``orders``.
        touched_by: What it declares.
    """
    scope = Scope(domain, touched_by, _texts(mart, f"tmp_{domain}", touched_by))
    published, main = quoted(table_name(domain)), quoted(scope.main)
    groups: dict[Columns, list[str]] = {}
    for table, columns in touched_by.items():
        groups.setdefault(columns, []).append(table)
    rows, before = [], []
    for columns, tables in groups.items():
        changed = [select for table in tables for select in _changed(mart, run, scope, table, columns)]
        found = " UNION ".join(changed) or f"SELECT {scope.select(columns)} FROM {main} LIMIT 0"
        given = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in columns)
        mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(scope.keys(columns))} AS SELECT DISTINCT * FROM ({found})"
            f" WHERE {given}"
        )
        if changed:
            keys = quoted(scope.keys(columns))
            of_keys = f"AS t SEMI JOIN {keys} AS k ON {scope.same(columns, 't', 'k')}"
            rows.append(f"SELECT t.rowid FROM {main} {of_keys}")
            before.append(f"SELECT t.rowid FROM {published} {of_keys}")
    _keep_rows(mart, run, scope, rows)
    mart.execute(
        f"CREATE OR REPLACE TEMP TABLE {quoted(scope.before)} AS SELECT rowid AS row FROM"
        f" ({' UNION '.join(before) or f'SELECT rowid FROM {published} LIMIT 0'})"
    )
    for columns in groups:
        mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(scope.reach(columns))} AS FROM temp.{quoted(scope.keys(columns))}"
            f" UNION SELECT {scope.select(columns)} FROM temp.{quoted(_of(scope, scope.main))}"
            f" UNION SELECT {scope.select(columns)} FROM {published} WHERE rowid IN (FROM temp.{quoted(scope.before)})"
        )
    scope.rows = mart.rows(_of(scope, scope.main))
    return scope


def scoped(mart: Mart, run: Run, scope: Scope, table: str) -> str | None:
    """The table or view of the rows of an input that a domain's scope is built of; None if all of them may be.

    Args:
        mart: The mart.
        run: The run.
        scope: What is built anew.
        table: The input.
    """
    if table == scope.main:
        return _of(scope, table)
    select = _after(run, scope, table)
    return None if select is None else _show(mart, _of(scope, table), select)


def show_after(mart: Mart, run: Run, scope: Scope, table: str) -> str | None:
    """The view of the rows of a table that have to do with a scope, as they will be; None if all of them may have."""
    select = _after(run, scope, table)
    return None if select is None else _show(mart, f"verified_{scope.domain}_{table}", select)


def show_before(mart: Mart, scope: Scope, table: str) -> str | None:
    """The same view, as those rows are published or staged now."""
    name = f"verified_{scope.domain}_{table}"
    if table == table_name(scope.domain):
        rows = f"WHERE rowid IN (FROM temp.{quoted(scope.before)})"
        return _show(mart, name, f"SELECT * EXCLUDE (_version, _valid_from) FROM {quoted(table)} {rows}")
    columns = scope.touched_by.get(table)
    if columns is None:
        return None
    unstamped = "* EXCLUDE (_version, _valid_from)" if table.startswith("tb_") else "*"
    return _show(mart, name, _reached(scope, columns, f"(SELECT {unstamped} FROM {quoted(table)})"))


def results_before(mart: Mart, domain: str) -> dict[str, tuple[int, str]]:
    """How many rows broke each rule at the domain's last publication, and an example; empty if that is not known."""
    found = mart.execute(
        f"SELECT rule, breaches, coalesce(example, '') FROM {RESULTS.name} WHERE domain = ? AND run_id ="
        f" (SELECT arg_max(run_id, started_at) FROM {ledger.LEDGER.name} WHERE domain = ? AND status = 'published')",
        [domain, domain],
    )
    return {str(rule): (int(breaches), str(example)) for rule, breaches, example in found}


def _keep_rows(mart: Mart, run: Run, scope: Scope, numbers: Sequence[str]) -> None:
    """Keep the staged rows that are built again: those staged in this run, and those that other inputs touch."""
    main = quoted(scope.main)
    parts = [f"SELECT * FROM {main} WHERE rowid IN ({' UNION '.join(numbers)})"] if numbers else []
    if scope.domain in run.changes:
        touched = f"touched_{scope.domain}"
        same = " AND ".join(f"main.{quoted(name)} = gone.{quoted(name)}" for name in mart.columns(touched))
        parts = [f"SELECT main.* FROM ({part}) AS main ANTI JOIN {quoted(touched)} AS gone ON {same}" for part in parts]
        parts.append(f"SELECT * FROM {quoted(kept_in(run, scope.main))}")
    select = " UNION ALL BY NAME ".join(parts) or f"SELECT * FROM {main} LIMIT 0"
    mart.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(_of(scope, scope.main))} AS {select}")


def _changed(mart: Mart, run: Run, scope: Scope, table: str, columns: Columns) -> list[str]:
    """SELECTs of the values that changed rows of a table have in some columns, before and after."""
    above, wanted = domain_of(table), scope.select(columns)
    if table == table_name(above):
        if above not in run.built:
            return []
        build = quoted(f"build_{above}")
        return [
            f"SELECT {wanted} FROM {build} WHERE _change <> 'delete'",
            f"SELECT {wanted} FROM {quoted(table)} WHERE rowid IN (SELECT _row FROM {build} WHERE _row IS NOT NULL)",
        ]
    if above not in run.changes:
        return []
    touched = f"touched_{above}"
    if set(columns) <= mart.columns(touched).keys():
        return [f"SELECT {wanted} FROM {quoted(touched)}"]
    same = " AND ".join(f"old.{quoted(name)} = touched.{quoted(name)}" for name in mart.columns(touched))
    return [
        f"SELECT {wanted} FROM {quoted(kept_in(run, table))}",
        f"SELECT {wanted} FROM {quoted(table)} AS old SEMI JOIN {quoted(touched)} AS touched ON {same}",
    ]


def _after(run: Run, scope: Scope, table: str) -> str | None:
    """SELECT of the rows of an input that have to do with a scope, as they will be."""
    above, columns = domain_of(table), scope.touched_by.get(table)
    if table == table_name(scope.domain):
        build = quoted(f"build_{above}")
        return (
            f"SELECT * EXCLUDE (_version, _valid_from) FROM {quoted(table)} WHERE"
            f" rowid IN (FROM temp.{quoted(scope.before)})"
            f" AND rowid NOT IN (SELECT _row FROM {build} WHERE _row IS NOT NULL)"
            f" UNION ALL BY NAME SELECT * EXCLUDE (_change, _row) FROM {build} WHERE _change <> 'delete'"
        )
    if columns is None:
        return None
    if table != table_name(above):
        return _reached(scope, columns, quoted(seen_as(run, table)))
    if above not in run.built:
        return _reached(scope, columns, f"(SELECT * EXCLUDE (_version, _valid_from) FROM {quoted(table)})")
    build = quoted(f"build_{above}")
    kept = (
        f"(SELECT * EXCLUDE (_version, _valid_from) FROM {quoted(table)}"
        f" WHERE rowid NOT IN (SELECT _row FROM {build} WHERE _row IS NOT NULL))"
    )
    new = f"(SELECT * EXCLUDE (_change, _row) FROM {build} WHERE _change <> 'delete')"
    return f"{_reached(scope, columns, kept)} UNION ALL BY NAME {_reached(scope, columns, new)}"


def _reached(scope: Scope, columns: Columns, place: str) -> str:
    """SELECT of the rows of a table that have to do with a scope."""
    reach = f"temp.{quoted(scope.reach(columns))}"
    return f"SELECT t.* FROM {place} AS t SEMI JOIN {reach} AS k ON {scope.same(columns, 't', 'k')}"


def _show(mart: Mart, name: str, select: str) -> str:
    mart.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {select}")
    return name


def _of(scope: Scope, table: str) -> str:
    """Name of the rows of a table that have to do with a scope."""
    return f"scoped_{scope.domain}_{table}"


def _texts(mart: Mart, main_table: str, touched_by: Mapping[str, Columns]) -> frozenset[str]:
    """Columns that are not of one type in all tables: ids of a file are text here and a number there."""
    kinds: dict[str, set[str]] = {}
    for table, columns in touched_by.items():
        found = mart.columns(table)
        for name in columns:
            kinds.setdefault(name, set()).add(found[name])
    main = mart.columns(main_table)
    for name, of in kinds.items():
        of.add(main[name])
    return frozenset(name for name, of in kinds.items() if len(of) > 1)
