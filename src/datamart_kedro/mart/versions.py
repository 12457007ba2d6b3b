"""The versions of the mart: what each changed, and reading the mart as it was at one of them.

A version holds from the instant at which the run that published it started: the shop was read after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from datamart_kedro.columns import VERSION_COLUMNS, PublishedTable
from datamart_kedro.errors import VersionError
from datamart_kedro.mart import ledger
from datamart_kedro.mart.history import history_of, oldest_version
from datamart_kedro.mart.mart import Mart, quoted


@dataclass(frozen=True)
class TableChange:
    """What a version changed in one published table.

    Attributes:
        reason: What opened the gate of its domain.
        inserted: Rows with a new key.
        updated: Rows with other values.
        deleted: Rows whose key was gone.
        code_version: Version of the project and digest of the domain's code and query.
        parameters: The domain's parameters, JSON.
    """

    reason: str
    inserted: int
    updated: int
    deleted: int
    code_version: str
    parameters: str


@dataclass(frozen=True)
class Version:
    """A state of the whole mart that readers saw.

    Attributes:
        number: From 1.
        run_id: Run that published it.
        valid_from: Instant, UTC, from which it holds.
        changes: What it changed, by domain.
    """

    number: int
    run_id: str
    valid_from: datetime
    changes: Mapping[str, TableChange] = field(default_factory=dict)


def list_versions(mart: Mart) -> list[Version]:
    """All versions, the oldest first."""
    found: dict[int, Version] = {}
    rows = mart.execute(
        "SELECT version, run_id, started_at, domain, reason, coalesce(rows_inserted, 0), coalesce(rows_updated, 0),"
        f" coalesce(rows_deleted, 0), code_version, parameters FROM {ledger.LEDGER.name}"
        " WHERE status = 'published' ORDER BY started_at, domain"
    )
    for number, run_id, started_at, domain, *change in rows:
        version = found.setdefault(number, Version(number, run_id, started_at, {}))
        if version.run_id == run_id:  # a later run that changed nothing carries the same number
            found[number] = Version(number, run_id, started_at, {**version.changes, domain: TableChange(*change)})
    return list(found.values())


def resolve_version(mart: Mart, as_of: int | str | datetime) -> int:
    """The version that held at an instant, or the version of that number.

    Args:
        mart: Read only.
        as_of: A version's number; or an instant, as a datetime or in ISO 8601, UTC unless it says otherwise.

    Raises:
        VersionError: There was no mart then, or its history was cut.
    """
    known = {version.number: version.valid_from for version in list_versions(mart)}
    if not known:
        raise VersionError("The mart has no version yet.", "Make one with `kedro run`.", state="")
    number = int(str(as_of)) if _is_number(as_of) else _held_at(known, _instant(as_of))
    if number not in known:
        raise VersionError(
            f"There is no version {as_of}: the versions are {min(known)} to {max(known)}, the first of"
            f" {known[min(known)]:%Y-%m-%d %H:%M:%S} UTC.",
            "See them with `kedro mart versions`.",
            state="",
        )
    return number


def select_as_of(mart: Mart, table: PublishedTable, version: int) -> str:
    """A SELECT of the rows of a published table as they were at a version.

    Raises:
        VersionError: The history of the table does not go back so far.
    """
    oldest = oldest_version(mart, table)
    if version < oldest:
        raise VersionError(
            f"{table.name}: its history goes back to version {oldest}, not to {version}.",
            "Older rows were removed with `kedro mart prune`.",
            state="",
        )
    columns = ", ".join(quoted(name) for name in (*table.columns, *VERSION_COLUMNS))
    return (
        f"SELECT {columns} FROM {quoted(table.name)} WHERE _version <= {version}"
        f" UNION ALL SELECT {columns} FROM {quoted(history_of(table).name)}"
        f" WHERE _version <= {version} AND _version_to > {version}"
    )


def _is_number(as_of: int | str | datetime) -> bool:
    return isinstance(as_of, int) or (isinstance(as_of, str) and as_of.isdecimal())


def _instant(as_of: int | str | datetime) -> datetime:
    """An instant in UTC, without zone."""
    if isinstance(as_of, datetime):
        at = as_of
    else:
        try:
            at = datetime.fromisoformat(str(as_of))
        except ValueError:
            raise VersionError(
                f"{as_of!r} is neither a version nor an instant.",
                "Write a number such as 3, or an instant such as 2026-10-01T00:00.",
                state="",
            ) from None
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at


def _held_at(known: Mapping[int, datetime], at: datetime) -> int:
    """The newest version that began at or before an instant; 0 if there was none."""
    return max((number for number, valid_from in known.items() if valid_from <= at), default=0)
