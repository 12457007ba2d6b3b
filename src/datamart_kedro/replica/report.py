"""What a synchronisation did, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReplicaReport:
    """What became of a replica.

    Attributes:
        place: Schema, database and host, without secrets.
        before: Number of the version that it held, None if it held none.
        version: Number of the version that it holds, 0 if the mart has published nothing yet.
        written: Rows inserted or updated.
        deleted: Rows deleted.
        seconds: Time that it took.
        mended: Tables that were not what the replica's version had published, and are now.
        left_over: Tables in the schema that no domain publishes; they are left alone.
    """

    place: str
    before: int | None
    version: int
    written: int = 0
    deleted: int = 0
    seconds: float = 0.0
    mended: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Was anything written?"""
        return self.before != self.version or self.written + self.deleted > 0


def report_lines(report: ReplicaReport) -> list[str]:
    """What to tell about a synchronisation: what it did, and what a person should look at."""
    lines = [_done(report)]
    if report.mended:
        lines.append(
            f"Replica: {', '.join(report.mended)} differed from version {report.before}, as if edited by hand;"
            " what differed was replaced."
        )
    if report.left_over:
        lines.append(f"Replica: no domain publishes {', '.join(report.left_over)} any more; drop what nobody reads.")
    return lines


def _done(report: ReplicaReport) -> str:
    if report.version == 0:
        return f"Replica: nothing is published yet that {report.place} could serve."
    if not report.is_changed:
        return f"Replica: {report.place} holds version {report.version} already."
    if report.before == report.version and not report.mended:
        return f"Replica: {report.place} holds version {report.version} already; its ledger is brought up to date."
    since = "for the first time" if report.before is None else f"after version {report.before}"
    if report.before == report.version:
        since = "as before"
    return (
        f"Replica: {report.place} serves version {report.version}, {since}:"
        f" {report.written:,} rows written, {report.deleted:,} deleted, {report.seconds:.1f} s."
    )
