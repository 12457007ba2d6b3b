"""What the pages of the console show."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest

from tests.console.serving import Answer, Served

PAGES = ("/", "/customers", "/products", "/forecast", "/quality", "/runs", "/metrics", "/metrics/revenue")


def card(answer: Answer, title: str) -> str:
    """What the card of a metric says."""
    found = re.search(rf">{title}</a></div>(.*?)</li>", answer.text, flags=re.DOTALL)
    assert found, title
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_which_version_it_shows(shown: Served, page: str):
    answer = shown.get(page)
    assert answer.status == 200
    assert "Version 1" in answer.words


def test_the_overview_shows_figures_of_the_days_asked_for(shown: Served):
    days = shown.get("/?since=2025-02-01&until=2025-02-10")
    assert card(days, "Revenue") == "45.00 EUR no comparison"
    assert card(days, "Orders") == "2 no comparison"
    assert card(shown.get("/?since=2025-02-11&until=2025-02-20"), "Orders") == "1 -50.0 %"
    assert "2025-01-22 to 2025-02-20" in shown.get("/").words


def test_amounts_of_two_currencies_are_never_added(shown: Served):
    text = shown.get("/?days=30").text
    revenue = re.findall(r'>Revenue</a></div>\s*<div class="value">([\d.,]+) <small>(\w+)', text)
    assert revenue == [("45.00", "EUR"), ("140.00", "USD")]


def test_filters_choose_rows(shown: Served):
    assert card(shown.get("/?country=FR"), "Orders").startswith("1 ")
    assert card(shown.get("/?country=DE"), "Orders").startswith("2 ")
    assert card(shown.get("/?country=unknown"), "Orders").startswith("0 ")
    assert card(shown.get("/?department=Home"), "Net revenue").startswith("70.00 USD")
    assert card(shown.get("/?department=Home&country=DE"), "Orders").startswith("0 ")
    assert "<option selected>FR</option>" in shown.get("/?country=FR").text


def test_a_metric_that_a_filter_is_not_known_by_is_left_out_and_the_page_says_so(shown: Served):
    assert ">Late</a>" in shown.get("/").text
    filtered = shown.get("/?department=Home")
    assert ">Late</a>" not in filtered.text
    assert "Lateness is of orders, not of departments, and left out." in filtered.words


def test_every_figure_leads_to_its_definition_sql_and_version(shown: Served):
    text = shown.get("/?country=FR&since=2025-02-01&until=2025-02-20").text
    leads = [link.replace("&amp;", "&") for link in re.findall(r'href="(/metrics/[^"]+)"', text)]
    assert len(leads) > 9
    for link in leads:
        answer = shown.get(link)
        assert answer.status == 200
        assert "As asked of version 1, since " in answer.words
        assert "until=2025-02-20" in link
        assert "country=FR" in link
        assert "SELECT" in answer.text
    revenue = next(link for link in leads if link.startswith("/metrics/revenue?"))
    assert "140.00" in shown.get(revenue).words
    assert "45.00" not in shown.get(revenue).words


def test_a_metric_shows_its_meaning_and_what_it_is_divided_by(shown: Served):
    words = shown.get("/metrics/average_order?by=country").words
    assert "Divided by: orders, as the metric of that name." in words
    assert "DE EUR 22.50 45.00 2" in words


def test_a_metric_comes_as_a_file(shown: Served):
    rows = list(csv.DictReader(io.StringIO(shown.get("/metrics/revenue?by=country&format=csv").text)))
    assert rows == [
        {"country": "DE", "currency": "EUR", "revenue": "45.00"},
        {"country": "FR", "currency": "USD", "revenue": "140.00"},
    ]
    answer = shown.get("/metrics/orders?by=month&country=DE&format=json")
    assert answer.headers["content-disposition"] == 'attachment; filename="orders_version_1.json"'
    read = json.loads(answer.text)
    assert read["rows"] == [{"month": "2025-02-01", "orders": 2}]
    assert read["version"] == 1


def test_customers_come_with_segments_and_risk(shown: Served):
    words = shown.get("/customers").words
    assert "recent, frequent 3 25.0 %" in words
    assert "25.0 % 90 days" in words


def test_the_story_of_a_customer_holds_orders_and_no_personal_data(shown: Served):
    answer = shown.get("/customers/story?customer_id=1")
    assert "12 2025-02-03 10:00 cancelled 1 10.00" in answer.words
    assert "recent, frequent" in answer.words
    assert "full_name (personal data)" in answer.words
    assert "Ann Archer" not in answer.text
    assert "ann@example.com" not in answer.text
    assert "DE" in answer.words


def test_a_customer_is_found_by_the_form(shown: Served):
    found = shown.get("/customers?customer_id=a%26b%3Dc")
    assert (found.status, found.headers["location"]) == (303, "/customers/story?customer_id=a%26b%3Dc")
    assert shown.get(found.headers["location"]).status == 404


def test_products_show_what_is_out_of_stock_with_what_it_sold(shown: Served):
    words = shown.get("/products?days=30").words
    assert "C <i>Desk</i> Kitchen 1" in words
    assert "Out of stock 33.3 %" in words


def test_a_forecast_shows_its_interval_its_model_and_its_sql(shown: Served):
    answer = shown.get("/forecast?series=department%3DMedia&measure=y_net_amount")
    assert "By seasonal naive ( v1 ), from 2025-03-01 on" in answer.words
    assert "2025-03-14 300.50 200.00 400.00" in answer.words
    assert 'class="band"' in answer.text
    assert "unique_id = 'department=Media'" in answer.text.replace("&#39;", "'")
    assert shown.get("/forecast?series=nothing").status == 400


def test_quality_counts_rejected_rows_and_accounts_for_all(shown: Served):
    words = shown.get("/quality").words
    assert "order_items unit_price is negative 1" in words
    assert re.search(r"order_items [\d: -]+ 7 6 1 0 every row", words)
    assert "order_items unit_price is negative" not in shown.get("/quality?domain=orders").words


def test_runs_lead_to_what_each_did(shown: Served):
    link = re.search(r'href="(/runs/one\?run_id=[^"]+)"', shown.get("/runs").text)
    assert link
    words = shown.get(link[1]).words
    assert "order_items published 7 6 1 0 6 0 0" in words
    assert shown.get("/runs/one?run_id=never").status == 404


def test_links_lead_somewhere(shown: Served):
    for page in PAGES:
        for link in set(re.findall(r'(?:href|src|action)="(/[^"#]*)"', shown.get(page).text)):
            assert shown.get(link.replace("&amp;", "&")).status in (200, 303), (page, link)
