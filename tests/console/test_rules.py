"""Rules and single values that are changed from the console: entered, tried, kept, and what is refused."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from datamart_kedro.overrides.kept import Override, keep, read_overrides
from tests.console.desk import Desk
from tests.console.serving import Answer
from tests.project import Project

RULE = ("orders", "status_map")
HARMFUL = [
    "<script>alert(1)</script>",
    "'; DROP TABLE tb_orders; --",
    "{{ 7 * 7 }}",
    "../../etc/passwd",
    "x: !!python/object/apply:os.system [id]",
    "a\nwhy: nobody\n- rule: [orders, default_currency]",
    "${oc.env:DATAMART_CONSOLE_TOKEN}",
    "%s %(x)s",
]


def fields(desk: Desk, *rule: str, **values: str) -> list[tuple[str, str]]:
    return [("csrf", desk.csrf()), *(("rule", part) for part in rule), *values.items()]


def propose(desk: Desk, *rule: str, **values: str) -> Answer:
    return desk.send("/rules/propose", fields(desk, *rule, **{"why": "The web shop says so now.", **values}))


def correct(desk: Desk, **values: str) -> Answer:
    given = {"column": "products.category", "key": "A", "value": "Garden", "why": "It is a garden lamp.", **values}
    return desk.send("/corrections/propose", [("csrf", desk.csrf()), *given.items()])


def decide(desk: Desk, how: str, proposal: str | None = None) -> Answer:
    """Keep or drop the change that is tried, as its page has it."""
    found = re.search(r'name="proposal" value="([^"]+)"', desk.ask("GET", "/rules/proposal").text)
    shown = found[1] if found else ""
    return desk.send(f"/rules/{how}", {"csrf": desk.csrf(), "proposal": shown if proposal is None else proposal})


def tried(desk: Desk) -> Answer:
    return desk.ended("/rules/proposal")


def kept(project: Project) -> list[Override]:
    return read_overrides(project.folder / "conf" / "base" / "overrides.yml")


def test_whoever_reads_sees_the_rules_and_no_form(desk: Desk):
    page = desk.ask("GET", "/rules")
    assert page.status == 200
    assert "orders.shipping.flat" in page.words
    assert "/rules/edit" not in page.text
    assert "csrf" not in page.text + desk.ask("GET", "/corrections").text
    assert desk.ask("GET", "/rules/edit?rule=orders&rule=status_map").status == 303
    assert desk.ask("GET", "/rules/proposal").status == 303


def test_a_rule_is_tried_kept_with_who_when_and_why_and_published_by_the_next_run(desk: Desk, published: Project):
    desk.sign_in(by="Ana Ruiz")
    assert propose(desk, *RULE, entry="shipped", value="delivered").headers["location"] == "/rules/proposal"
    assert "The web shop says so now." in desk.ask("GET", "/rules/proposal").words
    count = published.query("SELECT count(*) FROM tb_orders WHERE source_status = 'shipped'")[0][0]
    page = tried(desk)
    assert f"This would change {count} row" in page.words
    assert kept(published) == []
    assert decide(desk, "keep").headers["location"] == "/rules?kept"
    (one,) = kept(published)
    assert (one.rule, one.value, one.by) == (("orders", "status_map", "shipped"), "delivered", "Ana Ruiz")
    assert one.why == "The web shop says so now."
    rules = desk.ask("GET", "/rules?kept").words
    assert "Ana Ruiz, " in rules
    assert "The rule is kept." in rules
    published.run()
    assert published.query("SELECT DISTINCT status FROM tb_orders WHERE source_status = 'shipped'") == [("delivered",)]


def test_nothing_is_kept_that_was_not_tried(desk: Desk, published: Project):
    desk.sign_in()
    assert "No change is being tried." in decide(desk, "keep").words
    propose(desk, *RULE, entry="shipped", value="delivered")
    under_way = decide(desk, "keep")
    assert under_way.status == 400
    assert "What it would change is not known." in under_way.words
    second = propose(desk, *RULE, entry="cancelled", value="failed")
    assert second.status == 400
    assert "Another change is being tried." in second.words
    assert decide(desk, "drop").status == 303
    assert "None is being tried." in desk.ask("GET", "/rules/proposal").words
    assert decide(desk, "keep").status == 400
    assert kept(published) == []
    assert list((published.folder / "data").glob("console_change*")) == []


def test_only_the_change_that_was_looked_at_is_kept_or_dropped(desk: Desk, published: Project):
    desk.sign_in(by="Ana")
    propose(desk, *RULE, entry="shipped", value="delivered")
    looked_at = re.findall(r'"proposal" value="(.+?)"', tried(desk).text)[0]
    decide(desk, "drop")
    correct(desk)
    tried(desk)
    for how in ("keep", "drop"):
        answer = decide(desk, how, looked_at)
        assert (answer.status, "Another change is being tried by now." in answer.words) == (400, True)
    assert kept(published) == []
    desk.sign_in(by="Ben")
    decide(desk, "keep")
    assert [(one.by, one.kept_by) for one in kept(published)] == [("Ana", "Ben")]


def test_a_value_can_be_corrected_to_none_and_that_be_taken_out(desk: Desk, published: Project):
    desk.sign_in()
    assert correct(desk, empty="yes", value="").status == 303
    assert "category in 1" in tried(desk).words
    decide(desk, "keep")
    published.run()
    assert published.query("SELECT category FROM tb_products WHERE product_id = 'A'") == [(None,)]
    assert correct(desk, removed="yes", value="").status == 303
    assert "category in 1" in tried(desk).words
    decide(desk, "keep")
    again = correct(desk, removed="yes", value="")
    assert (again.status, "There is no such entry." in again.words) == (400, True)


def test_a_change_that_cannot_be_tried_cannot_be_kept(desk: Desk, published: Project):
    published.source("orders").unlink()
    desk.sign_in()
    propose(desk, *RULE, entry="shipped", value="delivered")
    page = tried(desk)
    assert "It could not be tried, and says why below." in page.words
    assert "Keep it" not in page.words
    assert decide(desk, "keep").status == 400


def test_an_entry_is_taken_out_of_its_map(desk: Desk, published: Project):
    desk.sign_in()
    propose(desk, *RULE, entry="shipped", removed="yes")
    assert "would change" in tried(desk).words
    decide(desk, "keep")
    assert [(one.rule[-1], one.removed) for one in kept(published)] == [("shipped", True)]
    assert desk.ask("GET", "/rules/edit?rule=orders&rule=status_map&entry=shipped").text.count("readonly") == 0


@pytest.mark.parametrize(
    ("rule", "values", "fault"),
    [
        (RULE, {"entry": "sent", "value": "shiped"}, "Input should be"),
        (RULE, {"entry": "", "value": "shipped"}, "The entry is missing."),
        (RULE, {"entry": "shipped", "value": "shipped"}, "The rule says so already."),
        (RULE, {"entry": "SHIPPED.", "value": "delivered"}, "are one text"),
        (("orders", "shipping", "flat"), {"value": "-1"}, "greater than or equal to 0"),
        (("orders", "shipping", "flat"), {"value": ""}, "valid decimal"),
        (("orders", "shipping", "flat"), {"removed": "yes"}, "nothing can be taken out"),
        (("orders", "failed_statuses"), {"value": "failed\nreturnd"}, "Input should be"),
        (("orders", "shipping", "flat"), {"value": "5", "why": " "}, "Why is missing."),
        (("orders", "shipping", "flat"), {"value": "5", "why": "x" * 501}, "Why is too long"),
    ],
    ids=str,
)
def test_what_a_rule_cannot_be_is_refused_and_what_was_entered_is_kept_in_the_form(
    desk: Desk, published: Project, rule: tuple[str, ...], values: dict[str, str], fault: str
):
    desk.sign_in()
    page = propose(desk, *rule, **values)
    assert page.status == 400
    assert fault in page.words
    if rule != RULE:  # there it is chosen
        assert values.get("value", "") in html.unescape(page.text)
    assert "None is being tried." in desk.ask("GET", "/rules/proposal").words


@pytest.mark.parametrize(
    "rule", [("force",), ("refresh", "overlap_minutes"), ("orders",), ("orders", "x"), ()], ids=str
)
def test_only_rules_can_be_changed(desk: Desk, rule: tuple[str, ...]):
    desk.sign_in()
    assert propose(desk, *rule, value="1").status == 404
    assert desk.ask("GET", "/rules/edit?" + "&".join(f"rule={part}" for part in rule)).status == 404


@pytest.mark.parametrize("text", HARMFUL)
def test_harmful_text_is_kept_and_shown_as_text(desk: Desk, published: Project, text: str):
    desk.sign_in(by="Ana")
    draft = Path("data/console_change.yml")
    answer = propose(desk, "products", "category_aliases", entry=text, value="Books", why=text)
    assert answer.status == 303
    ((entry),) = yaml.safe_load(draft.read_text())
    line = " ".join(text.split())
    assert (entry["rule"], entry["why"], entry["value"]) == (["products", "category_aliases", line], line, "Books")
    page = desk.ask("GET", "/rules/proposal").text
    assert page.count(html.escape(line).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")) == 2
    assert "<script>alert" not in page
    decide(desk, "drop")


def test_a_value_is_corrected_published_and_what_the_shop_says_is_shown(desk: Desk, published: Project):
    desk.sign_in(by="Ben Ode")
    assert correct(desk).headers["location"] == "/rules/proposal"
    assert "category in 1" in tried(desk).words
    assert decide(desk, "keep").headers["location"] == "/corrections?kept"
    assert "No run has staged this row with it." in desk.ask("GET", "/corrections").words
    published.run()
    assert published.query("SELECT category FROM tb_products WHERE product_id = 'A'") == [("Garden",)]
    page = desk.ask("GET", "/corrections").words
    assert "category came as 'Books'" in page
    assert "Ben Ode, " in page
    assert correct(desk, removed="yes", why="The shop mended it.").status == 303
    tried(desk)
    decide(desk, "keep")
    published.run()
    assert published.query("SELECT category FROM tb_products WHERE product_id = 'A'") == [("Books",)]


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"column": ""}, "That column cannot be corrected."),
        ({"column": "formats.time_zone"}, "That column cannot be corrected."),
        ({"column": "customers.email", "value": "a@b.example"}, "That column cannot be corrected."),
        ({"column": "products.product_id", "value": "B"}, "That column cannot be corrected."),
        ({"column": "products.unit_price", "value": "cheap"}, "must be a number"),
        ({"column": "order_items.quantity", "key": "10", "value": "1"}, "order_id/line_number"),
        ({"key": ""}, "is no key"),
        ({"value": ""}, "must be a text"),
        ({"why": ""}, "Why is missing."),
    ],
    ids=str,
)
def test_what_cannot_be_corrected_is_refused(desk: Desk, published: Project, values: dict[str, str], fault: str):
    desk.sign_in()
    page = correct(desk, **values)
    assert page.status == 400
    assert fault in page.words
    assert not Path("data/console_change.yml").exists()


def test_a_file_of_overrides_that_cannot_be_read_is_named(desk: Desk, published: Project):
    (published.folder / "conf" / "base" / "overrides.yml").write_text("- [\n")
    page = desk.ask("GET", "/rules")
    assert page.status == 400
    assert "overrides.yml cannot be read" in page.words


def test_a_change_is_kept_only_by_the_rules_that_it_was_tried_with(desk: Desk, published: Project):
    desk.sign_in()
    propose(desk, "orders", "shipping", "flat", value="7")
    tried(desk)
    changed: Any = {"rule": ("orders", "shipping", "flat"), "value": "9"}
    keep(Path("conf/base/overrides.yml"), Override(**changed, by="Cyd", at="2026-11-29", why="x"))
    answer = decide(desk, "keep")
    assert (answer.status, "The rules changed since this was tried." in answer.words) == (400, True)
    assert [one.value for one in kept(published)] == ["9"]
