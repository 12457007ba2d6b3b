"""Charts as inline SVG: no script, no network, colours by style sheet, every point with its value as a title."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, log10
from typing import Any

from markupsafe import Markup

from datamart_kedro.metrics.metric import Unit
from datamart_kedro.metrics.numbers import in_words, shown

WIDTH, HEIGHT = 640, 220
WIDE = 1080
LEFT, RIGHT, TOP, BOTTOM = 62, 12, 12, 26
TICKS = 4
LABELS = 6
Number = Decimal | int | float


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    Attributes:
        name: What it shows.
        points: Place on the horizontal axis and value; a value that is absent interrupts the line.
        is_faint: Is it there for comparison?
    """

    name: str
    points: Sequence[tuple[Any, Number | None]]
    is_faint: bool = False


@dataclass(frozen=True)
class Band:
    """An interval around a line: place, lower and upper end."""

    name: str
    points: Sequence[tuple[Any, Number, Number]]


def line_chart(
    title: str, lines: Sequence[Line], unit: Unit, band: Band | None = None, *, width: int = WIDTH
) -> Markup:
    """Lines over a common axis, on which places stand in the order of their values.

    Args:
        title: What it shows, for who cannot see it.
        lines: What is drawn.
        unit: Of the values.
        band: An interval around a line.
        width: `WIDTH`, or `WIDE` for a chart across the page.
    """
    bands = band.points if band else []
    places = sorted({place for line in lines for place, _ in line.points} | {place for place, *_ in bands})
    values = [float(value) for line in lines for _, value in line.points if value is not None]
    values += [float(end) for _, *ends in bands for end in ends]
    if not values:
        return Markup('<p class="none">Nothing to draw.</p>')
    ticks = _ticks(min(0.0, *values), max(values))
    across = {place: _across(number, len(places), width) for number, place in enumerate(places)}
    parts = [_axes(ticks, unit, width), _labels(places, across, width)]
    if band:
        upper = [f"{across[place]:.1f},{_up(float(top), ticks):.1f}" for place, _, top in bands]
        lower = [f"{across[place]:.1f},{_up(float(low), ticks):.1f}" for place, low, _ in reversed(bands)]
        parts.append(
            Markup('<polygon class="band" points="{}"><title>{}</title></polygon>').format(
                " ".join([*upper, *lower]), band.name
            )
        )
    for number, line in enumerate(lines):
        parts.append(_drawn(line, number, across, ticks, unit))
    legend = _legend(lines, band) if len(lines) > 1 or band else Markup("")
    return Markup(
        '<figure class="chart"><svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>{}</figure>'
    ).format(width, HEIGHT, title, Markup("").join(parts), legend)


def bar(value: Number | None, largest: Number | None) -> Markup:
    """A bar in a cell of a table, as long as a value is large beside the largest."""
    share = float(value) / float(largest) if value and largest and value > 0 else 0.0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="8"/></svg>'
    ).format(f"{share * 100:.1f}")


def sparkline(values: Sequence[Number | None], label: str) -> Markup:
    """A small line without axes."""
    given = [float(value) for value in values if value is not None]
    if len(given) < 2:
        return Markup("")
    low, high = min(0.0, *given), max(given)
    span = (high - low) or 1.0
    step = 96 / (len(given) - 1)
    points = " ".join(f"{2 + n * step:.1f},{22 - (value - low) / span * 20:.1f}" for n, value in enumerate(given))
    return Markup(
        '<svg class="spark" viewBox="0 0 100 24" role="img" aria-label="{}"><polyline points="{}"/></svg>'
    ).format(label, points)


def _drawn(line: Line, number: int, across: dict[Any, float], ticks: Sequence[float], unit: Unit) -> Markup:
    kind = "faint" if line.is_faint else f"line{number}"
    runs: list[list[str]] = [[]]
    dots = []
    for place, value in sorted(line.points, key=lambda point: across[point[0]]):
        if value is None:
            runs.append([])
            continue
        x, y = across[place], _up(float(value), ticks)
        runs[-1].append(f"{x:.1f},{y:.1f}")
        dots.append(
            Markup('<circle cx="{}" cy="{}" r="2.5"><title>{}</title></circle>').format(
                f"{x:.1f}", f"{y:.1f}", f"{line.name}, {in_words(place)}: {shown(_exact(value), unit)}"
            )
        )
    paths = [Markup('<polyline points="{}"/>').format(" ".join(run)) for run in runs if run]
    return Markup('<g class="{}">{}{}</g>').format(kind, Markup("").join(paths), Markup("").join(dots))


def _axes(ticks: Sequence[float], unit: Unit, width: int) -> Markup:
    lines = [
        Markup('<line x1="{}" x2="{}" y1="{}" y2="{}"/><text x="{}" y="{}" text-anchor="end">{}</text>').format(
            LEFT, width - RIGHT, f"{y:.1f}", f"{y:.1f}", LEFT - 6, f"{y + 4:.1f}", short(tick, unit)
        )
        for tick in ticks
        for y in [_up(tick, ticks)]
    ]
    return Markup('<g class="axis">{}</g>').format(Markup("").join(lines))


def _labels(places: Sequence[Any], across: dict[Any, float], width: int) -> Markup:
    step = max(1, -(-len(places) // LABELS))
    texts = [
        Markup('<text x="{}" y="{}" text-anchor="middle">{}</text>').format(
            f"{min(across[place], width - 36):.1f}", HEIGHT - 6, in_words(place)
        )
        for place in places[::step]
    ]
    return Markup('<g class="axis">{}</g>').format(Markup("").join(texts))


def _legend(lines: Sequence[Line], band: Band | None) -> Markup:
    names = [
        Markup('<span class="{}">{}</span>').format("faint" if line.is_faint else f"line{number}", line.name)
        for number, line in enumerate(lines)
    ]
    names += [Markup('<span class="band">{}</span>').format(band.name)] if band else []
    return Markup("<figcaption>{}</figcaption>").format(Markup(" ").join(names))


def _across(number: int, count: int, width: int) -> float:
    return LEFT + (width - LEFT - RIGHT) * ((number + 0.5) / count if count < 3 else number / (count - 1))


def _up(value: float, ticks: Sequence[float]) -> float:
    low, high = ticks[0], ticks[-1]
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (high - low))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers that enclose the values."""
    if high <= low:
        high = low + 1
    rough = (high - low) / TICKS
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = floor(low / step), -floor(-high / step)
    return [number * step for number in range(first, last + 1)]


def short(value: float, unit: Unit) -> str:
    """A number on an axis: 1.2 M rather than 1,234,567."""
    if unit in ("rate", "probability"):
        return f"{value * 100:g} %"
    for size, letter in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _exact(value: Number) -> Decimal | int:
    return Decimal(repr(value)) if isinstance(value, float) else value
