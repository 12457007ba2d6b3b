"""What README and docs name exists, and what exists is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from datamart_kedro.cli import COMMANDS
from datamart_kedro.mart.domains import published_table, published_tables
from datamart_kedro.mart.ledger import FORGOTTEN, LEDGER, NODE_TIMES, PRUNED, REJECTED, RESULTS
from datamart_kedro.pipeline_registry import DOMAINS, register_pipelines
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text() for page in PAGES}
TABLES = {table.name for table in published_tables().values()} | {
    table.name for table in (LEDGER, REJECTED, PRUNED, RESULTS, NODE_TIMES, FORGOTTEN)
}


@pytest.mark.parametrize("page", TEXTS)
def test_every_command_that_a_page_names_exists(page: str):
    named = set(re.findall(r"kedro mart ([a-z][a-z-]+)", TEXTS[page]))
    assert named <= set(COMMANDS)


def test_every_command_is_in_the_readme():
    assert set(COMMANDS) == set(re.findall(r"\| `kedro mart ([a-z-]+)", README))


@pytest.mark.parametrize("page", TEXTS)
def test_every_make_target_that_a_page_names_exists(page: str):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"^make ([a-z-]+)", TEXTS[page], flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", TEXTS)
def test_every_table_that_a_page_names_exists(page: str):
    found = re.findall(r"\btb_[a-z_]+[a-z]\b", TEXTS[page])
    named = {name.removesuffix("_history").removesuffix("_as_of") for name in found}
    assert named - {"tb_suppliers", "tb_x"} <= TABLES | {"tb_tb_control_data_update"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_published_table_is_in_the_readme(domain: str):
    assert f"| `tb_{domain}` | {', '.join(published_table(domain).key)} |" in README


@pytest.mark.parametrize("page", TEXTS)
def test_every_pipeline_that_a_page_runs_exists(page: str):
    named = {name for names in re.findall(r"--pipelines?=([a-z_,]+)", TEXTS[page]) for name in names.split(",")}
    assert named - {"suppliers"} <= set(register_pipelines())


@pytest.mark.parametrize("page", TEXTS)
def test_every_environment_that_a_page_runs_exists(page: str):
    named = set(re.findall(r"kedro run --env[= ]([a-z_]+)", TEXTS[page])) - {"acme"}  # the example of a new one
    assert [name for name in named if not (ROOT / "conf" / name).is_dir()] == []


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_somewhere(page: str):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", TEXTS[page])
    assert [link for link in links if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_page_is_linked_from_the_readme():
    pages = {page.relative_to(ROOT).as_posix() for page in Path(ROOT / "docs").glob("*.md")}
    assert pages == set(re.findall(r"\]\((docs/[^)]+\.md)\)", README))


def test_every_folder_that_the_readme_names_exists():
    rows = re.findall(r"^\| `(src/[^`<]+|conf/[^`*]+|benchmarks/)`", README, flags=re.MULTILINE)
    assert [place for place in rows if not (ROOT / place).exists()] == []
    assert rows
