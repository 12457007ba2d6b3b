"""A mart built in full from the same sources, in a scratch place: what a refresh is held against."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader

from datamart_kedro.config import MartConfigLoader, project_folder
from datamart_kedro.datasets.replica import Replica
from datamart_kedro.errors import MartError, RunError, VersionError
from datamart_kedro.mart.forgotten import note_forgotten_of
from datamart_kedro.mart.ledger import LEDGER, current_version
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.readable import release
from datamart_kedro.overrides.kept import Override
from datamart_kedro.session import GatedSession

PREFIX = "verify-"
"""How the name of a scratch folder begins; the id of its process follows."""
AS_IT_IS = "The mart is as it was; it was only read."


class ScratchSession(GatedSession):
    """A session of the same environment whose runs write below a folder, and serve nobody."""

    scratch: Path
    proposed: Sequence[Override] = ()

    def _get_config_loader(self) -> AbstractConfigLoader:
        loader = super()._get_config_loader()
        assert isinstance(loader, MartConfigLoader)
        loader.proposed = self.proposed
        given = loader["globals"]
        files = {name: str(self.scratch / name) for name in given.get("files", {})}
        elsewhere = {
            "path": str(self.scratch / "datamart.duckdb"),
            "temp_folder": str(self.scratch / "tmp"),
            "readable_copy": None,
        }
        loader["globals"] = {
            **given,
            "mart": {**given["mart"], **elsewhere},
            "replica": {**given.get("replica", {}), "enabled": False},
            "files": files,
        }
        return loader


@contextmanager
def rebuilt(env: str | None, published: Mart, proposed: Sequence[Override] = ()) -> Iterator[Path]:
    """Build all domains in full from their sources, and give the mart file; it is gone afterwards.

    Sources, parameters, the treatment of personal data and the persons who were erased are those of the mart, but for
    what is proposed.

    Args:
        env: The environment.
        published: Its mart, which is read, and closed while the other one is built: runs go on meanwhile.
        proposed: Rules that are tried.

    Raises:
        VersionError: Nothing is published yet.
        RunError: The other one cannot be built.
    """
    if not published.exists(LEDGER.name) or current_version(published) == 0:
        raise VersionError("The mart has no version yet.", "Make one with `kedro run`.", "")
    scratch = _scratch_folder(Path(published.settings.temp_folder))
    try:
        with ScratchSession.create(
            project_folder(), env=env, runtime_params={"full": True}, save_on_close=False
        ) as session:
            assert isinstance(session, ScratchSession)
            session.scratch, session.proposed = scratch, proposed
            made = _mart_in(session.checked_catalog())
            note_forgotten_of(published, made)
            release(published)
            _run(session)
            made.close()
        yield made.path
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(session: GatedSession) -> None:
    logger = logging.getLogger("datamart_kedro")
    level = logger.level
    logger.setLevel(logging.ERROR)  # what this run says of its mart would be taken for what is said of the other
    try:
        session.run()
    except MartError as error:
        raise RunError(
            f"The mart that this one is held against cannot be built: {error.happened}", error.next_step, AS_IT_IS
        ) from None
    finally:
        logger.setLevel(level)


def _mart_in(catalog: Any) -> Mart:
    replica = catalog.get("replica")
    assert isinstance(replica, Replica)
    return replica.mart


def _scratch_folder(temp_folder: Path) -> Path:
    """An empty folder of this process; those of processes that were killed are removed."""
    for left in temp_folder.glob(f"{PREFIX}*"):
        if not _is_alive(left.name.removeprefix(PREFIX)):
            shutil.rmtree(left, ignore_errors=True)
    folder = temp_folder / f"{PREFIX}{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _is_alive(pid: str) -> bool:
    with suppress(ProcessLookupError, ValueError):
        try:
            os.kill(int(pid), 0)
        except PermissionError:
            return True
        return True
    return False
