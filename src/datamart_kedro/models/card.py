"""The model card: what a model is for, what it was made of, how it fared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Cell = str | int | float | bool | None
Table = Sequence[Mapping[str, Cell]]
Section = str | Mapping[str, Cell] | Table


def write_card(title: str, sections: Mapping[str, Section]) -> str:
    """A model card in Markdown.

    Args:
        title: Its first heading.
        sections: What stands under each further heading: a paragraph, names with values, or rows of a table with the
            same names. Empty ones say that there is nothing.
    """
    parts = [f"# {title}"]
    for heading, section in sections.items():
        parts += [f"## {heading}", _text(section)]
    return "\n\n".join(parts) + "\n"


def in_words(value: Cell) -> str:
    """A value as people read it: yes or no, thousands apart, four digits after the point, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4f}" if isinstance(value, float) else value


def _text(section: Section) -> str:
    if isinstance(section, str):
        return section
    if isinstance(section, Mapping):
        return "\n".join(f"- {name}: {in_words(value)}" for name, value in section.items()) or "None."
    if not section:
        return "None."
    names = list(section[0])
    lines = [names, ["---"] * len(names), *([in_words(row[name]) for name in names] for row in section)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
