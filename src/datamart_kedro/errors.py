"""Refusals that explain themselves: what happened, what state the mart is in, what to do next.

They are click exceptions, so that ``kedro run`` prints the message alone and exits with code 1,
while a notebook sees an ordinary exception.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

UNTOUCHED = "Nothing was published, the mart is as it was."


class MartError(click.ClickException):
    """A refusal: `happened`, then the state of the mart, then the `next_step`."""

    def __init__(self, happened: str, next_step: str, state: str = UNTOUCHED) -> None:
        self.happened = happened
        self.state = state
        self.next_step = next_step
        super().__init__("\n  ".join(part for part in (happened, state, next_step) if part))

    def __str__(self) -> str:
        return str(self.message)

    def show(self, file: object = None) -> None:
        """Print the class and the message on standard error."""
        click.echo(f"{type(self).__name__}: {self.message}", file=file, err=True)  # type: ignore[arg-type]


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and what it came from; Kedro wraps what datasets raise."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refusal_in(error: BaseException) -> MartError | None:
    """The refusal among an exception and its causes."""
    return next((cause for cause in causes(error) if isinstance(cause, MartError)), None)


class SourceError(MartError):
    """A source cannot be read, or does not hold what its domain needs."""


class MissingTableError(MartError):
    """A run needs a table that nobody has made yet."""


class ParameterError(MartError):
    """A parameter is unknown, or its value is out of range."""


class MartFileError(MartError):
    """The mart file cannot be opened or written."""


class HeldMartError(MartFileError):
    """Another process has the mart file."""


class ContractError(MartError):
    """A published table would not hold what it promises."""


class SchemaError(MartError):
    """The columns of a table changed in a way that would lose values."""


class VersionError(MartError):
    """There is no such version of the mart, or it can no longer be read."""


class TrainingError(MartError):
    """A model cannot be trained, or must not be."""

    def __init__(self, happened: str, next_step: str) -> None:
        super().__init__(happened, next_step, f"{UNTOUCHED} Features that were published stay.")


class RunError(MartError):
    """A node failed."""


class RunStopped(MartError):
    """Somebody stopped the run."""

    exit_code = 130


class ReplicaError(MartError):
    """A replica cannot be brought to the mart's version."""


class UsageError(MartError):
    """A command was asked for something that it cannot do."""
