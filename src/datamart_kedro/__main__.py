"""``python -m datamart_kedro``: the same as ``kedro run``."""

from __future__ import annotations

import sys
from pathlib import Path

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*args: str) -> None:
    """Run with the options of ``kedro run``."""
    package_name = Path(__file__).parent.name
    configure_project(package_name)
    run = find_run_command(package_name)
    run(args or sys.argv[1:], prog_name=f"python -m {package_name}")


if __name__ == "__main__":
    main()
