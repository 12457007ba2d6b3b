"""Erase a person from the mart: rows that are the person go, rows of the person stay without what tells of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from datamart_kedro.columns import PublishedTable
from datamart_kedro.errors import RunError
from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import source_columns
from datamart_kedro.mart.forgotten import is_forgotten, note_forgotten
from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.mart.publication import transaction
from datamart_kedro.mart.run import begin, fail, now
from datamart_kedro.mart.traces import PROSE, Column, Search, all_columns, find, rejected_rows, search_for

REASON = "forgot one customer"


@dataclass(frozen=True)
class Erasure:
    """What an erasure did in one table.

    Attributes:
        table: Its name.
        erased: Rows that are gone.
        changed: Rows that stay without what told of the person.
    """

    table: str
    erased: int = 0
    changed: int = 0


@dataclass(frozen=True)
class Forgetting:
    """An erasure, and its proof.

    Attributes:
        erasures: What was done, by table; tables that held nothing are left out.
        values: Number of values that were searched for, besides the id.
        shared: Number of values that others have too, and that were not searched for.
        searched: Number of columns that were searched afterwards.
        was_forgotten: Had the person been erased before?
    """

    erasures: list[Erasure]
    values: int
    shared: int
    searched: int
    was_forgotten: bool


class _Undone(Exception):
    """Ends a transaction that was only to show what it would do."""


def preview_forgetting(
    mart: Mart, tables: Mapping[str, PublishedTable], person: str, *, prove: bool = False
) -> Forgetting:
    """What `forget` would do; nothing is changed.

    Args:
        mart: The mart, open for writing.
        tables: What the domains publish, by domain.
        person: The id, as it is published.
        prove: Search for the person as `forget` does?

    Raises:
        RunError: The search would still find something.
    """
    done: list[Forgetting] = []
    try:
        with transaction(mart):
            ledger.create_ledger(mart)
            done.append(_forget(mart, tables, person, prove=prove))
            raise _Undone
    except _Undone:
        return done[0]


def forget(mart: Mart, tables: Mapping[str, PublishedTable], person: str, run_id: str) -> Forgetting:
    """Erase a person from all tables of the mart, and remember not to take the rows in again; all of it or nothing.

    The run has its own rows in the ledger, which do not name the person. It makes no version: what every version holds
    of the person goes, and no figure of anybody else changes.

    Args:
        mart: The mart, open for writing.
        tables: What the domains publish, by domain.
        person: The id, as it is published.
        run_id: For the ledger.

    Raises:
        RunError: Something of the person is still found afterwards; nothing was changed.
    """
    concerned = [domain for domain, table in tables.items() if table.personal.person and mart.exists(table.name)]
    run = begin(mart, run_id, concerned)
    try:
        with transaction(mart):
            done = _forget(mart, tables, person, prove=True)
            note_forgotten(mart, person, run.started_at)
            for domain in concerned:
                _close(mart, run_id, domain, done)
        return done
    except BaseException as error:
        fail(mart, "failed", f"{REASON}: {type(error).__name__}")
        raise
    finally:
        mart.run = None


def _forget(mart: Mart, tables: Mapping[str, PublishedTable], person: str, *, prove: bool) -> Forgetting:
    was_forgotten = is_forgotten(mart, person)
    search = search_for(mart, tables, person)
    owners = {name: table for domain, table in tables.items() for name in _names(domain)}
    erasures = [
        *_erase_rejected(mart, tables, search),
        *_erase_rows(mart, owners, search),
        *_erase_from_prose(mart, search),
    ]
    searched, found = find(mart, search) if prove else (0, {})
    if found:
        places = ", ".join(f"{place} ({rows:,} rows)" for place, rows in list(found.items())[:5])
        raise RunError(
            f"After the erasure the search still finds the customer in {len(found)} columns: {places}.",
            "No domain says that these columns hold personal data: mark them in the domain's columns.py, or drop the"
            " table if it is a leftover.",
            state="Nothing was erased, the mart is as it was.",
        )
    return Forgetting(_by_table(erasures), len(search.values), search.shared, searched, was_forgotten)


def _by_table(erasures: Sequence[Erasure]) -> list[Erasure]:
    """One for each table."""
    names = sorted({erasure.table for erasure in erasures})
    parts = {name: [erasure for erasure in erasures if erasure.table == name] for name in names}
    return [Erasure(name, sum(p.erased for p in of), sum(p.changed for p in of)) for name, of in parts.items()]


def _names(domain: str) -> list[str]:
    """Tables of a domain, those that a run leaves behind if it fails included."""
    return [f"{layer}_{domain}{kind}" for layer in ("tb", "tmp", "build") for kind in ("", "_history", "_duplicates")]


def _erase_rows(mart: Mart, owners: Mapping[str, PublishedTable], search: Search) -> Iterator[Erasure]:
    """Erase the rows that are the person, and take the person out of rows that are the person's.

    A table with ids of persons that no domain publishes, such as one made of published tables, is about persons.
    """
    columns: dict[str, list[Column]] = {}
    for column in all_columns(mart):
        columns.setdefault(column.place, []).append(column)
    for place, found in columns.items():
        for name in search.columns & {column.name for column in found}:
            owner = owners.get(found[0].table) if found[0].schema == "main" else None
            condition = search.is_person(name)
            rows = int(mart.scalar(f"SELECT count(*) FROM {place} WHERE {condition}"))
            if not rows:
                continue
            if owner is None or name in owner.key:
                mart.execute(f"DELETE FROM {place} WHERE {condition}")
                yield Erasure(found[0].shown, erased=rows)
            else:
                personal = {name, *owner.personal.columns} & {column.name for column in found}
                blank = ", ".join(f"{quoted(column)} = NULL" for column in sorted(personal))
                mart.execute(f"UPDATE {place} SET {blank} WHERE {condition}")
                yield Erasure(found[0].shown, changed=rows)


def _erase_rejected(mart: Mart, tables: Mapping[str, PublishedTable], search: Search) -> Iterator[Erasure]:
    """Empty rejected rows of the person, and those without an id that hold a value of nobody else.

    Of a row that is not the person itself, `tb_rejected_rows` keeps what tells nothing of the person.
    """
    for place, row, of in rejected_rows(mart):
        column = "came" if row.startswith("to_json") else quoted("row")
        is_anonymous = " AND ".join(
            f"trim(coalesce(json_extract_string({row}, {literal(f'$.{quoted(name)}')}), '')) = ''"
            for name in sorted(search.columns)
        )
        emptied = changed = 0
        for domain, table in tables.items():
            if table.personal.person and column != "came" and table.key != (table.personal.person,):
                condition = f"{of} = {literal(domain)} AND {search.is_id_in(row)}"
                if rows := int(mart.scalar(f"SELECT count(*) FROM {quoted(place)} WHERE {condition}")):
                    kept = source_columns(domain).keys() - {table.personal.person, *table.personal.columns}
                    parts = ", ".join(f"{literal(n)}, {row}->{literal(f'$.{quoted(n)}')}" for n in sorted(kept))
                    mart.execute(f"UPDATE {quoted(place)} SET {column} = json_object({parts}) WHERE {condition}")
                    changed += rows
        condition = f"{search.is_id_in(row)} OR ({is_anonymous} AND {search.is_value_in_json(row)})"
        if rows := int(mart.scalar(f"SELECT count(*) FROM {quoted(place)} WHERE {condition}")):
            # what a staged row is found by is gone with it: the row stays, so that it is still accounted for
            ids = search.columns & mart.columns(place).keys() if column == "came" else set()
            blank = ", ".join(f"{name} = NULL" for name in [column, *map(quoted, sorted(ids))])
            mart.execute(f"UPDATE {quoted(place)} SET {blank} WHERE {condition}")
            emptied += rows
        if emptied + changed:
            yield Erasure(place, changed=emptied + changed)


def _erase_from_prose(mart: Mart, search: Search) -> Iterator[Erasure]:
    """Take the person out of errors, reasons and examples."""
    for column in all_columns(mart):
        if column.name in PROSE and column.kind == "VARCHAR":
            condition = search.is_in_prose(column.name)
            rows = int(mart.scalar(f"SELECT count(*) FROM {column.place} WHERE {condition}"))
            if rows:
                cleaned = search.without_person(column.name)
                mart.execute(f"UPDATE {column.place} SET {quoted(column.name)} = {cleaned} WHERE {condition}")
                yield Erasure(column.shown, changed=rows)


def _close(mart: Mart, run_id: str, domain: str, done: Forgetting) -> None:
    """Write what became of a domain's published table."""
    own = next((erasure for erasure in done.erasures if erasure.table == f"tb_{domain}"), Erasure(domain))
    ledger.update(
        mart,
        run_id,
        domain,
        {
            "status": "erased",
            "reason": REASON,
            "rows_updated": own.changed,
            "rows_deleted": own.erased,
            "finished_at": now(),
        },
    )
