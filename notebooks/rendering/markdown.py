"""A notebook with its outputs as a Markdown page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

PLOTLY = "application/vnd.plotly.v1+json"
Draw = Callable[[Sequence[Mapping[str, Any]]], list[bytes]]


@dataclass(frozen=True)
class Page:
    """A page and its pictures.

    Attributes:
        text: In Markdown.
        pictures: PNG files by the names that the text gives them.
    """

    text: str
    pictures: dict[str, bytes]


def page_of(notebook: NotebookNode, name: str, draw: Draw) -> Page:
    """Write a notebook as Markdown: its text, its code, and what the code showed.

    Args:
        notebook: With its outputs.
        name: Of the page, and of the folder beside it that its pictures are in.
        draw: Draws Plotly figures.
    """
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    figures = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", {})]
    names = [f"{name}/{number}.png" for number in range(1, len(figures) + 1)]
    unused = iter(names)
    blocks = [block for cell in notebook.cells for block in _blocks(cell, unused)]
    note = f"<!-- Written by `make notebooks` from notebooks/{name}.ipynb: edit the notebook. -->"
    text = "\n\n".join([note, *blocks]) + "\n"
    return Page(text, dict(zip(names, draw(figures), strict=True)))


def _blocks(cell: NotebookNode, names: Iterator[str]) -> list[str]:
    if cell.cell_type == "markdown":
        return [cell.source]
    shown = (_shown(output, names) for output in cell.outputs)
    return [f"```python\n{cell.source}\n```", *filter(None, shown)]


def _shown(output: NotebookNode, names: Iterator[str]) -> str:
    """What an output looks like: the richest of its forms that a page can have."""
    if output.output_type == "stream":
        return _fenced(output.text)
    data = output.data
    if PLOTLY in data:
        title = data[PLOTLY]["layout"].get("title", {}).get("text", "")
        return f"![{re.sub('<[^>]+>', ' ', title)}]({next(names)})"
    if "text/markdown" in data:
        return str(data["text/markdown"]).strip()
    if "text/html" in data:
        return _plain_table(data["text/html"])
    return _fenced(data["text/plain"])


def _fenced(text: str) -> str:
    return f"```text\n{text.strip()}\n```" if text.strip() else ""


def _plain_table(html: str) -> str:
    """The table of a piece of HTML, without styles, which pages do not show, and blank lines, which end it."""
    (table,) = re.findall(r"<table.*?</table>", html, flags=re.DOTALL)
    bare = re.sub(r"<(table|tr|th|td)\b[^>]*>", r"<\1>", table)
    return "\n".join(line.strip() for line in bare.splitlines() if line.strip())
