"""What Kedro-Viz shows."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.project import Project


@pytest.fixture
def site(published: Project) -> dict[str, Any]:
    """The graph that `kedro viz build` writes, with the metadata of every node under ``nodes/<name>``.

    The graph of the pipeline ``features`` is under its name.
    """
    done = published.cli("kedro", "viz", "build", "--include-previews")
    assert done.returncode == 0, done.stderr
    api = published.folder / "build" / "api"
    graph: dict[str, Any] = json.loads((api / "main").read_text())
    graph["features"] = json.loads((api / "pipelines" / "features").read_text())
    for node in graph["nodes"]:
        graph[f"nodes/{node['name']}"] = json.loads((api / "nodes" / node["id"]).read_text())
    return graph


def test_layers_gates_and_previews_are_there(site: dict[str, Any]):
    own = [layer for layer in site["layers"] if layer not in ("features", "model input", "models", "reporting")]
    assert own == ["source", "control", "staging", "published"]
    below = ("published", "features", "model input")
    assert [layer for layer in site["features"]["layers"] if layer in below] == list(below)
    ids = {node["name"]: node["id"] for node in site["nodes"]}
    edges = {(edge["source"], edge["target"]) for edge in site["edges"]}
    for path in (
        ("probe_orders", "check_orders", "gate_orders", "stage_orders", "tmp_orders", "build_orders", "tb_orders"),
        ("tb_orders", "build_customers", "tb_customers"),
        ("source_orders", "stage_orders"),
    ):
        assert [step for step in pairwise(path) if (ids[step[0]], ids[step[1]]) not in edges] == []
    preview = site["nodes/tb_products"]["preview"]
    assert [row[preview["columns"].index("name")] for row in preview["data"]] == ["Lamp", "Novel"]
    assert "def build_orders" in site["nodes/build_orders"]["code"]
