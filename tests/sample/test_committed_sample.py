"""The sample shop in data/01_raw: what the default run reads."""

from __future__ import annotations

import json
import re
from pathlib import Path

from click.testing import CliRunner

from datamart_kedro.commands.sample import command
from datamart_kedro.sample.places import COUNTRIES
from datamart_kedro.sample.source_tables import FAULTS_OF
from tests.sample.shops import COMMITTED, FILES, files_of


def test_the_committed_files_are_what_the_command_makes(tmp_path: Path):
    done = CliRunner().invoke(command, ["--to", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made = {name: (tmp_path / name).read_bytes() for name in FILES}
    committed = {name: (COMMITTED / name).read_bytes() for name in FILES}
    assert [name for name in FILES if made[name] != committed[name]] == []


def test_it_has_about_a_thousand_customers_in_two_years():
    rows = {table: len(found) for table, found in files_of(COMMITTED).items()}
    assert 950 <= rows["customers"] <= 1050
    assert json.loads((COMMITTED / "shop.json").read_text())["day"] == "2025-12-31"


def test_every_kind_of_fault_is_planted_at_least_once():
    planted = {(row["domain"], row["fault"]) for row in files_of(COMMITTED)["faults"]}
    kinds = {(domain, fault.name) for domain, faults in FAULTS_OF.items() for fault in faults}
    assert kinds - planted == set()


def test_every_address_belongs_to_a_domain_kept_for_examples():
    addresses = [row["email"] for row in files_of(COMMITTED)["customers"] if "@" in row["email"]]
    foreign = [text for text in addresses if not re.search(r"[@. ]?example\.?(com|org|net)$", text.lower())]
    assert (len(addresses) > 800, foreign) == (True, [])


def test_every_telephone_number_begins_as_its_country_allows_for_made_up_ones():
    prefixes = {country.name: country.phone for country in COUNTRIES}
    rows = [row for row in files_of(COMMITTED)["customers"] if row["phone"][:1] == "+" and row["country"] in prefixes]
    assert len(rows) > 500
    assert [
        row["phone"] for row in rows if not re.fullmatch(re.escape(prefixes[row["country"]]) + r"\d\d", row["phone"])
    ] == []


def test_names_are_not_all_ascii_and_postal_codes_keep_their_zeros():
    rows = files_of(COMMITTED)["customers"]
    assert sum(not row["last_name"].isascii() for row in rows) > 100
    assert sum(row["postal_code"].startswith("0") for row in rows) > 50
