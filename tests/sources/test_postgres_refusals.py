"""What a shop's PostgreSQL refuses, and what a person reads."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url

from datamart_kedro.errors import SourceError
from datamart_kedro.sources import postgres_errors
from datamart_kedro.sources.postgres import PostgresSource
from tests.project import psql


def refusal(shop: PostgresSource, query: str) -> SourceError:
    """What a query is answered with."""
    with pytest.raises(SourceError) as caught:
        shop.check(query)
    return caught.value


def test_a_missing_table_is_named(shop: PostgresSource):
    error = refusal(shop, "SELECT * FROM shop.orderz")
    assert error.happened == f'{shop.place("")} answers: relation "shop.orderz" does not exist.'
    assert error.next_step == "Correct the table's name in the query, or put its schema in front."


def test_a_missing_column_is_named_with_what_the_server_suggests(shop: PostgresSource, postgres: str):
    psql(postgres, "CREATE TABLE orders (order_id int)")
    error = refusal(shop, "SELECT order_ids FROM orders")
    assert error.happened == f'{shop.place("")} answers: column "order_ids" does not exist.'
    assert error.next_step == (
        'Perhaps you meant to reference the column "orders.order_id". Correct the column\'s name in the query.'
    )


def test_a_slip_of_the_pen_is_shown(shop: PostgresSource):
    error = refusal(shop, "SELECT * FORM orders")
    assert error.happened == f'{shop.place("")} answers: syntax error at or near "FORM".'
    assert error.next_step == "Correct the query."


def test_what_a_query_computes_may_fail(shop: PostgresSource):
    error = refusal(shop, "SELECT 1 / (g - 3) AS order_id FROM generate_series(1, 5) AS g")
    assert (error.happened, error.next_step) == (f"{shop.place('')} answers: division by zero.", "Mend the query.")


def test_a_statement_that_takes_too_long_is_ended(postgres: str):
    shop = PostgresSource(postgres, connect_timeout_s=5, statement_timeout_s=1, attempts=1)
    error = refusal(shop, "SELECT pg_sleep(30)")
    assert error.happened == f"{shop.place('')} answers: the statement was ended after 1 s."
    assert error.next_step == "Make the query cheaper, or raise source.statement_timeout_s in globals.yml."


@pytest.fixture
def stranger(postgres: str) -> Iterator[str]:
    """URL of the database for a user who may read nothing."""
    name = make_url(postgres).database
    role = f"stranger_{name}"
    psql(
        postgres,
        f"CREATE ROLE {role} LOGIN PASSWORD 'x'",
        f"GRANT USAGE ON SCHEMA public TO {role}",
        "CREATE TABLE orders (order_id int)",
    )
    yield make_url(postgres).set(username=role, password="x").render_as_string(hide_password=False)
    psql(postgres, f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_user_without_rights_is_told_what_to_ask_for(stranger: str):
    shop = PostgresSource(stranger, connect_timeout_s=5, statement_timeout_s=60, attempts=1)
    error = refusal(shop, "SELECT * FROM orders")
    shop.close()
    assert error.happened == f"{shop.place('')} answers: permission denied for table orders."
    assert error.next_step == (
        "Let the user read it: GRANT USAGE ON SCHEMA and GRANT SELECT ON ALL TABLES IN SCHEMA;"
        " see docs/bring-your-own-shop.md."
    )


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fills with what is told before each new attempt."""
    told: list[str] = []
    monkeypatch.setattr(postgres_errors, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(postgres_errors.logger, "warning", lambda text, *values: told.append(text % values))
    return told


def test_a_server_that_is_not_there_is_tried_again_before_it_is_given_up(attempts: list[str]):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shop = PostgresSource(
        f"postgresql://ann:swordfish@127.0.0.1:{port}/shop", connect_timeout_s=2, statement_timeout_s=60, attempts=3
    )
    error = refusal(shop, "SELECT 1")
    place = f"database shop at 127.0.0.1:{port}"
    assert error.happened == f"{place} cannot be reached: nothing answers there (tried 3 times)."
    assert error.next_step == (
        "Check that the server is up, and DATAMART_SHOP_URL, or `shop: {url: ...}` in conf/local/credentials.yml."
    )
    assert len(attempts) == 2
    assert attempts[0].startswith(f"{place} cannot be reached: nothing answers there. Trying again in 0.")


def test_a_silent_server_is_given_up_after_the_time_out(attempts: list[str]):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        shop = PostgresSource(
            f"postgresql://ann@127.0.0.1:{port}/shop", connect_timeout_s=2, statement_timeout_s=60, attempts=1
        )
        error = refusal(shop, "SELECT 1")
    assert error.happened == (
        f"database shop at 127.0.0.1:{port} cannot be reached: no answer within the connection time-out (tried once)."
    )


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"password": "tunafish"}, 'the password of "ann" was refused'),
        ({"database": "shops"}, 'there is no database "shops"'),
    ],
)
def test_a_refused_login_is_not_tried_again(
    guarded_server: str, attempts: list[str], changed: dict[str, str], cause: str
):
    url = make_url(guarded_server).set(**changed)
    shop = PostgresSource(
        url.render_as_string(hide_password=False), connect_timeout_s=5, statement_timeout_s=60, attempts=3
    )
    error = refusal(shop, "SELECT 1")
    assert error.happened == f"{shop.place('')} cannot be reached: {cause}."
    assert error.next_step == "Correct DATAMART_SHOP_URL, or `shop: {url: ...}` in conf/local/credentials.yml."
    assert attempts == []


def test_the_right_password_opens(guarded_server: str):
    shop = PostgresSource(guarded_server, connect_timeout_s=5, statement_timeout_s=60, attempts=1)
    assert shop.check("SELECT 1 AS order_id").rows == 1
    shop.close()


@pytest.mark.parametrize("url", ["postgresql://ann:swordfish@db/shop", "postgresql://ann@db/shop?password=swordfish"])
def test_no_representation_shows_the_password(url: str):
    shop = PostgresSource(url, connect_timeout_s=5, statement_timeout_s=60, attempts=1)
    assert "swordfish" not in f"{shop!r} {shop} {vars(shop)} {shop.place('')}"


@pytest.mark.parametrize(
    "url", ["host=db password=swordfish", "mysql://ann:swordfish@db/shop", "postgresql://a:sw@ord@db"]
)
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str):
    with pytest.raises(SourceError) as caught:
        PostgresSource(url, connect_timeout_s=5, statement_timeout_s=60, attempts=1)
    assert caught.value.happened.startswith("The address of the shop's PostgreSQL cannot be used. ")
    assert caught.value.next_step == "Correct DATAMART_SHOP_URL, or `shop: {url: ...}` in conf/local/credentials.yml."
    assert not any(part in str(caught.value) for part in ("swordfish", "sw@ord"))
