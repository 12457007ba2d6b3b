"""``kedro mart report``, and the report that runs make."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from datamart_kedro.commands.report import command
from datamart_kedro.datasets.html_report import HtmlReport
from tests.project import Project
from tests.shop import SHOP, customer, item


def report(*arguments: str) -> Result:
    return CliRunner().invoke(command, list(arguments))


def page_of(project: Project) -> str:
    return (project.folder / "data" / "08_reporting" / "report.html").read_text(encoding="utf-8")


class Links(HTMLParser):
    """What a page would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        named = dict(attributes)
        if tag in ("script", "link", "img", "iframe", "object"):
            self.fetched.append(tag)
        self.fetched += [value for name in ("src", "href") if (value := named.get(name)) and not value.startswith("#")]
        self.fetched += [name for name in named if name.startswith("on")]


def test_the_report_says_how_the_last_days_went(published: Project):
    done = report("--days", "1")
    assert re.fullmatch(r".*/report\.html: \d+ kB\n", done.stdout)
    page = page_of(published)
    assert "2025-02-03 to 2025-02-03" in page
    assert re.search(r'Revenue</a></div>\s*<div class="value">45.00 <small>EUR</small>', page)
    assert re.search(r'>Orders</a></div>\s*<div class="value">2</div>', page)
    assert "tb_order_items" in page
    assert "Version 1 of the mart" in page


def test_the_report_fetches_nothing_and_runs_nothing(published: Project):
    report()
    links = Links()
    links.feed(page_of(published))
    assert links.fetched == []
    assert "url(" not in page_of(published)
    assert "://" not in re.sub(r"http://www\.w3\.org/2000/svg", "", page_of(published))


def test_the_report_holds_no_personal_data(project: Project):
    people = [customer(full_name="Zarathustra Quill", email="zq@example.com", city="Xanadu", phone="555-0199")]
    orders = [{**row, "ship_city": "Xanadu", "customer_id": "1"} for row in SHOP["orders"]]
    project.write_source("customers", [*people, customer(customer_id="", full_name="Zarathustra Quill")])
    project.write_source("orders", orders)
    project.run()
    report()
    page = page_of(project)
    assert "customer_id is missing" in page
    for word in ("Zarathustra", "zq@example.com", "Xanadu", "555-0199"):
        assert word not in page


def test_rows_that_were_set_aside_are_counted_by_reason(project: Project):
    project.write_source("order_items", [*SHOP["order_items"], item(line_number="9", unit_price="-1")])
    project.run()
    report()
    assert re.search(r'unit_price is negative</th><td class="number">1</td>', page_of(project))
    assert re.search(r'order_items</th>.*?<td class="number">5</td><td class="number">4</td>', page_of(project))


def test_names_from_the_shop_are_escaped(project: Project):
    products = [{**row, "category": "<script>alert(1)</script>"} for row in SHOP["products"]]
    project.write_source("products", products)
    project.run()
    report()
    assert "<script" not in page_of(project)


def test_the_report_is_made_while_a_run_has_the_mart(project: Project):
    project.run()
    with project.held_mart():
        done = report()
    assert done.exit_code == 0
    assert "45.00" in page_of(project)


def test_a_mart_without_orders_is_reported_too(project: Project):
    project.run("customers", to_nodes=["check_customers"])
    assert report().exit_code == 0
    assert "No orders are published yet." in page_of(project)


def test_a_place_that_cannot_be_written_is_refused(published: Project, tmp_path: Path):
    (tmp_path / "taken").mkdir()
    refused = report("--to", str(tmp_path / "taken"))
    assert refused.exit_code == 1
    assert "cannot be written: Is a directory." in refused.stderr
    assert list(tmp_path.glob("taken.new")) == []


def wanted(project: Project) -> None:
    """Have reports made after runs."""
    globals_file = project.folder / "conf" / "base" / "globals.yml"
    text = globals_file.read_text()
    assert "after_each_run: false" in text
    globals_file.write_text(text.replace("after_each_run: false", "after_each_run: true"))


def test_a_run_makes_the_report_if_the_environment_wants_one(project: Project):
    wanted(project)
    project.run()
    assert "Version 1 of the mart" in page_of(project)
    made = (project.folder / "data" / "08_reporting" / "report.html").stat().st_mtime_ns
    project.run()  # nothing is new
    assert (project.folder / "data" / "08_reporting" / "report.html").stat().st_mtime_ns == made


def test_a_run_makes_no_report_otherwise(project: Project):
    project.run()
    assert not (project.folder / "data" / "08_reporting" / "report.html").exists()


def test_a_report_that_cannot_be_made_fails_no_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken(self: HtmlReport, formats: object) -> None:
        raise OSError("no room")

    wanted(project)
    monkeypatch.setattr(HtmlReport, "write", broken)
    project.run()
    assert project.query("SELECT count(*) FROM tb_orders") == [(3,)]
    assert "could not be made, and is as it was: no room" in caplog.text
