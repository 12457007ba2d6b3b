"""The metrics on the page docs/metrics.md; run as a module, it writes the page anew.

python -m datamart_kedro.metrics.page
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from datamart_kedro.metrics.definitions import METRICS
from datamart_kedro.metrics.dimensions import DIMENSIONS, dimensions_of
from datamart_kedro.metrics.metric import TIME

PAGE = "docs/metrics.md"
START, END = "<!-- metrics: start -->", "<!-- metrics: end -->"
UNITS = {
    "money": "money, in the order's currency, to cents",
    "rate": "share, 0 to 1",
    "count": "number",
    "probability": "probability, 0 to 1",
}


def with_metrics(text: str) -> str:
    """The text of the page with the metrics between its marks."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    lines = "\n".join(metric_lines())
    return f"{before}{START}\n\n{lines}\n{END}{after}"


def metric_lines() -> Iterator[str]:
    """Lines that say what each metric is, then what each dimension is."""
    for metric in METRICS.values():
        known = dimensions_of(metric)
        by = (["time"] if set(TIME) <= set(known) else []) + [f"`{name}`" for name in known if name not in TIME]
        yield f"### `{metric.name}`"
        yield ""
        yield metric.meaning
        yield ""
        yield f"- unit: {UNITS[metric.unit]}"
        if metric.denominator:
            yield f"- divided by: {metric.denominator}"
        yield f"- by: {', '.join(by)}"
        yield f"- groups add up over: {metric.adds_up}"
        if metric.apart:
            yield f"- always kept apart by: {', '.join(f'`{name}`' for name in metric.apart)}"
        yield ""
    yield "| dimension | what it is |"
    yield "| --- | --- |"
    for dimension in DIMENSIONS.values():
        yield f"| `{dimension.name}` | {dimension.meaning} |"


if __name__ == "__main__":
    page = Path(PAGE)
    page.write_text(with_metrics(page.read_text(encoding="utf-8")), encoding="utf-8")
