"""Hold a replica against its mart, row by row; nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datamart_kedro.errors import ReplicaError
from datamart_kedro.mart.mart import Mart
from datamart_kedro.replica.as_of import functions_to_make
from datamart_kedro.replica.comparison import TableCheck, compare
from datamart_kedro.replica.refusals import Attempt
from datamart_kedro.replica.served import served_tables
from datamart_kedro.replica.settings import ReplicaSettings
from datamart_kedro.replica.snapshot import snapshot_of
from datamart_kedro.replica.work import Work, begin, connected, place_in

AGAIN = "Verify again when that is mended."


@dataclass(frozen=True)
class Verification:
    """How a replica compares with its mart.

    Attributes:
        place: Schema, database and host, without secrets.
        version: Number of the mart's version.
        held: Number of the version that the replica says it holds, None if it says none.
        tables: How each served table compares with the mart as of that version; and functions that are not as they
            should be.
    """

    place: str
    version: int
    held: int | None
    tables: Sequence[TableCheck]

    @property
    def different(self) -> list[TableCheck]:
        """Tables with something wrong."""
        return [table for table in self.tables if not table.is_alike]

    @property
    def is_alike(self) -> bool:
        """Does the replica hold what the version that it names had published?"""
        return self.held is not None and not self.different


def verify(mart: Mart, settings: ReplicaSettings, url: str | None) -> Verification:
    """Compare every row that a replica serves with the mart, as of the version that the replica holds.

    All is seen as it is at one moment. The rows of one table at a time go to a temporary table of the server, which
    compares them; runs and readers go on meanwhile.

    Args:
        mart: Which it should be like.
        settings: Schema and time-outs.
        url: Address of the server.

    Raises:
        ReplicaError: The replica cannot be reached, or is not this mart's.
        MartFileError: There is no mart, or another process holds it.
    """
    place = place_in(settings, url)
    with snapshot_of(mart) as snapshot:
        version = snapshot.newest_version()
        if version is None:
            raise ReplicaError("The mart has no version yet.", "Make one with `kedro run`.", "")
        attempt = Attempt(place, version.number, failed="could not be verified", later=AGAIN)
        with attempt.refusing():
            served = served_tables(snapshot)
            with connected(settings, url) as connection:
                work = Work(snapshot, version, served, connection, connection.cursor(), settings, attempt)
                begin(work.cursor, settings, is_one_moment=True)
                return _verified(work)


def _verified(work: Work) -> Verification:
    replica = work.look()
    checks = []
    if replica.state is not None:
        later = work.snapshot.version_after(replica.state.version.number)
        since = min(replica.state.synchronised_at, later.valid_from if later else replica.state.synchronised_at)
        for table in work.served:
            work.attempt.table = table.name
            number = work.version.number
            checks.append(compare(work.snapshot, work.cursor, work.schema, table, replica, number, since))
    if replica.held == work.version:
        wrong = functions_to_make(work.cursor, work.schema, work.served)
        checks += [
            TableCheck(f"{function.name}({function.kind})", ("it is not as it should be",)) for function in wrong
        ]
    return Verification(work.attempt.place, work.version.number, replica.number, checks)


def verification_lines(found: Verification) -> Iterator[str]:
    """What to tell about a verification: what is wrong with each table, then what the replica is like."""
    for table in found.different:
        yield from (f"{table.table}: {fault}" for fault in table.faults)
        for kind, rows in table.rows.items():
            example = f", e.g. {table.examples[kind]}" if table.examples.get(kind) else ""
            yield f"{table.table}: {rows:,} row{'s' if rows != 1 else ''} {kind}{example}"
    if unknown := [table.table for table in found.tables if not table.is_known]:
        yield f"Not compared, row by row: {', '.join(unknown)}"
    yield _summary(found)


def _summary(found: Verification) -> str:
    if found.held is None:
        return f"{found.place} holds no version of the mart; the mart is at version {found.version}."
    behind = found.version - found.held
    late = f" It is {behind} version{'s' if behind > 1 else ''} behind; the next run brings it up to date."
    tail = late if behind else ""
    if found.is_alike:
        return f"{found.place} is like the mart at version {found.held}.{tail}"
    return f"{found.place} is not like the mart at version {found.held}.{tail}"
