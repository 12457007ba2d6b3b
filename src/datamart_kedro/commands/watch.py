"""``kedro mart watch``: run when there is something new."""

from __future__ import annotations

import logging
import random
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from queue import SimpleQueue
from typing import Any

import click
from kedro.framework.cli.utils import env_option, split_string

from datamart_kedro.config import project_folder, settings_of
from datamart_kedro.errors import SourceError, UsageError
from datamart_kedro.pipeline_registry import register_pipelines
from datamart_kedro.session import GatedSession
from datamart_kedro.watch.settings import WatchSettings

logger = logging.getLogger(__name__)


@click.command("watch")
@env_option
@click.option(
    "--every", "every_s", type=float, default=None, help="Seconds from one look to the next; see globals.yml."
)
@click.option("--pipelines", "names", default="", callback=split_string, help="As for `kedro run`.")
@click.option("--port", type=int, default=None, help="Of health and metrics on 127.0.0.1; 0 for any that is free.")
@click.option("--trigger-sql", is_flag=True, help="Print the triggers that make PostgreSQL tell of changes, and end.")
def command(env: str | None, every_s: float | None, names: list[str], port: int | None, trigger_sql: bool) -> None:
    """Look at the shop again and again, and run when there is something new.

    Ends on SIGTERM or Ctrl-C when the run under way is done; asked twice, it ends the run as well. Exit code 0, or 130
    if a run was cut off.
    """
    unknown = [name for name in names if name not in register_pipelines()]
    if unknown:
        raise UsageError(f"There is no pipeline {', '.join(unknown)}.", "See `kedro registry list`.", state="")
    with GatedSession.create(project_folder(), env=env, save_on_close=False) as session:
        assert isinstance(session, GatedSession)
        session.checked_catalog()
        loader = session.load_context().config_loader
        configured, credentials = loader["globals"], loader["credentials"]
    given = {"every_s": every_s, "port": port}
    settings = settings_of(
        WatchSettings,
        "watch",
        {**configured.get("watch", {}), **{name: value for name, value in given.items() if value is not None}},
    )
    source: Mapping[str, Any] = configured["source"]
    url = _secret(credentials, "shop", "url") if source["kind"] == "postgres" else None
    if trigger_sql:
        click.echo(_trigger_sql(url, settings.channel, source))
        return
    sys.exit(_watch(env, names, settings, url, _secret(credentials, "watch", "webhook_url")))


def _secret(credentials: Mapping[str, Any], block: str, name: str) -> str | None:
    return (credentials.get(block) or {}).get(name) or None


def _trigger_sql(url: str | None, channel: str | None, source: Mapping[str, Any]) -> str:
    import psycopg2

    from datamart_kedro.pipeline_registry import DOMAINS
    from datamart_kedro.postgres import cause_of, engine_of, place_of
    from datamart_kedro.sources.query import read_query
    from datamart_kedro.watch.triggers import tables_read, trigger_sql

    if url is None or channel is None:
        raise UsageError(
            "There is no PostgreSQL that could tell of changes.",
            "Name an environment whose source is one, such as --env postgres, and a watch.channel in globals.yml.",
            state="",
        )
    queries = [read_query(project_folder() / source["queries"], domain).sql for domain in DOMAINS]
    try:
        pooled = engine_of(url, connect_timeout_s=10).raw_connection()
        connection: Any = pooled.driver_connection
        try:
            return trigger_sql(connection, tables_read(connection, queries), channel)
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise SourceError(f"{place_of(url)} cannot be asked: {cause_of(error)}.", "Mend that.") from None


def _watch(env: str | None, names: list[str], settings: WatchSettings, url: str | None, webhook_url: str | None) -> int:
    from datamart_kedro.watch.crew import Crew
    from datamart_kedro.watch.health import HealthServer, pages
    from datamart_kedro.watch.listener import Listener
    from datamart_kedro.watch.metrics import Metrics
    from datamart_kedro.watch.schedule import Schedule
    from datamart_kedro.watch.watch import Event, Watch
    from datamart_kedro.watch.webhook import Webhook

    metrics = Metrics()
    about = {"project": project_folder().name, "environment": env or "base", "pipelines": names or ["__default__"]}
    with ExitStack() as open_things:
        webhook = Webhook(webhook_url, metrics.webhook) if webhook_url else None
        if webhook:
            open_things.callback(webhook.close, 5.0)
        events: SimpleQueue[Event] = SimpleQueue()
        workers = Crew(project_folder(), env, names, events.put)
        watch = Watch(settings, Schedule(settings, random.random), workers, events, metrics, webhook, about)
        watch.heed_signals()
        if settings.port is not None:
            server = HealthServer(settings.port, pages(watch.health, metrics.registry))
            open_things.callback(server.close)
            logger.info("Health and metrics: %s/health, %s/metrics", server.url, server.url)
        if url and settings.channel:
            listener = Listener(url, settings.channel, events.put)
            open_things.callback(listener.close)
            listener.start()
        logger.info("The shop is looked at every %g s.", settings.every_s)
        return watch.go()
