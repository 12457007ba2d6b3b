"""The picture of which table is made of which."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from markupsafe import Markup

from datamart_kedro.facts.lineage import SOURCE, depths

BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y = 158, 26, 34, 12


def lineage_picture(made_of: Mapping[str, tuple[str, ...]], published: Collection[str]) -> Markup:
    """Boxes from the sources on the left to the tables that are made last.

    Args:
        made_of: What each table is made of.
        published: Tables that are there; others are left out.
    """
    shown = {name: parts for name, parts in made_of.items() if name in published}
    places = _places(depths(shown))
    lines = [_line(places[part], places[name]) for name, parts in shown.items() for part in parts if part in places]
    boxes = [_box(name, *place) for name, place in places.items()]
    width = max((x for x, _ in places.values()), default=0) + BOX_WIDTH + 2
    height = max((y for _, y in places.values()), default=0) + BOX_HEIGHT + 2
    return Markup(
        '<div class="lineage scroll"><svg viewBox="0 0 {} {}" role="img" aria-label="Which table is made of which">'
        "{}{}</svg></div>"
    ).format(width, height, Markup("").join(lines), Markup("").join(boxes))


def _places(depth: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    columns: dict[int, list[str]] = {}
    for name in sorted(depth):
        columns.setdefault(depth[name], []).append(name)
    tallest = max(map(len, columns.values()), default=0)
    return {
        name: (
            1 + column * (BOX_WIDTH + GAP_X),
            1 + round((number + (tallest - len(names)) / 2) * (BOX_HEIGHT + GAP_Y)),
        )
        for column, names in columns.items()
        for number, name in enumerate(names)
    }


def _line(start: tuple[int, int], end: tuple[int, int]) -> Markup:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT // 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT // 2
    middle = x2 - GAP_X // 2
    return Markup('<path d="M{} {} C{} {} {} {} {} {}"/>').format(x1, y1, middle, y1, middle, y2, x2, y2)


def _box(name: str, x: int, y: int) -> Markup:
    kind = "source" if name.startswith(SOURCE) else "published"
    return Markup(
        '<g class="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="5"/><text x="{}" y="{}">{}</text></g>'
    ).format(kind, x, y, BOX_WIDTH, BOX_HEIGHT, x + 9, y + 17, name)
