"""The project as a whole: what is declared exists, and what exists is declared."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from datamart_kedro.control.cascade import Wiring
from datamart_kedro.mart.domains import meanings, published_table, source_columns
from datamart_kedro.pipeline_registry import DOMAINS, register_pipelines
from tests.conftest import ROOT
from tests.project import Project

PACKAGE = ROOT / "src" / "datamart_kedro"


def test_every_dataset_of_every_pipeline_is_in_the_catalog(project: Project):
    with project.session() as session:
        catalog = session.load_context().catalog
        needed = {name for pipeline in register_pipelines().values() for name in pipeline.datasets()}
        assert [name for name in sorted(needed) if name not in catalog] == []


def test_every_gate_guards_the_nodes_of_its_domain():
    everything = register_pipelines()["__default__"]
    assert sorted(Wiring(everything).domains) == sorted(DOMAINS)
    for domain in DOMAINS:
        reached = everything.from_nodes(f"check_{domain}")
        assert {f"stage_{domain}", f"build_{domain}", f"verify_{domain}"} <= {node.name for node in reached.nodes}


def test_tables_depend_on_one_another_in_no_circle():
    order = [node.name for node in register_pipelines()["__default__"].nodes if node.name.startswith("build_")]
    assert order == ["build_products", "build_order_items", "build_orders", "build_customers"]


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_domain_is_a_folder_with_the_same_files(domain: str):
    files = {path.name for path in (PACKAGE / "pipelines" / domain).glob("*.py")}
    assert files == {"__init__.py", "columns.py", "contract.py", "nodes.py", "pipeline.py", "rules.py"}
    assert (ROOT / "conf" / "base" / "sources" / f"{domain}.sql").exists()
    assert (ROOT / "conf" / "base" / f"parameters_{domain}.yml").exists()


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_pipeline_holds_the_nodes_of_its_domain_alone(domain: str):
    assert {node.name for node in register_pipelines()[domain].nodes} == {
        f"check_{domain}",
        f"stage_{domain}",
        f"build_{domain}",
        f"verify_{domain}",
    }


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_domain_declares_its_grain_and_meanings(domain: str):
    table = published_table(domain)
    assert table.name == f"tb_{domain}"
    assert set(table.key) <= set(table.columns)
    assert table.comment.startswith("One row per ")
    assert set(table.key) <= set(source_columns(domain))
    assert all(text.strip().endswith((".", "?")) for text in table.columns.values())
    assert meanings(domain) is not None


def test_no_module_is_a_drawer_for_everything():
    names = {path.stem for path in PACKAGE.rglob("*.py")}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "common", "misc"})


def test_an_environment_differs_in_configuration_only():
    for folder in environments():
        present = {path.suffix for path in folder.rglob("*") if path.is_file()}
        assert present <= {".yml", ".sql"}, folder


def environments() -> list[Path]:
    return [path for path in (ROOT / "conf").iterdir() if path.is_dir() and path.name != "local"]


def test_no_environment_holds_a_secret():
    for folder in environments():
        for file in folder.rglob("*.yml"):
            text = file.read_text()
            assert "://" not in text or "password" not in text.lower(), file
            if file.name == "credentials.yml":
                values = [value for entry in yaml.safe_load(text).values() for value in entry.values()]
                assert all(value.startswith("${oc.env:") for value in values)


def test_consent_to_telemetry_is_refused():
    assert yaml.safe_load((ROOT / ".telemetry").read_text()) == {"consent": False}


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_has_hashes_and_no_address_of_an_index(lock: str):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert text.count("==") <= text.count("--hash=sha256:")
