"""The commands of the project: everything of ``kedro``, and ``kedro mart``."""

from __future__ import annotations

from importlib import import_module

import click
from kedro.framework.cli.project import run

__all__ = ["cli", "run"]  # `python -m datamart_kedro` looks for `run` here

COMMANDS = {
    "plan": "What a run would do, and why.",
    "status": "How fresh each domain is, and what is left over.",
    "watch": "Look at the shop again and again, and run when there is something new.",
    "history": "What past runs did.",
    "metric": "A figure by month, department, country...: what it means, and where it comes from.",
    "report": "One HTML file of what is published: figures, charts, freshness, rules, versions.",
    "console": "Look at what is published in a browser.",
    "rejected": "Rows that were set aside: counted by reason, or exported.",
    "replay": "Bring rows that were set aside through staging again.",
    "versions": "The versions of the mart: when, by which run, what changed.",
    "diff": "What changed between two versions.",
    "rollback": "Publish an earlier version again.",
    "prune": "Shorten the history.",
    "preview": "What changed rules would change in the published tables.",
    "verify": "Compare every published row with a full build from the same sources.",
    "backfill": "Read a past window of the sources again.",
    "verify-replica": "Compare every row that PostgreSQL serves with the mart, and mend what differs.",
    "restore": "Rebuild a lost mart file from the tables that PostgreSQL serves.",
    "grant": "Let a role read what PostgreSQL serves.",
    "forget": "Erase a customer, and prove it.",
    "sample": "Make an operational shop's source data, or let time pass in it.",
    "serve-sample": "Serve a sample shop's files as a JSON API.",
    "new-domain": "Write the files of a new domain.",
}


class LazyGroup(click.Group):
    """Imports a command when it is used: `plan` answers before `sample` has imported its arrays."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"datamart_kedro.commands.{cmd_name.replace('-', '_')}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(name="datamart_kedro")
def cli() -> None:
    """Command line of the data mart."""


@cli.group(cls=LazyGroup)
def mart() -> None:
    """Look after the mart: plan a run, see how fresh it is, look at its versions, make a sample shop, add a domain."""
