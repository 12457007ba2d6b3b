"""What a run reports of its models: figures as JSON, cards as Markdown."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from datamart_kedro.datasets.run_file import RunFile

if TYPE_CHECKING:
    from kedro_datasets._typing import HTMLPreview, JSONPreview


class JsonReport(RunFile[dict[str, Any]]):
    """Names and values in a JSON file, in their order: the same values give the same bytes.

    Not a number, and infinite numbers, are refused: JSON has none.
    """

    def load(self) -> dict[str, Any]:
        """The values."""
        found: dict[str, Any] = json.loads(self.readable.read_text(encoding="utf-8"))
        return found

    def save(self, data: dict[str, Any]) -> None:
        """Write the values."""
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        self.begin().write_text(text + "\n", encoding="utf-8")

    def preview(self) -> JSONPreview:
        """The values, for Kedro-Viz."""
        from kedro_datasets._typing import JSONPreview

        return JSONPreview(self.readable.read_text(encoding="utf-8") if self._exists() else "{}")


class MarkdownReport(RunFile[str]):
    """A text in Markdown."""

    def load(self) -> str:
        """The text."""
        return self.readable.read_text(encoding="utf-8")

    def save(self, data: str) -> None:
        """Write the text."""
        self.begin().write_text(data, encoding="utf-8")

    def preview(self) -> HTMLPreview:
        """The text as it is written, for Kedro-Viz."""
        from kedro_datasets._typing import HTMLPreview

        return HTMLPreview(f"<pre>{escape(self.load() if self._exists() else '')}</pre>")
