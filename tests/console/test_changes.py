"""Changing something from the console: who may, what is refused, and a run that is started there."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from datamart_kedro.commands.console import access_of, console_of
from datamart_kedro.console.access import LASTS_S, MOST_SESSIONS, VARIABLE, Access, named_tokens, token_of
from datamart_kedro.console.run_now import Asked
from datamart_kedro.console.serve import HOST
from datamart_kedro.errors import UsageError
from tests.console.desk import TOKEN, Desk
from tests.project import Project
from tests.shop import SHOP, customer

CHANGES = [
    "/change/run",
    "/change/stop",
    "/rules/propose",
    "/rules/keep",
    "/rules/drop",
    "/corrections/propose",
    "/sign-out",
]


def test_reading_needs_no_token_on_this_machine(desk: Desk):
    assert desk.ask("GET", "/metrics").status == 200


def test_the_page_of_changes_leads_to_the_token(desk: Desk):
    answer = desk.ask("GET", "/change")
    assert (answer.status, answer.headers["location"]) == (303, "/sign-in")


def test_the_right_token_opens_a_session_that_no_script_or_other_site_can_use(desk: Desk):
    answer = desk.sign_in()
    assert answer.status == 303
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/"} <= attributes
    assert TOKEN not in answer.headers["set-cookie"]
    assert desk.ask("GET", "/change").status == 200


@pytest.mark.parametrize("token", ["", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "é" * 30, "' OR 1=1 --", "\x00"])
def test_another_token_opens_nothing(desk: Desk, token: str):
    answer = desk.sign_in(token)
    assert answer.status == 403
    assert "set-cookie" not in answer.headers
    assert desk.ask("GET", "/change").status == 303


def test_a_session_ends(desk: Desk):
    desk.sign_in()
    csrf = desk.csrf()
    desk.clock.at += LASTS_S - 1
    assert desk.ask("GET", "/change").status == 200
    desk.clock.at += 1
    assert desk.ask("GET", "/change").status == 303
    assert desk.send("/change/run", {"csrf": csrf}).status == 403


def test_signing_out_ends_the_session_on_the_server(desk: Desk):
    desk.sign_in()
    assert desk.send("/sign-out", {"csrf": desk.csrf()}).status == 303
    assert desk.ask("GET", "/change").status == 303


def test_the_oldest_sessions_make_way():
    access = Access(TOKEN)
    names = [access.sign_in(TOKEN, "Ana") or "" for _ in range(MOST_SESSIONS + 1)]
    assert access.session(names[0]) is None
    assert access.session(names[1]) is not None
    assert len({*names}) == MOST_SESSIONS + 1


def test_secrets_do_not_stand_in_a_representation():
    access = Access(TOKEN)
    name = access.sign_in(TOKEN, "Ana") or ""
    session = access.session(name)
    assert session is not None
    text = repr(access) + repr(session)
    assert [s for s in (TOKEN, name, session.csrf, access.sign_in_csrf) if s in text] == []


@pytest.mark.parametrize("path", [*CHANGES, "/sign-in", "/metrics"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": None}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 400),
    ],
    ids=str,
)
def test_a_form_from_elsewhere_is_refused(desk: Desk, path: str, headers: dict[str, str | None], status: int):
    desk.sign_in()
    csrf = desk.access.sign_in_csrf if path == "/sign-in" else desk.csrf()
    answer = desk.send(path, {"csrf": csrf, "token": TOKEN}, **headers)
    assert answer.status == status
    assert "set-cookie" not in answer.headers
    assert "It is under way" not in desk.ask("GET", "/change").text


@pytest.mark.parametrize("path", [*CHANGES, "/sign-in"])
def test_a_form_without_its_secret_is_refused(desk: Desk, path: str):
    desk.sign_in()
    right = desk.access.sign_in_csrf if path == "/sign-in" else desk.csrf()
    for fields in ([], [("csrf", "")], [("csrf", right[:-1])], [("csrf", "é")], [("csrf", right), ("csrf", right)]):
        assert desk.send(path, [*fields, ("token", TOKEN), ("by", "Ana")]).status == 403, fields
    assert desk.ask("GET", "/change").status == 200


def test_the_secret_of_one_session_is_none_of_another(desk: Desk):
    desk.sign_in()
    first = desk.csrf()
    desk.sign_in()
    assert desk.send("/change/run", {"csrf": first}).status == 403


@pytest.mark.parametrize("path", CHANGES)
def test_nobody_who_is_not_signed_in_changes_anything(desk: Desk, path: str):
    for csrf in (desk.access.sign_in_csrf, ""):
        answer = desk.send(path, {"csrf": csrf})
        assert answer.status == 403
        assert "nobody is signed in" in answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"x=" + b"y" * 64_000, 413),
        (b"x=" + b"y" * 2_001, 400),
        (b"y" * 2_001 + b"=x", 400),
        (b"&".join(b"a=1" for _ in range(600)), 400),
        (b"x=%ff%fe", 400),
        (b"x=\xff", 400),
    ],
    ids=["body", "value", "name", "fields", "no text", "no ascii"],
)
def test_a_form_that_is_too_long_or_no_text_is_refused(desk: Desk, body: bytes, status: int):
    desk.sign_in()
    csrf = desk.csrf()
    assert desk.ask("POST", "/change/run", f"csrf={csrf}&".encode() + body).status == status


@pytest.mark.parametrize(
    "text",
    [
        "../../etc/passwd",
        "--env=local",
        "customers --force",
        "customers;id",
        "$(id)",
        "<script>alert(1)</script>",
        "__default__",
        "",
    ],
)
def test_a_run_of_what_is_no_pipeline_is_refused(desk: Desk, text: str):
    desk.sign_in()
    answer = desk.send("/change/run", {"csrf": desk.csrf(), "pipeline": text})
    assert answer.status == 400
    assert "There is no such pipeline." in answer.words
    assert "<script>alert" not in answer.text
    assert "What the run says" not in desk.ask("GET", "/change").text


def test_a_run_that_is_started_here_publishes(desk: Desk, published: Project):
    published.write_source("customers", [*SHOP["customers"], customer(customer_id="9", full_name="Zoe")])
    desk.sign_in()
    fields = {"csrf": desk.csrf(), "pipeline": "customers"}
    assert desk.send("/change/run", fields).status == 303
    under_way = desk.ask("GET", "/change")
    assert under_way.headers["refresh"] == "2"
    assert "It is under way." in under_way.words
    second = desk.send("/change/run", fields)
    assert second.status == 503
    assert "Another run is under way." in second.words
    page = desk.ended()
    assert "It has ended well." in page.words
    assert published.query("SELECT full_name FROM tb_customers WHERE customer_id = '9'") == [("Zoe",)]


def test_a_run_can_be_forced_and_says_so_in_the_ledger(desk: Desk, published: Project):
    desk.sign_in()
    desk.send("/change/run", {"csrf": desk.csrf(), "pipeline": "products", "force": "yes"})
    assert "products, forced" in desk.ended().words
    ledger = published.query(
        "SELECT domain, reason FROM tb_control_data_update WHERE started_at ="
        " (SELECT max(started_at) FROM tb_control_data_update WHERE domain = 'products') AND domain = 'products'"
    )
    assert len(ledger) == 1
    assert "force" in ledger[0][1]


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"since": "2999-01-01"}, "still to come"),
        ({"since": "yesterday"}, "no day"),
        ({"since": "2025-01-01,full=true"}, "no day"),
        ({"accept_loss": "orders.x,full=true"}, "no column"),
        ({"accept_loss": "orders"}, "no column"),
    ],
)
def test_a_parameter_that_is_none_is_refused(desk: Desk, fields: dict[str, str], fault: str):
    desk.sign_in()
    answer = desk.send("/change/run", {"csrf": desk.csrf(), **fields})
    assert answer.status == 400
    assert fault in answer.words
    assert "What the run says" not in desk.ask("GET", "/change").text


def test_what_is_chosen_becomes_parameters_of_the_run():
    asked = Asked(("orders", "customers"), full=True, since=date(2025, 1, 2), accept_loss="orders.currency")
    assert asked.arguments("postgres") == [
        "--env=postgres",
        "--pipelines=orders,customers",
        "--params=force=true,full=true,read_since=2025-01-02,accept_loss=orders.currency",
    ]
    assert Asked().arguments(None) == []


def test_a_column_may_go_and_the_sources_be_read_again(desk: Desk, published: Project):
    published.write_source("products", [{k: v for k, v in row.items() if k != "name"} for row in SHOP["products"]])
    desk.sign_in()
    fields = {"pipeline": "products", "accept_loss": "products.name", "since": "2025-01-01"}
    desk.send("/change/run", {"csrf": desk.csrf(), **fields})
    assert "products, read again since 2025-01-01, products.name may go, started by" in desk.ended().words
    assert published.query("SELECT count(name) FROM tb_products") == [(0,)]


def test_a_run_is_refused_while_somebody_else_holds_the_mart(desk: Desk, published: Project):
    desk.sign_in()
    with published.held_mart():
        desk.send("/change/run", {"csrf": desk.csrf(), "force": "yes"})
        page = desk.ended()
    assert "It failed, and says why below." in page.words
    assert "HeldMartError" in page.words


def test_a_run_does_not_know_the_token(desk: Desk):
    assert os.environ[VARIABLE] == TOKEN
    desk.sign_in()
    desk.send("/change/run", {"csrf": desk.csrf(), "pipeline": "customers"})
    environment = Path(f"/proc/{desk.pid}/environ").read_text()
    assert "COLUMNS=160" in environment
    assert TOKEN not in environment
    desk.ended()


def test_a_run_that_is_stopped_says_so_and_publishes_nothing(desk: Desk, published: Project):
    desk.sign_in()
    before = published.content()
    desk.send("/change/run", {"csrf": desk.csrf(), "force": "yes"})
    assert desk.send("/change/stop", {"csrf": desk.csrf()}).status == 303
    page = desk.ended()
    assert "It was stopped; nothing was published." in page.words
    assert published.content() == before


def test_who_signed_in_stands_beside_the_run_that_they_started(desk: Desk):
    desk.sign_in(by=" Ana  <b>Ruiz</b> ")
    desk.send("/change/run", {"csrf": desk.csrf(), "pipeline": "products"})
    page = desk.ended()
    assert "started by Ana <b>Ruiz</b>." in page.words
    assert "<b>Ruiz" not in page.text


@pytest.mark.parametrize("by", ["", "  ", "x" * 81, "Ana\x00", "Ben"])
def test_the_token_needs_a_name_that_is_nobody_elses(by: str):
    access = Access(TOKEN, {"Ben": "b" * 24})
    assert access.sign_in(TOKEN, by) is None
    assert access.sign_in(TOKEN, "Ana") is not None


def test_a_token_of_a_person_tells_who_they_are_whatever_they_say():
    access = Access(TOKEN, named_tokens({"Ben  Ode": "b" * 24, "Cyd": "c" * 24}))
    session = access.session(access.sign_in("c" * 24, "Ben Ode") or "")
    assert session is not None
    assert session.by == "Cyd"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"Ben": "short"}, "shorter than 24"),
        ({"Ben": "b" * 24, "Cyd": "b" * 24}, "the same token"),
        ({"Ben": 5}, "no map"),
        ("b" * 24, "no map"),
    ],
)
def test_tokens_of_persons_that_tell_nobody_apart_are_refused(given: object, fault: str):
    with pytest.raises(UsageError, match=fault) as refused:
        named_tokens(given)
    assert "bbbb" not in str(refused.value)


def test_behind_a_proxy_everything_needs_the_token(far_desk: Desk):
    for path in ("/", "/metrics/revenue?format=csv", "/runs", "/nope"):
        answer = far_desk.ask("GET", path, Host="mart.example")
        assert (answer.status, answer.headers.get("location")) == (303, "/sign-in"), path
    assert far_desk.ask("GET", "/style.css", Host="mart.example").status == 200
    far_desk.sign_in()
    assert far_desk.ask("GET", "/metrics", Host="mart.example").status == 200
    assert far_desk.ask("GET", "/metrics", Host="other.example").status == 400


def test_behind_tls_the_cookie_goes_over_nothing_else(far_desk: Desk):
    answer = far_desk.send(
        "/sign-in",
        {"csrf": far_desk.access.sign_in_csrf, "token": TOKEN, "by": "Ana"},
        Host="mart.example",
        Origin="https://mart.example",
    )
    assert "secure" in {part.strip().lower() for part in answer.headers["set-cookie"].split(";")}


@pytest.mark.parametrize(("host", "names"), [("0.0.0.0", ()), (HOST, ("mart.example",))])
def test_reading_is_free_on_loopback_alone(
    published: Project, monkeypatch: pytest.MonkeyPatch, host: str, names: tuple[str, ...]
):
    monkeypatch.setenv(VARIABLE, TOKEN)
    console = console_of(None, show_personal=False)
    assert access_of(console, host, names, None)[0].everything
    assert not access_of(console, HOST, (), None)[0].everything


def test_a_token_is_made_once_and_kept_for_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    file = tmp_path / "data" / "console.token"
    token, place = token_of(file)
    assert len(token) >= 43
    assert (place, file.stat().st_mode & 0o777) == (str(file), 0o600)
    assert token_of(file)[0] == token
    assert token_of(tmp_path / "other.token")[0] != token


def test_a_token_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    file = tmp_path / "console.token"
    token, _ = token_of(file)
    file.chmod(0o640)
    with pytest.raises(UsageError, match="can be read by others") as refused:
        token_of(file)
    assert token not in str(refused.value)


def test_a_token_that_can_be_guessed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(VARIABLE, "x" * 23)
    with pytest.raises(UsageError, match="shorter than 24 characters"):
        token_of(tmp_path / "console.token")
    monkeypatch.setenv(VARIABLE, "x" * 24)
    assert token_of(tmp_path / "console.token") == ("x" * 24, VARIABLE)
