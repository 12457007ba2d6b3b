"""How PostgreSQL is reached, and what is said about it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from datamart_kedro.postgres import AddressError, address_of, cause_of, engine_of, place_of
from tests.project import psql


def cause_of_connecting(url: str) -> str:
    engine = engine_of(url, connect_timeout_s=2)
    with pytest.raises(Exception) as refusal:
        engine.raw_connection()
    return cause_of(refusal.value)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_every_way_to_name_the_driver_means_psycopg2(scheme: str):
    assert address_of(f"{scheme}://ann:pw@db/shop").render_as_string(False) == "postgresql+psycopg2://ann:pw@db/shop"


def test_a_server_answers_over_its_socket(postgres: str):
    connection = engine_of(postgres, connect_timeout_s=10).raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert cursor.fetchall() == [("datamart",)]
    finally:
        connection.close()


def test_a_connection_is_closed_when_it_is_given_back(postgres: str):
    engine_of(postgres, connect_timeout_s=10).raw_connection().close()
    is_open = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'datamart'"
    for _ in range(100):  # the server notices a little later
        if psql(postgres, is_open) == [(0,)]:
            return
        time.sleep(0.1)
    raise AssertionError("the connection is still open")


def test_what_the_address_says_itself_holds(postgres: str):
    connection = engine_of(f"{postgres}&application_name=mine", connect_timeout_s=10).raw_connection()
    try:
        cursor = connection.cursor()
        cursor.execute("SHOW application_name")
        assert cursor.fetchall() == [("mine",)]
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://ann:pw@db.example.com:5433/shop", "database shop at db.example.com:5433"),
        ("postgresql://ann:pw@/shop?host=/run/pg", "database shop at /run/pg"),
        ("postgresql://ann:pw@db", "database ann at db"),
        ("postgresql://db/shop?password=pw", "database shop at db"),
        ("postgresql://ann@/shop?host=a:1&host=b:2&password=pw", "database shop at a:1, b:2"),
        ("host=db password=pw", "PostgreSQL"),
    ],
)
def test_a_place_names_database_and_host_and_no_secret(url: str, place: str):
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("host=db password=secret", "It is not of the form postgresql://user:password@host:5432/database."),
        (
            "postgresql://ann:secret@db:port/shop",
            "It is not of the form postgresql://user:password@host:5432/database.",
        ),
        ("mysql://ann:secret@db/shop", "It does not begin with postgresql://."),
        ("postgresql://ann:top@secret@db/shop", "The password holds an @: write %40 for it."),
    ],
)
def test_what_is_no_address_is_refused_without_being_repeated(url: str, words: str):
    with pytest.raises(AddressError) as refusal:
        address_of(url)
    assert str(refusal.value) == words


def test_an_encoded_at_sign_is_part_of_the_password():
    assert address_of("postgresql://ann:top%40secret@db/shop").password == "top@secret"


def test_nothing_answering_is_said_in_few_words():
    assert cause_of_connecting("postgresql://ann:secret@127.0.0.1:1/shop") == "nothing answers there"
    assert cause_of_connecting("postgresql://ann:secret@/shop?host=/no/such/folder") == "nothing answers there"


def test_a_silent_server_is_given_up_after_the_time_out(silent_port: int):
    url = f"postgresql://ann:secret@127.0.0.1:{silent_port}/shop"
    assert cause_of_connecting(url) == "no answer within the connection time-out"


def test_an_unknown_database_or_role_is_named(postgres: str):
    url = make_url(postgres)
    unknown_database = url.set(database="nowhere").render_as_string(False)
    assert cause_of_connecting(unknown_database) == 'there is no database "nowhere"'
    unknown_role = url.set(username="nobody", password="secret").render_as_string(False)
    assert cause_of_connecting(unknown_role) == 'there is no role "nobody"'


def test_a_refused_password_names_the_role_alone():
    said = 'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "ann"'
    assert cause_of(ConnectionError(said)) == 'the password of "ann" was refused'


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (
            "SET statement_timeout = 1; SELECT pg_sleep(5)",
            "a statement took longer than its time-out, or was cancelled",
        ),
        ("SELECT pg_terminate_backend(pg_backend_pid())", "the server ended the connection"),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
    ],
)
def test_a_failing_statement_is_told_by_its_first_line(postgres: str, statement: str, words: str):
    connection = engine_of(postgres, connect_timeout_s=10).raw_connection()
    try:
        with pytest.raises(Exception) as refusal:
            connection.cursor().execute(statement)
        assert cause_of(refusal.value) == words
    finally:
        connection.invalidate()
