"""The mart from a notebook."""

from __future__ import annotations

from tests.project import Project
from tests.shop import SHOP

CELLS = """
%load_ext kedro.ipython
print("orders:", len(catalog.load("tb_orders").to_pandas()))
session.run(pipeline_names=["customers"])
print("customers:", len(catalog.load("tb_customers").to_pandas()))
%reload_kedro --params force=true
session.run(pipeline_names=["products"])
print("products:", len(catalog.load("tb_products").to_pandas()))
"""


def test_a_notebook_reads_runs_and_reloads(published: Project):
    """A run from a notebook is gated, and tables that were loaded before do not stand in its way."""
    published.write_source("customers", SHOP["customers"][:1])
    notebook = published.folder / "notebooks" / "look.ipy"
    notebook.parent.mkdir()
    notebook.write_text(CELLS)
    done = published.cli("ipython", "--InteractiveShell.xmode=Minimal", "notebooks/look.ipy", IPYTHONDIR=".ipython")
    said = [line for line in done.stdout.splitlines() if line.startswith(("orders:", "customers:", "products:"))]
    assert said == ["orders: 3", "customers: 1", "products: 2"], done.stdout + done.stderr
    assert "customers: open, new data: the content of the source changed" in done.stdout
    assert "products: open, forced by `--params force=true`" in done.stdout
