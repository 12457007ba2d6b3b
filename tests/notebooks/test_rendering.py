"""Rendered copies in docs/notebooks: they are those of the notebooks, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from notebooks.rendering import pictures
from notebooks.rendering.markdown import page_of
from tests.conftest import ROOT
from tests.notebooks.conftest import FILES

PAGES = ROOT / "docs" / "notebooks"
PNG = b"\x89PNG\r\n\x1a\n"
MAX_PICTURE_BYTES = 200_000
PLOTLY = "application/vnd.plotly.v1+json"


@pytest.mark.parametrize("name", FILES)
def test_a_rendered_copy_has_the_text_and_the_code_of_its_notebook(name: str):
    page = (PAGES / f"{name}.md").read_text()
    cells = nbformat.read(FILES[name], as_version=4).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert re.findall(r"^```python\n(.*?)\n```$", page, flags=re.DOTALL | re.MULTILINE) == code
    assert [cell.source for cell in cells if cell.source not in page] == []


@pytest.mark.parametrize("name", FILES)
def test_a_rendered_copy_has_light_pictures_and_no_other(name: str):
    named = re.findall(r"^!\[[^\]]+\]\(([^)]+)\)$", (PAGES / f"{name}.md").read_text(), flags=re.MULTILINE)
    found = sorted((PAGES / name).iterdir())
    assert sorted(PAGES / link for link in named) == found
    assert [file for file in found if file.read_bytes()[:8] != PNG or file.stat().st_size > MAX_PICTURE_BYTES] == []


def test_there_is_a_rendered_copy_of_each_notebook_and_the_page_of_notebooks_names_both():
    assert {page.stem for page in PAGES.glob("*.md")} == set(FILES)
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "docs" / "notebooks.md").read_text())
    assert [name for name in FILES if f"notebooks/{name}.md" not in links] == []
    assert [name for name in FILES if f"../notebooks/{name}.ipynb" not in links] == []


def drawn(figures: Sequence[Mapping[str, Any]]) -> list[bytes]:
    return [PNG + figure["layout"]["title"]["text"].encode() for figure in figures]


def figure(title: str) -> Any:
    return new_output("display_data", data={PLOTLY: {"data": [], "layout": {"title": {"text": title}}}})


def test_a_page_shows_text_code_and_the_richest_form_of_each_output():
    table = '<div>\n<style>\n.x { }\n</style>\n<table border="1">\n  <tr style="x"><th>n</th></tr>\n\n</table></div>'
    notebook = new_notebook(
        cells=[
            new_markdown_cell("# Shop"),
            new_code_cell("print(1)", outputs=[new_output("stream", name="stdout", text="1\n")]),
            new_code_cell("x = 1"),
            new_code_cell("n", outputs=[new_output("execute_result", data={"text/html": table, "text/plain": "n"})]),
            new_code_cell("a", outputs=[figure("Sales<br>by day")]),
            new_code_cell("b", outputs=[figure("Orders")]),
            new_code_cell(
                "s", outputs=[new_output("execute_result", data={"text/markdown": "*so*", "text/plain": ""})]
            ),
        ]
    )
    page = page_of(notebook, "shop", drawn)
    assert page.text.partition("\n\n")[2] == (
        "# Shop\n\n```python\nprint(1)\n```\n\n```text\n1\n```\n\n```python\nx = 1\n```\n\n"
        "```python\nn\n```\n\n<table>\n<tr><th>n</th></tr>\n</table>\n\n"
        "```python\na\n```\n\n![Sales by day](shop/1.png)\n\n```python\nb\n```\n\n![Orders](shop/2.png)\n\n"
        "```python\ns\n```\n\n*so*\n"
    )
    assert page.pictures == {"shop/1.png": PNG + b"Sales<br>by day", "shop/2.png": PNG + b"Orders"}


def test_a_missing_browser_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROME", "/nowhere/chrome")
    with pytest.raises(SystemExit) as refused:
        pictures.draw([{"data": [], "layout": {}}])
    assert str(refused.value) == (
        "Figures are drawn by Chromium or Chrome, and neither is found. Nothing was written."
        " Install one, or name it: CHROME=/path/to/chrome make notebooks."
    )


def test_a_browser_that_draws_nothing_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROME", "true")
    with pytest.raises(SystemExit, match=r"drew 0 of 1 figures\. Nothing was written"):
        pictures.draw([{"data": [], "layout": {}}])


def test_a_notebook_without_figures_needs_no_browser(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CHROME", "/nowhere/chrome")
    assert pictures.draw([]) == []


def test_a_browser_draws_each_figure():
    try:
        pictures.find_browser()
    except SystemExit:
        pytest.skip("Neither Chromium nor Chrome is installed: pictures are not drawn")
    bars = {"data": [{"type": "bar", "x": [1], "y": [1]}], "layout": {"title": {"text": "</script>"}}}
    first, second = pictures.draw([bars, {**bars, "layout": {"height": 300}}])
    assert (size(first), size(second)) == ((1080, 504), (1080, 360))


def size(png: bytes) -> tuple[int, int]:
    """Width and height, which a PNG file has at its head."""
    assert png[:8] == PNG
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
