"""A sample shop in a folder: all of its files or none, and nobody else's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from datamart_kedro.errors import UsageError
from datamart_kedro.sample import folder as module
from datamart_kedro.sample.folder import check_folder, read_shop, write_folder
from tests.sample.shops import FILES, files_of, shop


def test_a_folder_holds_the_shop_that_was_written(tmp_path: Path):
    write_folder(tmp_path / "new" / "place", shop(50, dirt=0.1))
    assert read_shop(tmp_path / "new" / "place") == shop(50, dirt=0.1)
    assert sorted(path.name for path in (tmp_path / "new" / "place").iterdir()) == sorted(FILES)


def test_the_number_of_rows_that_were_written_is_told(tmp_path: Path):
    told: list[int] = []
    rows = write_folder(tmp_path, shop(50, dirt=0.1), told.append)
    assert rows == {table: len(found) for table, found in files_of(tmp_path).items()}
    assert told[-1] == sum(rows.values())


def test_a_shop_may_be_replaced_by_another(tmp_path: Path):
    write_folder(tmp_path, shop(50))
    check_folder(tmp_path)
    write_folder(tmp_path, shop(60, seed=2))
    assert read_shop(tmp_path) == shop(60, seed=2)


def test_somebodys_files_are_not_replaced(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("mine")
    with pytest.raises(UsageError) as refusal:
        check_folder(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path}/orders.csv is there already, and no shop.json says that it belongs to a sample shop.\n"
        "  Nothing was written.\n"
        "  Name another folder with --to, or replace the files with --overwrite."
    )


def test_a_file_that_somebody_changed_is_not_replaced(tmp_path: Path):
    write_folder(tmp_path, shop(50))
    with (tmp_path / "customers.csv").open("a") as file:
        file.write("301,Ann\n")
    with pytest.raises(UsageError) as refusal:
        check_folder(tmp_path)
    assert str(refusal.value) == (
        f"{tmp_path}/customers.csv is not the file that shop.json describes: somebody changed it, or a command was"
        " interrupted while it replaced the files, so that some are older than others.\n"
        "  Nothing was written.\n"
        "  Replace all of them with --overwrite."
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "does not describe a sample shop: it is not a JSON object."),
        ("[]", "does not describe a sample shop: it is not a JSON object."),
        ("{}", "does not describe a sample shop: KeyError 'format'."),
        (json.dumps({**shop().to_dict(), "seed": None}), "does not describe a sample shop: TypeError"),
        (json.dumps({**shop().to_dict(), "format": 99}), "is a shop of format 99; this version makes format 1."),
    ],
)
def test_a_shop_json_that_is_none_is_refused(tmp_path: Path, text: str, said: str):
    (tmp_path / "shop.json").write_text(text)
    with pytest.raises(UsageError) as refusal:
        read_shop(tmp_path)
    assert refusal.value.happened.startswith(f"{tmp_path}/shop.json {said}")


def test_no_shop_is_refused_with_the_command_that_makes_one(tmp_path: Path):
    with pytest.raises(UsageError) as refusal:
        read_shop(tmp_path)
    assert str(refusal.value) == (
        f"There is no sample shop in {tmp_path}: shop.json is missing.\n"
        "  Nothing was written.\n"
        "  Make one with `kedro mart sample`, or name its folder with --to."
    )


def test_a_file_is_no_folder(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is a file, not a folder"):
        check_folder(tmp_path / "file")


def test_a_failure_while_files_are_written_leaves_the_old_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path, shop(50))
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    monkeypatch.setattr(module, "csv_lines", full_disk)
    with pytest.raises(UsageError) as refusal:
        write_folder(tmp_path, shop(60))
    assert str(refusal.value) == (
        f"The folder {tmp_path} cannot be written: No space left on device.\n"
        "  Its files are as they were.\n"
        "  Make room on the disk."
    )
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def full_disk(columns: object) -> None:
    raise OSError(28, os.strerror(28))


def test_a_failure_while_files_are_replaced_says_which_are_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_folder(tmp_path, shop(50))
    replace = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "orders.csv":
            raise PermissionError(13, os.strerror(13))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(UsageError) as refusal:
        write_folder(tmp_path, shop(60))
    assert str(refusal.value) == (
        f"{tmp_path}/orders.csv cannot be replaced: Permission denied.\n"
        "  These files are new, the others are old: customers.csv, products.csv.\n"
        "  Mend that, then repeat the command with --overwrite."
    )
    with pytest.raises(UsageError, match=r"customers\.csv is not the file that shop\.json describes"):
        check_folder(tmp_path)


def test_a_killed_command_leaves_the_old_shop(tmp_path: Path):
    write_folder(tmp_path, shop(50))
    before = {name: (tmp_path / name).read_bytes() for name in FILES}
    code = (
        "from datetime import date; from pathlib import Path; import sys;"
        "from datamart_kedro.sample.folder import write_folder; from datamart_kedro.sample.settings import SampleShop;"
        "write_folder(Path(sys.argv[1]), SampleShop(1, 5_000_000, date(2024, 1, 1), date(2025, 1, 1), 0.0))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    written = tmp_path / ".sample.partial" / "customers.csv"
    deadline = time.monotonic() + 30
    while not (written.exists() and written.stat().st_size > 1000) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert written.exists()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert {name: (tmp_path / name).read_bytes() for name in FILES} == before
    check_folder(tmp_path)
    write_folder(tmp_path, shop(60))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FILES)
