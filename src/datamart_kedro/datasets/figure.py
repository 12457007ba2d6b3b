"""A figure that a run draws."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from datamart_kedro.datasets.run_file import RunFile

if TYPE_CHECKING:
    from kedro_datasets._typing import PlotlyPreview


class PlotlyFigure(RunFile[Any]):
    """A Plotly figure in a JSON file, which Kedro-Viz draws.

    `plotly.JSONDataset` of kedro-datasets writes the file at once, also when its run fails afterwards.
    """

    def load(self) -> Any:
        """The figure."""
        import plotly.io  # type: ignore[import-untyped]

        return plotly.io.from_json(self.readable.read_text(encoding="utf-8"))

    def save(self, data: Any) -> None:
        """Write the figure."""
        self.begin().write_text(data.to_json() + "\n", encoding="utf-8")

    def preview(self) -> PlotlyPreview:
        """The figure, for Kedro-Viz; empty if it has not been drawn yet."""
        from kedro_datasets._typing import PlotlyPreview

        return PlotlyPreview(json.loads(self.readable.read_text(encoding="utf-8")) if self._exists() else {})
