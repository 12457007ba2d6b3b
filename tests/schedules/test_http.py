"""Runs over HTTP: `kedro server` as a process, and the example of a client."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from kedro.framework.session import KedroServiceSession
from kedro.runner import ThreadRunner

from datamart_kedro.errors import HeldMartError, UsageError
from datamart_kedro.service import gate_service_sessions
from tests.project import Project
from tests.schedules.conftest import ALL, EXAMPLES, GATED, runs
from tests.shop import SHOP


@pytest.fixture
def server(project: Project) -> Iterator[str]:
    """Address of a server of the project."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kedro = str(Path(sys.executable).parent / "kedro")
    with subprocess.Popen(
        [kedro, "server", "start", "--port", str(port)],
        cwd=project.folder,
        env={**os.environ, "DO_NOT_TRACK": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not _answers(f"http://127.0.0.1:{port}"):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ask(url: str, **wanted: Any) -> dict[str, Any]:
    answer: dict[str, Any] = httpx.post(f"{url}/run", json=wanted, timeout=60, trust_env=False).json()
    return answer


def client(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "http" / "run.py"), *arguments], capture_output=True, text=True, check=False
    )


def test_a_server_asks_the_gates(project: Project, server: str):
    assert [ask(server)["status"] for _ in range(2)] == ["success", "success"]
    assert runs(project) == GATED


def test_the_client_tells_a_run_that_went_well_from_one_that_did_not(project: Project, server: str):
    assert client(server, '{"pipeline_names": ["products"]}').returncode == 0
    project.source("products").unlink()
    failed = client(server)
    assert failed.returncode == 1
    assert "There is no file data/01_raw/products.csv." in failed.stdout
    assert "the mart is as it was." in failed.stdout
    assert runs(project)[0] == ("published", "products")


def test_parameters_are_taken_over_http(project: Project, server: str):
    ask(server)
    ask(server, params={"force": "products"}, pipeline_names=["products"])
    assert runs(project)[1] == ("published", "products")


@pytest.fixture
def service(project: Project) -> KedroServiceSession:
    """A session as the server has it."""
    return KedroServiceSession.create(project_path=project.folder)


def test_a_session_of_the_server_is_used_again_and_sees_what_changed(project: Project, service: KedroServiceSession):
    service.run()
    project.write_source("customers", SHOP["customers"][:1])
    service.run()
    service.run()
    assert runs(project)[1:] == [("published skipped", ALL), ("skipped", ALL)]
    assert project.query("SELECT count(*) FROM tb_customers") == [(1,)]


def test_nodes_that_are_named_run_whatever_their_gates_say(project: Project, service: KedroServiceSession):
    service.run()
    service.run(node_names=["build_products"])
    assert runs(project)[1] == ("published", "products")


def test_runners_of_several_threads_are_refused(service: KedroServiceSession):
    with pytest.raises(UsageError, match="ThreadRunner cannot be used"):
        service.run(runner=ThreadRunner())


def test_a_second_run_of_one_server_is_refused_while_the_first_has_the_mart(
    project: Project, service: KedroServiceSession, monkeypatch: pytest.MonkeyPatch
):
    begun, may_end = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        assert may_end.wait(40)

    monkeypatch.setattr("datamart_kedro.gated_runner.confirm_shops", wait)
    first = threading.Thread(target=service.run)
    first.start()
    assert begun.wait(40)
    with pytest.raises(HeldMartError) as refusal:
        service.run()
    may_end.set()
    first.join()
    assert refusal.value.happened == "This server has another run under way."
    assert runs(project) == [("published", ALL)]


def test_a_run_of_one_server_waits_for_another_if_it_may(
    project: Project, service: KedroServiceSession, monkeypatch: pytest.MonkeyPatch
):
    (project.folder / "conf" / "local" / "globals.yml").write_text("mart: {wait_s: 60}\n")
    both = [threading.Thread(target=service.run) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert runs(project) == GATED


def test_sessions_are_put_behind_the_gates_once(project: Project):
    before = KedroServiceSession.run
    gate_service_sessions()
    assert KedroServiceSession.run is before
