"""Rules that people changed: where they hold, who changed them, and what they would change."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from datamart_kedro.cli import cli
from datamart_kedro.errors import ParameterError
from datamart_kedro.expressions.formats import Formats, Rules
from datamart_kedro.overrides.editable import ABSENT, changed_models, editable_rules, given_value, value_at
from datamart_kedro.overrides.kept import HEADER, Override, keep, newest, read_overrides, with_overrides
from datamart_kedro.pipelines.order_items.rules import OrderItemRules
from datamart_kedro.pipelines.orders.rules import OrderRules
from datamart_kedro.pipelines.products.rules import ProductRules
from tests.project import Project
from tests.shop import SHOP, product

AT = datetime(2026, 11, 29, 21, 30, tzinfo=UTC)


def override(*rule: str, value: Any = None, removed: bool = False, why: str = "It says so.") -> Override:
    return Override(rule=rule, value=value, removed=removed, by="Ana Ruiz", at=AT, why=why)


def kept_in(project: Project, *overrides: Override, env: str = "base") -> Path:
    file = project.folder / "conf" / env / "overrides.yml"
    for one in overrides:
        keep(file, one)
    return file


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["mart", "preview", *arguments])


def test_what_is_kept_is_read_again_and_what_was_there_stays(tmp_path: Path):
    file = tmp_path / "overrides.yml"
    first = override("orders", "status_map", "U.S. ßent", value="shipped", why="So: 'it' is \"sent\" # no comment")
    second = override("orders", "failed_statuses", value=["failed", "returned"])
    third = override("orders", "status_map", "new", removed=True)
    keep(file, first)
    file.write_text(file.read_text() + "# a line of a person\n")
    keep(file, second)
    keep(file, third)
    assert read_overrides(file) == [first, second, third]
    assert file.read_text().startswith(HEADER)
    assert "# a line of a person\n" in file.read_text()
    assert list(tmp_path.iterdir()) == [file]


def test_an_entry_is_written_as_people_write_it(tmp_path: Path):
    file = tmp_path / "overrides.yml"
    keep(file, override("orders", "status_map", "sent", value="shipped"))
    assert file.read_text().removeprefix(HEADER) == (
        "- rule: [orders, status_map, sent]\n  value: shipped\n  by: Ana Ruiz\n"
        "  at: '2026-11-29T21:30:00Z'\n  why: It says so.\n"
    )


def test_what_people_write_by_hand_is_read_as_it_is_written(tmp_path: Path):
    file = tmp_path / "overrides.yml"
    file.write_text(
        "- {rule: [products, corrections, 00017, name], value: NO, by: Ana, at: 2026-11-29, why: 1.10}\n"
        "- {rule: [orders, status_map, off], value: '12:30', by: 007, at: 2026-11-29T10:00:00+02:00, why: x}\n"
        "- {rule: [orders, status_map, x], value: null, by: Ana, at: 2026-11-29, why: x}\n"
        "- {rule: [orders, status_map, sent], removed: true, by: Ana, at: 2026-11-29, why: x}\n"
    )
    found = read_overrides(file)
    said = [(one.rule[-2:], one.value) for one in found[:2]]
    assert said == [(("00017", "name"), "NO"), (("status_map", "off"), "12:30")]
    assert (found[0].why, found[1].by, found[1].at) == ("1.10", "007", datetime(2026, 11, 29, 8, tzinfo=UTC))
    assert (found[2].value, found[3].removed) == (None, True)


UNFIT = ["[]\n", "null\n", "{}\n", "[{rule: [a, b], value: 1, by: A, at: 2026-01-01, why: x}]\n", "- [\n", "...\n"]


@pytest.mark.parametrize("text", UNFIT)
def test_nothing_is_added_to_a_file_that_could_not_be_read_afterwards(tmp_path: Path, text: str):
    file = tmp_path / "overrides.yml"
    file.write_text(text)
    with pytest.raises(ParameterError):
        keep(file, override("orders", "default_currency", value="USD"))
    assert file.read_text() == text
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_keeps_its_rights_and_a_link_stays_one(tmp_path: Path):
    file, link = tmp_path / "mounted.yml", tmp_path / "overrides.yml"
    file.write_text("# ours\n")
    file.chmod(0o600)
    link.symlink_to(file)
    keep(link, override("orders", "default_currency", value="USD"))
    assert (link.is_symlink(), file.stat().st_mode & 0o777, len(read_overrides(file))) == (True, 0o600, 1)


def test_those_who_keep_at_once_lose_nothing(tmp_path: Path):
    file = tmp_path / "overrides.yml"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: keep(file, override("orders", "status_map", str(n), value="created")), range(24)))
    assert sorted(int(one.rule[-1]) for one in read_overrides(file)) == list(range(24))


def test_configuration_in_an_archive_has_no_overrides(tmp_path: Path):
    archive = tmp_path / "conf.tar.gz"
    archive.touch()
    assert read_overrides(archive / "base" / "overrides.yml") == []


def test_a_file_in_another_encoding_is_named(tmp_path: Path):
    file = tmp_path / "overrides.yml"
    file.write_bytes("- {rule: [a, b], why: é}\n".encode("latin-1"))
    with pytest.raises(ParameterError, match=r"overrides\.yml cannot be read: 'utf-8' codec"):
        read_overrides(file)


def test_a_correction_that_is_taken_out_leaves_no_empty_row():
    given = {"products": {"corrections": {17: {"name": "x"}}, "departments": {"a": "b"}}}
    taken_out = [
        override("products", "corrections", "17", "name", removed=True),
        override("products", "corrections", "18", "name", removed=True),
        override("products", "departments", "a", removed=True),
    ]
    assert with_overrides(given, taken_out) == {"products": {"corrections": {}, "departments": {}}}


def test_the_last_override_of_a_rule_holds():
    given = {"orders": {"status_map": {"new": "created"}, "shipping": {"flat": 5}}}
    overrides = [
        override("orders", "status_map", "sent", value="shipped"),
        override("orders", "shipping", "flat", value="6.50"),
        override("orders", "status_map", "sent", value="delivered"),
        override("orders", "status_map", "new", removed=True),
        override("orders", "corrections", "7", "status", value=None),
    ]
    assert with_overrides(given, overrides) == {
        "orders": {
            "status_map": {"sent": "delivered"},
            "shipping": {"flat": "6.50"},
            "corrections": {"7": {"status": None}},
        }
    }
    assert given == {"orders": {"status_map": {"new": "created"}, "shipping": {"flat": 5}}}
    assert newest(overrides)["orders", "status_map", "sent"] == overrides[2]


@pytest.mark.parametrize("rule", [("ordres", "status_map", "x"), ("orders", "shipping", "flat", "x")])
def test_an_override_of_no_rule_is_refused_by_name(rule: tuple[str, ...]):
    with pytest.raises(ParameterError, match=r"override of .*\..* is on a rule that there is not"):
        with_overrides({"orders": {"shipping": {"flat": 5}}}, [override(*rule)])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- rule: [orders]\n  by: A\n  at: 2026-01-01\n  why: x\n", "entry 1, rule"),
        ("- {rule: [a, b], value: 1, at: 2026-01-01, why: x}\n", "entry 1, by"),
        ("- {rule: [a, b], value: 1, by: A, at: soon, why: x}\n", "entry 1, at"),
        ("- {rule: [a, b], value: 1, by: A, at: 2026-01-01, why: ''}\n", "entry 1, why"),
        ("- {rule: [a, b], valeu: 1, by: A, at: 2026-01-01, why: x}\n", "entry 1, valeu"),
        ("- [\n", "cannot be read"),
        ("rule: x\n", "valid list"),
    ],
)
def test_a_file_that_cannot_be_read_names_the_entry_and_loses_nothing(tmp_path: Path, text: str, fault: str):
    file = tmp_path / "overrides.yml"
    file.write_text(text)
    with pytest.raises(ParameterError, match=fault):
        read_overrides(file)
    with pytest.raises(ParameterError, match=fault):
        keep(file, override("orders", "default_currency", value="USD"))
    assert file.read_text() == text


MODELS: dict[str, Rules] = {
    "formats": Formats(),
    "orders": OrderRules(status_map={"new": "created"}),
    "order_items": OrderItemRules(),
    "products": ProductRules(no_sales_days=30),
}


def test_every_rule_says_what_it_is_and_how_it_is_entered():
    found = {rule.name: rule for rule in editable_rules(MODELS)}
    assert [name for name, rule in found.items() if not rule.meaning] == []
    assert "orders.corrections" not in found
    status, failed = found["orders.status_map"], found["orders.failed_statuses"]
    assert (status.is_map, status.is_list, status.choices[:2]) == (True, False, ("created", "approved"))
    assert (failed.is_map, failed.is_list, failed.choices[-1]) == (False, True, "unknown")
    optional = found["products.no_sales_days"]
    assert (optional.is_optional, optional.value, given_value(optional, " ")) == (True, 30, None)
    assert given_value(failed, "failed\n\n returned ") == ["failed", "returned"]


@pytest.mark.parametrize(
    ("rule", "value", "fault"),
    [
        (("orders", "status_map", "sent"), "shiped", "Input should be 'created'"),
        (("orders", "status_map", "N.E.W."), "shipped", "are one text"),
        (("orders", "shipping", "flat"), "-1", "greater than or equal to 0"),
        (("orders", "shipping", "flta"), "1", "Extra inputs are not permitted"),
        (("order_items", "tax", "by_country", "Germany"), "0.19", "should match pattern"),
        (("order_items", "max_quantity"), "1000000000", "less than or equal to"),
        (("formats", "time_zone"), "Paris", "not an IANA time zone"),
        (("products", "corrections", "7", "categry"), "Books", "cannot be corrected"),
    ],
)
def test_a_value_that_a_rule_cannot_have_is_refused(rule: tuple[str, ...], value: str, fault: str):
    with pytest.raises(ParameterError, match=fault):
        changed_models(MODELS, override(*rule, value=value))


def test_a_changed_rule_is_written_as_its_model_has_it():
    changed = changed_models(MODELS, override("order_items", "tax", "default", value=" 0.190"))
    assert value_at(changed, ("order_items", "tax", "default")) == "0.190"
    assert value_at(changed, ("orders", "status_map", "new")) == "created"
    removed = changed_models(MODELS, override("orders", "status_map", "new", removed=True))
    assert value_at(removed, ("orders", "status_map", "new")) == ABSENT
    emptied = changed_models(MODELS, override("products", "corrections", "7", "name", value=None))
    assert value_at(emptied, ("products", "corrections", "7", "name")) is None


def test_a_run_publishes_by_the_overrides_of_its_environment_and_says_why(published: Project):
    kept_in(published, override("orders", "shipping", "flat", value="7.77"), env="northwind")
    published.run()
    assert published.query("SELECT count(*) FROM tb_orders WHERE shipping_fee = 7.77") == [(0,)]
    kept_in(published, override("orders", "shipping", "flat", value="7.77"))
    published.run()
    assert {str(fee) for (fee,) in published.query("SELECT shipping_fee FROM tb_orders")} == {"7.77", "0.00"}
    reason = "SELECT reason FROM tb_control_data_update WHERE domain = 'orders' ORDER BY started_at DESC LIMIT 1"
    assert published.query(reason) == [("its parameters changed since version 1: orders.shipping.flat",)]


def test_parameters_of_the_command_line_hold_before_overrides(published: Project):
    kept_in(published, override("orders", "shipping", "flat", value="7.77"))
    published.run(params={"orders": {"shipping": {"flat": "8.88"}}})
    fees = published.query("SELECT DISTINCT shipping_fee FROM tb_orders WHERE shipping_fee IN (7.77, 8.88)")
    assert [float(fee) for (fee,) in fees] == [8.88]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- {rule: [orders, shipping, flat], value: -1, by: A, at: 2026-01-01, why: x}\n", "orders.shipping.flat"),
        ("- {rule: [ordres, shipping], value: 1, by: A, at: 2026-01-01, why: x}\n", "ordres.shipping"),
        ("- {rule: x}\n", "entry 1, rule"),
    ],
)
def test_a_run_refuses_overrides_that_make_no_sense(published: Project, text: str, fault: str):
    (published.folder / "conf" / "base" / "overrides.yml").write_text(text)
    with pytest.raises(ParameterError, match=fault):
        published.run()


def test_a_corrected_value_is_published_until_it_is_taken_out(published: Project, caplog: pytest.LogCaptureFixture):
    rows = "SELECT product_id, category FROM tb_products WHERE product_id = 'A'"
    before = published.query(rows)
    kept_in(published, override("products", "corrections", "A", "category", value="Garden"))
    published.run()
    assert published.query(rows) == [("A", "Garden")]
    assert published.query("SELECT product_id, corrected FROM tmp_products WHERE corrected IS NOT NULL") == [
        ("A", f"category came as '{before[0][1]}'")
    ]
    kept_in(published, override("products", "corrections", "A", "category", removed=True))
    published.run()
    assert published.query(rows) == before
    assert published.query("SELECT count(corrected) FROM tmp_products") == [(0,)]
    assert "were not applied" not in caplog.text


def test_corrections_that_cannot_be_applied_are_named_with_the_reason(
    published: Project, caplog: pytest.LogCaptureFixture
):
    published.write_source("products", [product(), product(product_id="B", unit_price="-1")])
    lines = [{name: value for name, value in row.items() if name != "line_number"} for row in SHOP["order_items"]]
    published.write_source("order_items", lines)
    kept_in(
        published,
        override("products", "corrections", "B", "name", value="Lamp"),
        override("order_items", "corrections", "10/1", "quantity", value="77"),
    )
    published.run(params={"accept_loss": "order_items.line_number"})
    assert "products: the corrections of B were not applied: their rows were set aside" in caplog.text
    assert (
        "order_items: the corrections of 10/1 were not applied: the shop does not give their whole keys" in caplog.text
    )


def test_a_correction_of_a_parameter_file_stays_when_another_of_its_row_is_kept(published: Project):
    place = published.folder / "conf" / "base" / "parameters_products.yml"
    place.write_text(place.read_text() + "  corrections: {A: {category: Garden, name: Right}}\n")
    kept_in(published, override("products", "corrections", "A", "category", value="Kitchen"))
    published.run()
    assert published.query("SELECT category, name FROM tb_products WHERE product_id = 'A'") == [("Kitchen", "Right")]


def test_a_correction_without_its_row_is_named(published: Project, caplog: pytest.LogCaptureFixture):
    kept_in(
        published,
        override("order_items", "corrections", "10/1", "quantity", value="3"),
        override("order_items", "corrections", "10/99", "quantity", value="3"),
    )
    published.run()
    assert "order_items: the corrections of 10/99 were not applied: there are no such rows; correct" in caplog.text
    assert published.query("SELECT quantity FROM tb_order_items WHERE order_id = '10' AND line_number = 1") == [(3,)]


def test_the_mart_keeps_no_key_of_a_correction(published: Project):
    kept_in(published, override("customers", "corrections", "2", "country", value="FR"))
    published.run()
    assert published.query("SELECT country_code FROM tb_customers WHERE customer_id = '2'") == [("FR",)]
    (noted,) = published.query("SELECT parameters FROM tb_control_data_update WHERE domain = 'customers'")[-1]
    assert json.loads(noted)["customers"]["corrections"].isalnum()
    reason = "SELECT reason FROM tb_control_data_update WHERE domain = 'customers' ORDER BY started_at DESC LIMIT 1"
    assert published.query(reason) == [("its parameters changed since version 1: customers.corrections",)]
    forgotten = CliRunner().invoke(cli, ["mart", "forget", "--customer-id", "2", "--yes"])
    assert "overrides.yml name the customer: delete their entries there, and from its history." in forgotten.output
    assert '"2"' not in (published.folder / "data" / "published.runs.json").read_text()


def test_a_preview_counts_what_a_rule_would_change_and_keeps_nothing(published: Project):
    before, configured = published.content(), sorted((published.folder / "conf").rglob("*"))
    draft = published.folder / "draft.yml"
    keep(draft, override("products", "corrections", "A", "category", value="Garden"))
    found = preview("--file", str(draft))
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert "This would change 1 row of tb_products, e.g. product_id=A" in lines
    assert "tb_products: category in 1, department in 1" in lines
    assert [line for line in lines if "add" in line or "take out" in line] == []
    assert (published.content(), sorted((published.folder / "conf").rglob("*"))) == (before, configured)


def test_a_preview_of_the_rules_as_they_are_tells_what_the_next_run_would_change(published: Project):
    assert preview().stdout == "No published row would change.\n"
    kept_in(published, override("orders", "status_map", "delivered", value="shipped"))
    expected = published.query("SELECT count(*) FROM tb_orders WHERE source_status = 'delivered'")[0][0]
    assert f"tb_orders: status in {expected}" in preview().stdout


def test_a_preview_tells_what_comes_from_a_changed_source(published: Project):
    published.write_source("products", [*SHOP["products"], product(product_id="C")])
    assert "products: its source changed since version 1; some of what differs comes from that." in preview().stdout


def test_a_preview_tells_what_was_changed_before_and_did_not_run(published: Project):
    kept_in(published, override("products", "corrections", "A", "category", value="Garden"))
    draft = published.folder / "draft.yml"
    keep(draft, override("orders", "shipping", "flat", value="7.77"))
    lines = preview("--file", str(draft)).stdout.splitlines()
    assert "products: products.corrections changed since version 1 and did not run yet; that is counted, too." in lines
    assert [line for line in lines if line.startswith("orders:")] == []


def test_a_preview_reads_the_copy_and_keeps_no_run_waiting(published: Project):
    shutil.copy(published.mart, published.folder / "data" / "published.duckdb")
    with published.held_mart():
        found = preview()
    assert found.stdout == "No published row would change.\n"


def test_a_preview_that_cannot_be_made_says_why(published: Project):
    draft = published.folder / "draft.yml"
    draft.write_text(yaml.safe_dump([override("orders", "shipping", "flat", value="-1").model_dump(mode="json")]))
    found = preview("--file", str(draft))
    assert found.exit_code == 1
    assert "orders.shipping.flat" in found.stderr
