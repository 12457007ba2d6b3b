"""Plotly figures as PNG files, drawn by a browser without a window."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import plotly

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT, SCALE = 900, 420, 1.2
PAGE = """<!DOCTYPE html><meta charset="utf-8"><body><script src="%(plotly)s"></script><script>
(async () => {
  for (const figure of %(figures)s) {
    const size = {format: "png", width: %(width)d, height: figure.layout.height || %(height)d, scale: %(scale)s};
    const picture = document.createElement("pre");
    picture.textContent = await Plotly.toImage({data: figure.data, layout: figure.layout}, size);
    document.body.append(picture);
  }
})();
</script></body>"""


def draw(figures: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Draw figures, all in one start of the browser.

    Args:
        figures: As Plotly writes them in JSON.

    Returns:
        A PNG file for each.

    Raises:
        SystemExit: There is no browser, or it did not draw them all.
    """
    if not figures:
        return []
    browser = find_browser()
    with TemporaryDirectory(prefix="datamart-pictures-") as folder:
        page = Path(folder) / "page.html"
        page.write_text(_page(figures), encoding="utf-8")
        done = subprocess.run(
            [
                browser,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                f"--user-data-dir={folder}/profile",
                "--virtual-time-budget=100000",
                "--dump-dom",
                page.as_uri(),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    drawn = re.findall("<pre>data:image/png;base64,([^<]+)</pre>", done.stdout)
    if len(drawn) != len(figures):
        raise SystemExit(
            f"{browser} drew {len(drawn)} of {len(figures)} figures. Nothing was written."
            f" What it said:\n{done.stderr[-2000:]}"
        )
    return [base64.b64decode(picture) for picture in drawn]


def _page(figures: Sequence[Mapping[str, Any]]) -> str:
    return PAGE % {
        "plotly": (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").as_uri(),
        "figures": json.dumps(figures).replace("</", "<\\/"),
        "width": WIDTH,
        "height": HEIGHT,
        "scale": SCALE,
    }


def find_browser() -> str:
    """The browser: what the variable CHROME names, or the first that is there.

    Raises:
        SystemExit: There is none.
    """
    named = os.environ.get("CHROME")
    found = next(filter(None, map(shutil.which, [named] if named else BROWSERS)), None)
    if found is None:
        raise SystemExit(
            "Figures are drawn by Chromium or Chrome, and neither is found. Nothing was written."
            " Install one, or name it: CHROME=/path/to/chrome make notebooks."
        )
    return found
