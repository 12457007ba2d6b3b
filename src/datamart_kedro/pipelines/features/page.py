"""The catalogue on the page docs/features.md; run as a module, it writes the page anew.

python -m datamart_kedro.pipelines.features.page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamart_kedro.pipelines.features.catalogue import features_of
from datamart_kedro.pipelines.features.columns import TABLES

PAGE = "docs/features.md"
START, END = "<!-- catalogue: start -->", "<!-- catalogue: end -->"
HEADER = ("column", "type", "unit", "window", "what it is", "NULL", "fill", "timing", "personal")


def with_catalogue(text: str) -> str:
    """The text of the page with the catalogue between its marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = "\n".join(catalogue_lines())
    return f"{before}{START}\n\n{lines}\n{END}{after}"


def catalogue_lines() -> Iterator[str]:
    """Lines of a table for each feature table."""
    for name, table in TABLES.items():
        if not features_of(name):
            continue
        yield f"### {name}"
        yield ""
        yield table.comment
        yield ""
        yield _row(HEADER)
        yield _row(["---"] * len(HEADER))
        for f in features_of(name):
            window = f"{f.window_days} d" if f.window_days else ""
            personal = "yes" if f.is_personal else ""
            yield _row(
                (
                    f"`{f.name}`",
                    f.dtype,
                    f.unit,
                    window,
                    f.definition,
                    f.null_meaning,
                    f.default_fill,
                    f.timing.replace("_", " "),
                    personal,
                )
            )
        yield ""


def _row(cells: tuple[str, ...] | list[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    page = Path(PAGE)
    page.write_text(with_catalogue(page.read_text(encoding="utf-8")), encoding="utf-8")
