"""What the console refuses, and what it tells the browser."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from urllib.parse import quote

import pytest

from datamart_kedro.console import filters
from tests.console.serving import Served, served
from tests.project import Project
from tests.shop import SHOP

FIELDS = {
    "/": ("days", "since", "until", "country", "department"),
    "/customers": ("days", "since", "until", "customer_id"),
    "/customers/story": ("customer_id",),
    "/products": ("days", "since", "until"),
    "/forecast": ("series", "measure"),
    "/quality": ("domain",),
    "/runs/one": ("run_id",),
    "/metrics/revenue": ("by", "since", "until", "country", "category", "product", "version", "format"),
    "/metrics/churn_risk": ("by", "segment", "churn_decile", "version"),
}
HOSTILE = (
    "' OR 1=1 --",
    "1'; DROP TABLE tb_orders; --",
    '"><script>alert(1)</script>',
    "{{ 7 * 7 }}${7*7}",
    "../../../../etc/passwd",
    "read_csv('/etc/passwd')",
    "\x00",
    "\r\nX-Injected: yes",
    "9" * 150,
    "-1",
    "0001-01-01",
    "9999-12-31",
    "é\u202e",
)


@pytest.mark.parametrize(
    ("page", "field"), [(page, field) for page, fields in FIELDS.items() for field in fields], ids=lambda value: value
)
def test_no_field_is_more_than_a_value(shown: Served, page: str, field: str):
    for text in HOSTILE:
        answer = shown.get(f"{page}?{field}={quote(text)}")
        assert answer.status in (200, 303, 400, 404), text
        assert "<script>alert" not in answer.text
        assert "49" not in re.findall(r"{{|\b49\b", answer.text) or "7 * 7" not in text
        assert "root:" not in answer.text
        assert "x-injected" not in answer.headers
    assert shown.get("/metrics/orders").words.count(" 3 ") >= 1  # all orders are still there


@pytest.mark.parametrize("page", FIELDS)
def test_a_value_that_is_too_long_is_refused(shown: Served, page: str):
    assert shown.get(f"{page}?country={'x' * 2100}").status == 414
    assert shown.get(f"{page}?{'&'.join(f'f{n}=1' for n in range(60))}").status == 414
    assert shown.get("/customers?customer_id=" + "x" * (filters.MAX_TEXT + 1)).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/..%2f..%2f..%2fetc/passwd",
        "/style.css/../../pyproject.toml",
        "/metrics/..%2f..%2f..%2fetc%2fpasswd",
        "/metrics/%2e%2e/%2e%2e/etc/passwd",
        "/static/base.html",
        "//etc/passwd",
        "/console.js%00.html",
        "/metrics/" + "x" * 500,
    ],
)
def test_no_path_leads_out_of_the_pages(shown: Served, path: str):
    answer = shown.get(path)
    assert answer.status == 404
    assert "root:" not in answer.text
    assert "[build-system]" not in answer.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8090", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_a_foreign_name_that_leads_here_is_refused(shown: Served, host: str):
    answer = shown.get("/customers/story?customer_id=1", host=host)
    assert answer.status == 400
    assert "customer" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8090", "LOCALHOST", "[::1]:8090"])
def test_the_names_of_this_machine_are_answered(shown: Served, host: str):
    assert shown.get("/metrics", host=host).status == 200


@pytest.mark.parametrize(
    ("page", "method"), list(itertools.product(["/", "/metrics/revenue", "/runs"], ["POST", "PUT", "DELETE", "PATCH"]))
)
def test_nothing_can_be_changed(shown: Served, page: str, method: str):
    assert shown.get(page, method=method).status == 405


@pytest.mark.parametrize("page", ["/", "/nope", "/style.css", "/?days=4", "/metrics/revenue?format=csv"])
def test_the_browser_is_told_to_load_nothing_from_elsewhere(shown: Served, page: str):
    headers = shown.get(page).headers
    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"
    assert "server" not in headers


def test_pages_hold_no_script_or_style_of_their_own(shown: Served):
    for page in FIELDS:
        text = shown.get(page).text
        assert re.findall(r"<script(?! src=\"/console\.js\" defer></script>)", text) == []
        assert "<style" not in text
        assert re.findall(r"\s(?:style|on\w+)=", text) == []
        assert re.findall(r"(?:href|src|action)=\"(?!/|#)", text) == []


def test_names_from_the_shop_are_text_and_no_markup(shown: Served):
    text = shown.get("/products?days=30").text
    assert "&lt;i&gt;Desk&lt;/i&gt;" in text
    assert "<i>" not in text


def test_a_file_holds_no_formula(project: Project):
    project.write_source("products", [{**row, "category": "=cmd|' /C calc'!A0"} for row in SHOP["products"]])
    project.cli("kedro", "run")
    with served(project.folder) as console:
        lines = console.get("/metrics/revenue?by=category&format=csv").text.splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("'=cmd")


def test_a_page_that_fails_says_nothing_of_how(
    shown: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def broken() -> None:
        raise RuntimeError("secret place")

    monkeypatch.setattr(shown.console, "journal", broken)
    answer = shown.get("/quality")
    assert answer.status == 500
    assert "This page could not be made." in answer.words
    assert "secret" not in answer.text


def test_the_console_listens_on_loopback_alone(shown: Served):
    addresses = Path("/proc/net/tcp").read_text().split() if Path("/proc/net/tcp").exists() else []
    if not addresses:
        pytest.skip("/proc/net/tcp tells who listens, and is not there.")
    port = f"{shown.port:04X}"
    assert {address for address in addresses if address.endswith(f":{port}")} >= {f"0100007F:{port}"}
    assert f"00000000:{port}" not in addresses
