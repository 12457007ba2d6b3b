"""The example of rules for Prometheus."""

from __future__ import annotations

import re

import yaml
from prometheus_client import generate_latest

from datamart_kedro.watch.metrics import Metrics
from tests.conftest import ROOT
from tests.schedules.conftest import EXAMPLES

GIVEN = set(re.findall(r"^# TYPE (\w+)", generate_latest(Metrics().registry).decode(), flags=re.MULTILINE))


def test_every_rule_reads_figures_that_there_are():
    rules = yaml.safe_load((EXAMPLES / "prometheus" / "datamart.yml").read_text())["groups"][0]["rules"]
    named = {name for rule in rules for name in re.findall(r"datamart_\w+", rule["expr"])}
    assert named
    assert named <= GIVEN


def test_every_figure_is_described_on_the_page():
    page = (ROOT / "docs" / "schedules.md").read_text()
    described = set(re.findall(r"^\| `(datamart_\w+)`", page, flags=re.MULTILINE))
    assert {name for name in GIVEN if name.startswith("datamart_")} == described
