"""Persons who were erased: the mart remembers a keyed hash of their id, so that their rows do not come in again."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from datamart_kedro.control.personal_data import hash_pads
from datamart_kedro.mart.domains import published_table, source_columns
from datamart_kedro.mart.ledger import FORGOTTEN, create_ledger
from datamart_kedro.mart.mart import Mart, literal, quoted, timestamp
from datamart_kedro.mart.personal_data import hashing, keyed_hash

if TYPE_CHECKING:
    import ibis.expr.types as ir


def note_forgotten(mart: Mart, person: str, at: datetime) -> None:
    """Remember that a person was erased, by a hash of the id, and when it was last."""
    salt = _salt(mart) or secrets.token_hex(32)
    with hashing(mart, hash_pads(bytes.fromhex(salt))):
        hashed = keyed_hash(literal(person))
        mart.execute(f"DELETE FROM {FORGOTTEN.name} WHERE person = {hashed}")
        mart.execute(f"INSERT INTO {FORGOTTEN.name} SELECT {hashed}, {literal(salt)}, {timestamp(at)}")


def is_forgotten(mart: Mart, person: str) -> bool:
    """Was a person erased?"""
    salt = _salt(mart)
    if salt is None:
        return False
    with hashing(mart, hash_pads(bytes.fromhex(salt))):
        found = mart.scalar(f"SELECT count(*) FROM {FORGOTTEN.name} WHERE person = {keyed_hash(literal(person))}")
    return bool(found)


def forgotten_at(mart: Mart) -> list[datetime]:
    """When persons were erased, UTC, the first one first."""
    if not mart.exists(FORGOTTEN.name):
        return []
    return [at for (at,) in mart.execute(f"SELECT forgotten_at FROM {FORGOTTEN.name} ORDER BY forgotten_at")]


def note_forgotten_of(mart: Mart, other: Mart) -> None:
    """Let another, new mart know the persons who were erased from a mart."""
    if not forgotten_at(mart):
        return
    rows = mart.execute(f"SELECT person, salt, forgotten_at FROM {FORGOTTEN.name}")
    other.open(write=True)
    create_ledger(other)
    for row in rows:
        other.execute(f"INSERT INTO {FORGOTTEN.name} VALUES (?, ?, ?)", row)


def without_forgotten(mart: Mart, domain: str, source: str) -> str:
    """The rows of a source without what they tell of erased persons; give the name of the view that has them.

    A row that is the person keeps nothing, and is marked. A row of the person keeps what the mart knows and what tells
    nothing of the person. If nobody was erased, or none of them comes, it is the source itself.

    Args:
        mart: The mart.
        domain: Such as ``orders``.
        source: Table or view with the rows as the shop delivers them.
    """
    table = published_table(domain)
    person = table.personal.person
    salt = _salt(mart) if person in mart.columns(source) else None
    if salt is None or not _find_forgotten(mart, source, person, salt):
        return source
    from datamart_kedro.expressions.judge import IS_FORGOTTEN  # here, with Ibis

    is_person = table.key == (person,)
    kept = set() if is_person else source_columns(domain).keys() - {person, *table.personal.columns}
    mark = quoted(IS_FORGOTTEN)
    columns = [
        quoted(name) if name in kept else f"CASE WHEN {mark} THEN NULL ELSE {quoted(name)} END AS {quoted(name)}"
        for name in mart.columns(source)
    ]
    marked = f"SELECT *, coalesce({quoted(person)} IN (SELECT came FROM temp.{_ids(source)}), false) AS {mark}"
    name = f"{source}_without_forgotten"
    mart.execute(
        f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS SELECT {', '.join([*columns, *([mark] * is_person)])}"
        f" FROM ({marked} FROM temp.{quoted(source)})"
    )
    return name


def as_id(came: ir.Value) -> ir.StringValue:
    """An id as text, as it is staged, out of what a source delivers."""
    from datamart_kedro.expressions.text import clean_text

    return clean_text(came) if came.type().is_string() else came.cast("string")


def _find_forgotten(mart: Mart, source: str, person: str, salt: str) -> bool:
    """Gather the ids of erased persons that a source delivers, as it writes them: are there any?"""
    rows = mart.table(source, temporary=True)
    came = rows.filter(rows[person].notnull()).select(came=rows[person]).distinct()
    ids = mart.compile(came.mutate(id=as_id(came.came)))
    with hashing(mart, hash_pads(bytes.fromhex(salt))):
        mart.compute(
            source,
            f"CREATE OR REPLACE TEMP TABLE {_ids(source)} AS SELECT came FROM ({ids})"
            f" WHERE {keyed_hash('id')} IN (SELECT person FROM {FORGOTTEN.name})",
        )
    return mart.rows(f"{source}_forgotten") > 0


def _ids(source: str) -> str:
    return quoted(f"{source}_forgotten")


def _salt(mart: Mart) -> str | None:
    """What ids are hashed with, None if nobody was ever erased."""
    found = mart.scalar(f"SELECT any_value(salt) FROM {FORGOTTEN.name}") if mart.exists(FORGOTTEN.name) else None
    return None if found is None else str(found)
