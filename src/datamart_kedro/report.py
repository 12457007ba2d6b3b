"""What a run says when it ends."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.mart.domains import meanings, published_table
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.personal_data import held_otherwise
from datamart_kedro.mart.run import RowCounts, Run, now
from datamart_kedro.mart.staged import kept_in

HEADER = (
    "domain",
    "read",
    "staged",
    "rejected",
    "superseded",
    "published",
    "inserted",
    "updated",
    "deleted",
    "seconds",
)


def closing_table(mart: Mart, run: Run, counts: Mapping[str, RowCounts]) -> list[str]:
    """Lines that sum up a run: its domains with their rows, why rows were rejected, and the version readers see."""
    seconds = (now() - run.started_at).total_seconds()
    if not counts:
        return [f"Nothing to do: {len(run.decisions)} domains have nothing new. {seconds:.1f} s"]
    rows = [
        (
            domain,
            *(f"{value:,}" for value in (c.read, c.staged, c.rejected, c.superseded)),
            *(
                (f"{value:,}" for value in (c.published, c.inserted, c.updated, c.deleted))
                if domain in run.built
                else "----"
            ),
            f"{run.seconds(domain):.1f}",
        )
        for domain, c in sorted(counts.items())
    ]
    lines = aligned([HEADER, *rows])
    for domain in sorted(run.loaded):
        lines += _reasons(mart, domain)
    return [*lines, f"{_outcome(run)} in {seconds:.1f} s: {mart.path}"]


def _outcome(run: Run) -> str:
    if not run.built:
        return "Nothing was published"
    if any(built.is_changed for built in run.built.values()):
        return f"Version {run.version} is published"
    return f"Nothing changed, the mart stays at version {run.version}"


def aligned(rows: Sequence[Sequence[str]], to_the_left: Collection[str] = ()) -> list[str]:
    """Rows as lines, the first one a header: texts to the left, numbers to the right.

    Args:
        rows: Header and rows, of the same length.
        to_the_left: Headers of columns that hold text; the first one if absent.
    """
    texts = to_the_left or rows[0][:1]
    columns = [
        [cell.ljust(width) if column[0] in texts else cell.rjust(width) for cell in column]
        for column in zip(*rows, strict=True)
        for width in [max(map(len, column))]
    ]
    return ["  ".join(line) for line in zip(*columns, strict=True)]


def _reasons(mart: Mart, domain: str) -> list[str]:
    """How many rows were rejected for which reason."""
    rejected = quoted(kept_in(mart.run, f"tmp_{domain}_rejected"))
    found = mart.execute(
        f"SELECT reason, count(*) FROM (SELECT unnest(string_split(reasons, '; ')) AS reason FROM {rejected})"
        " GROUP BY reason ORDER BY count(*) DESC, reason LIMIT 10"
    )
    if not found:
        return []
    return [f"{domain} rejected: " + ", ".join(f"{reason} ({rows:,})" for reason, rows in found)]


def published_otherwise(mart: Mart, run: Run) -> list[str]:
    """Lines that name the histories with personal data in another form than the one in which a run published it."""
    lines = []
    for domain, built in sorted(run.built.items()):
        noted = run.publishing.noted(domain, built.table.personal_columns).get("personal_data", {})
        if columns := held_otherwise(mart, domain, built.table, noted):
            lines.append(
                f"{built.table.name}_history holds {', '.join(columns)} as published before;"
                " `kedro mart prune --keep 0d` removes that history."
            )
    return lines


def unmapped_values(mart: Mart, domain: str) -> list[str]:
    """Lines that name the values which no map knows, and say where to add them."""
    unknown = meanings(domain)
    if not unknown:
        return []
    found = mart.execute(mart.compile(unmapped(mart.table(kept_in(mart.run, f"tmp_{domain}")), unknown)))
    lines = []
    for column in unknown:
        values = sorted(((rows, value) for name, value, rows in found if name == column), reverse=True)
        if values:
            examples = ": " + ", ".join(f"{value!r} ({rows:,})" for rows, value in values[:5])
            more = f" and {len(values) - 5} more" if len(values) > 5 else ""
            shown = "" if column in published_table(domain).personal.columns else examples + more
            lines.append(
                f"{domain}: no map knows the {column} of {sum(rows for rows, _ in values):,} rows{shown}."
                f" Add them to parameters_{domain}.yml or parameters_formats.yml."
            )
    return lines
