"""Alerts that are posted to a receiver on this machine, which misbehaves."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest

from datamart_kedro.errors import ParameterError
from datamart_kedro.watch import webhook
from datamart_kedro.watch.webhook import UndeliveredError, Webhook, deliver

SECRET = "/hooks/s3cr3t-path"


class Receiver:
    """Keeps what is posted, and answers what it is told to; 200 when it is told no more."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, object]] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append({"path": self.path, **json.loads(body)})
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}{SECRET}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.001)
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=2) as made:
        yield made


def test_an_alert_arrives_as_json(receiver: Receiver, client: httpx.Client):
    deliver(client, receiver.url, {"event": "failure"})
    assert receiver.bodies == [{"path": SECRET, "event": "failure"}]


@pytest.mark.parametrize("answer", [500, 503, 429])
def test_a_receiver_that_is_busy_is_tried_again(receiver: Receiver, client: httpx.Client, answer: int):
    receiver.answers = [answer, answer]
    deliver(client, receiver.url, {})
    assert len(receiver.bodies) == 3


@pytest.mark.parametrize("answer", [400, 404, 307])
def test_a_receiver_that_refuses_is_not_asked_again_and_redirects_are_not_followed(
    receiver: Receiver, client: httpx.Client, answer: int
):
    receiver.answers = [answer]
    with pytest.raises(UndeliveredError, match=f"^it answered {answer}$"):
        deliver(client, receiver.url, {})
    assert [body["path"] for body in receiver.bodies] == [SECRET]


def test_a_receiver_that_never_answers_well_is_given_up_after_four_attempts(receiver: Receiver, client: httpx.Client):
    receiver.answers = [500] * 9
    with pytest.raises(UndeliveredError, match=r"^it answered 500$"):
        deliver(client, receiver.url, {})
    assert len(receiver.bodies) == 4


def test_what_is_lost_is_counted_and_the_address_is_written_nowhere(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    receiver.answers = [307]
    outcomes: list[str] = []
    hook = Webhook(receiver.url, outcomes.append)
    hook.post({"event": "failure"})
    hook.post({"event": "recovery"})
    hook.close(10)
    assert outcomes == ["lost", "delivered"]
    assert "The webhook took no alert (failure): it answered 307; the watch goes on." in caplog.text
    assert [body["path"] for body in receiver.bodies] == [SECRET, SECRET]
    assert "s3cr3t" not in caplog.text + repr(hook)


def test_a_receiver_that_is_not_there_is_lost_without_its_address(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.001)
    outcomes: list[str] = []
    hook = Webhook(f"http://127.0.0.1:9{SECRET}", outcomes.append)
    hook.post({"event": "failure"})
    hook.close(10)
    assert outcomes == ["lost"]
    assert "ConnectError" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_slow_receiver_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch):
    gate = threading.Event()
    monkeypatch.setattr(webhook, "MAX_WAITING", 1)
    monkeypatch.setattr(webhook, "deliver", lambda *_: gate.wait(10))
    outcomes: list[str] = []
    hook = Webhook("http://127.0.0.1:9/", outcomes.append)
    for _ in range(5):
        hook.post({})
    assert set(outcomes) == {"lost"}
    gate.set()
    hook.close(10)


def test_what_is_no_address_is_refused_without_repeating_it():
    with pytest.raises(ParameterError) as refusal:
        Webhook("hooks.example.com/s3cr3t", print)
    assert refusal.value.happened == "The address of the webhook does not begin with https:// or http://."
    assert "s3cr3t" not in str(refusal.value)
