"""``kedro mart serve-sample``: the sample shop as a JSON API."""

from __future__ import annotations

from pathlib import Path

import click

from datamart_kedro.sample.api import SampleApi


@click.command("serve-sample")
@click.option("--from", "folder", default="data/01_raw", show_default=True, help="Folder of the shop's files.")
@click.option("--port", default=8765, show_default=True, help="Where it listens, on this machine alone; any if 0.")
@click.option("--token", default="sample", show_default=True, help="What a request has to show.")
def command(folder: str, port: int, token: str) -> None:
    """Serve the sample shop as a paged JSON API, to try `kedro run --env api` on; Ctrl-C stops it."""
    with SampleApi(Path(folder), port, token) as server:
        click.echo(f"Serving {folder} at {server.url} until Ctrl-C. In another terminal:")
        click.echo(f"DATAMART_SHOP_TOKEN={token} kedro run --env api")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("Stopped.")
