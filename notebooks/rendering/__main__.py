"""Run the notebooks on the sample shop, and write what they show to docs/notebooks."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from notebooks.rendering.markdown import page_of
from notebooks.rendering.pictures import draw
from notebooks.rendering.sample import COMMANDS, NOTEBOOKS, ROOT, executed, make_project, run

PAGES = ROOT / "docs" / "notebooks"


def main() -> None:
    """Render every notebook; pages of notebooks that are gone go."""
    with TemporaryDirectory(prefix="datamart-notebooks-") as folder:
        project = Path(folder) / "project"
        make_project(project)
        run(COMMANDS, project)
        pages = {
            notebook.stem: page_of(executed(notebook, project), notebook.stem, draw)
            for notebook in sorted(NOTEBOOKS.glob("*.ipynb"))
        }
    shutil.rmtree(PAGES, ignore_errors=True)
    for name, page in pages.items():
        for file, picture in page.pictures.items():
            (PAGES / file).parent.mkdir(parents=True, exist_ok=True)
            (PAGES / file).write_bytes(picture)
        (PAGES / f"{name}.md").write_text(page.text, encoding="utf-8")
        print(f"docs/notebooks/{name}.md: {len(page.pictures)} pictures")


if __name__ == "__main__":
    main()
