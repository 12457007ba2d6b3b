"""A console that answers on loopback, in a thread of the test."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import duckdb

from datamart_kedro.console.console import Console
from datamart_kedro.console.serve import HOST, listen, server_of
from datamart_kedro.control.personal_data import PersonalDataRules
from datamart_kedro.mart.mart import MartSettings


@dataclass
class Answer:
    """What the console said."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def words(self) -> str:
        """Its text as a person reads it."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.text)).split())


@dataclass
class Served:
    """A console and its address."""

    console: Console
    port: int

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def get(self, target: str, host: str | None = None, method: str = "GET") -> Answer:
        """Ask for a path and query as they are, without mending them."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True)
            connection.putheader("Host", f"{HOST}:{self.port}" if host is None else host)
            connection.endheaders()
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read().decode())
        finally:
            connection.close()


@contextmanager
def served(folder: Path, **how: object) -> Iterator[Served]:
    """Serve what is published in a project's folder."""
    data = folder / "data"
    copy = data / "published.duckdb"
    settings = MartSettings(str(data / "datamart.duckdb"), str(data / "tmp"), str(folder), readable_copy=str(copy))
    console = Console(settings, copy, **{"time_zone": "UTC", "personal": PersonalDataRules(), **how})
    listener = listen(0)
    server = server_of(console)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Served(console, listener.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
        console.close()


def add_models(copy: Path) -> None:
    """What models would have published for the tiny shop, and the sales that they learnt from."""
    with duckdb.connect(copy) as connection:
        for statement in MODELS:
            connection.execute(statement)


_END = "_version AS _version_to, _valid_from AS _valid_to"
_NOW = "TIMESTAMP '2025-03-01'"
MODELS = (
    "CREATE TABLE tb_churn_scores AS SELECT customer_id, DATE '2025-03-01' AS cutoff_date, 90 AS horizon_days,"
    " 0.25 AS churn_probability, 1 AS churn_rank, 1 AS churn_decile, 'logistic regression' AS model_name,"
    f" 'v' AS model_version, 'h' AS feature_set_hash, {_NOW} AS scored_at, 1 AS _version, {_NOW} AS _valid_from"
    " FROM tb_customers",
    "CREATE TABLE tb_customer_segments AS SELECT customer_id, DATE '2025-03-01' AS cutoff_date, 1 AS segment_id,"
    " 'recent, frequent' AS segment_name, 0.5 AS distance, 0.5 AS confidence, 'k-means' AS model_name,"
    f" 'v' AS model_version, 'h' AS feature_set_hash, {_NOW} AS scored_at, 1 AS _version, {_NOW} AS _valid_from"
    " FROM tb_customers",
    "CREATE TABLE ft_sales_daily AS SELECT s AS unique_id, DATE '2025-02-01' + CAST(d AS INTEGER) AS ds,"
    " CAST(d AS DECIMAL(18, 3)) AS y_units, CAST(d * 10 AS DECIMAL(18, 2)) AS y_net_amount, true AS is_complete,"
    f" 1 AS _version, {_NOW} AS _valid_from FROM range(28) AS t (d), (VALUES ('total'), ('department=Media')) AS u (s)",
    "CREATE TABLE tb_forecasts AS SELECT s AS unique_id, split_part(s, '=', 1) AS level,"
    " DATE '2025-03-01' + CAST(d AS INTEGER) AS ds, DATE '2025-03-01' AS cutoff_date,"
    " CAST(30 AS DECIMAL(18, 3)) AS y_units, CAST(20 AS DECIMAL(18, 3)) AS y_units_lower,"
    " CAST(40 AS DECIMAL(18, 3)) AS y_units_upper, CAST(300.5 AS DECIMAL(18, 2)) AS y_net_amount,"
    " CAST(200 AS DECIMAL(18, 2)) AS y_net_amount_lower, CAST(400 AS DECIMAL(18, 2)) AS y_net_amount_upper,"
    f" 'seasonal_naive' AS model_name, 'v1' AS model_version, {_NOW} AS made_at, 1 AS _version, {_NOW} AS _valid_from"
    " FROM range(14) AS t (d), (VALUES ('total'), ('department=Media')) AS u (s)",
    f"CREATE TABLE tb_churn_scores_history AS SELECT *, {_END} FROM tb_churn_scores LIMIT 0",
    f"CREATE TABLE tb_customer_segments_history AS SELECT *, {_END} FROM tb_customer_segments LIMIT 0",
)
