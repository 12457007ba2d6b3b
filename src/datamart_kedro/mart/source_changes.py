"""Read from a source what changed since it was staged last, and make sure that nothing was missed.

The window of `updated_at` brings the rows that say of themselves that they changed. Whether they are all is told by the
source's totals: what it held before, less the rows that are replaced, plus those that came, must be what it holds now,
in number and in the sum of `updated_at`. Where that does not add up, or when it is time to, the keys are compared: rows
that were missed are read by their keys, and rows that are gone are taken out.
"""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from datamart_kedro.columns import CLOCK, SourceColumn
from datamart_kedro.control.decision import StagedLoad
from datamart_kedro.control.reading import Reading
from datamart_kedro.expressions.formats import Formats
from datamart_kedro.expressions.judge import FORGOTTEN
from datamart_kedro.expressions.parse import in_range, read, tidy
from datamart_kedro.mart.domains import published_table, source_columns
from datamart_kedro.mart.mart import Mart, literal, quoted
from datamart_kedro.sources.parts import IN_RANGE, SourceParts, TooManyKeysError, Totals, changed_since

FIRST = "first part of the key, as it came"
"""Working columns have blanks in their names, so that no column of a domain is called like them."""


SUM_OF_CLOCKS = f"coalesce(sum(epoch_us(CASE WHEN {IN_RANGE.format(clock=CLOCK)} THEN {CLOCK} END)), 0)"


@dataclass(frozen=True)
class Changes:
    """What a run reads of a domain's source instead of all of it.

    Attributes:
        rows: Rows that were read, in ``source_<domain>``.
        touched: Keys of those rows and of the rows that are gone, in ``touched_<domain>``.
        compared: Were all keys compared?
        read_again: Condition in SQL of rejected rows without a key that were read again, or are gone.
    """

    rows: int
    touched: int
    compared: bool
    read_again: str


@dataclass(frozen=True)
class ChangedSource:
    """A domain's source, of which only the changes are to be read.

    Attributes:
        mart: Open for writing.
        domain: Such as ``orders``.
        parts: Its rows.
        columns: What it gives, with the engine's types.
        formats: How it writes what is in them.
        before: What is staged.
    """

    mart: Mart
    domain: str
    parts: SourceParts
    columns: dict[str, str]
    formats: Formats
    before: StagedLoad

    def read(self, reading: Reading, there: Totals, full_from_share: float) -> Changes | Reading:
        """Read the changes.

        Args:
            reading: Since when.
            there: What the source holds.
            full_from_share: Share of the rows from which all have to be read.

        Returns:
            What was read; or, if that does not do, why all rows have to be.
        """
        assert reading.since is not None
        if self._holds_forgotten():
            return Reading("the source still has rows of erased persons")
        when = (reading.since, self.columns[CLOCK], self.formats.time_zone)
        window, window_of_source = changed_since(*when), changed_since(*when, all_tell=self.parts.all_tell)
        changed = self.parts.count(window_of_source)
        if changed > full_from_share * there.rows:
            return Reading(f"{changed:,} of {there.rows:,} rows changed since {reading.since:%Y-%m-%d %H:%M:%S}")
        # As the source wrote it, since that is what a rejected row keeps.
        read_again = f"(({self._any_key_missing()}) AND ({window.replace(CLOCK, f'came.{CLOCK}')}))"
        try:
            rows = self.parts.read(self.source, window_of_source)
            if not self._has_whole_key:
                rows = self._read_more(f"SELECT DISTINCT {quoted(self.key[0])} FROM temp.{quoted(self.source)}")
            self._note_keys()
            compared = reading.compare_keys or not self._adds_up(there, read_again)
            if compared:
                more = self._compare_keys(read_again)
                if more is None:
                    return Reading("rows without a key changed, which cannot be asked for one by one")
                rows = more
        except TooManyKeysError:
            return Reading("more rows were missed than can be asked for one by one")
        self._note_touched()
        return Changes(rows, self.mart.rows(self.touched), compared, read_again)

    @property
    def source(self) -> str:
        """Table of the rows read."""
        return f"source_{self.domain}"

    @property
    def touched(self) -> str:
        """Table of the keys that a run touches."""
        return f"touched_{self.domain}"

    @property
    def key(self) -> list[str]:
        """The part of the published key that the source gives."""
        return [name for name in published_table(self.domain).key if name in self.columns]

    @property
    def _has_whole_key(self) -> bool:
        """Does the source give the whole key? If not, rows are numbered within what it gives, and go together."""
        return len(self.key) == len(published_table(self.domain).key)

    def _holds_forgotten(self) -> bool:
        rejected = quoted(f"tmp_{self.domain}_rejected")
        return bool(self.mart.scalar(f"SELECT count(*) FROM {rejected} WHERE contains(reasons, {literal(FORGOTTEN)})"))

    def _any_key_missing(self) -> str:
        return " OR ".join(f"{quoted(name)} IS NULL" for name in self.key)

    def _note_keys(self) -> None:
        """Keep the keys of the rows read, as they are staged, and when they changed."""
        self.mart.execute(f"CREATE OR REPLACE TEMP TABLE {self._came} AS {self._typed(self.source)}")
        self.mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._gone} AS SELECT {self._keys()} FROM temp.{self._came} LIMIT 0"
        )

    def _note_touched(self) -> None:
        self.mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {quoted(self.touched)} AS SELECT DISTINCT * FROM"
            f" (SELECT {self._keys()} FROM temp.{self._came} UNION ALL FROM temp.{self._gone})"
            f" WHERE NOT ({self._any_key_missing()})"
        )
        for name in (self._came, self._gone, self._there):
            self.mart.execute(f"DROP TABLE IF EXISTS temp.{name}")

    def _typed(self, table: str) -> str:
        """SELECT of the key and updated_at of rows, as they are staged, and the first part of the key as it came."""
        rows = self.mart.table(table, temporary=True)
        declared = {**source_columns(self.domain), CLOCK: SourceColumn("instant")}
        typed = {name: self._read(rows[name], declared[name]) for name in (*self.key, CLOCK)}
        typed[CLOCK] = in_range(typed[CLOCK])
        return self.mart.compile(rows.select(**{FIRST: rows[self.key[0]]}, **typed))

    def _read(self, came: ir.Value, column: SourceColumn) -> ir.Value:
        return read(tidy(came, column.kind, self.formats), column.kind, self.formats)

    def _adds_up(self, there: Totals, read_again: str) -> bool:
        """Is the source what it was, less what is replaced, plus what came?"""
        staged, rejected, duplicates = (quoted(f"tmp_{self.domain}{part}") for part in ("", "_rejected", "_duplicates"))
        came = f"(SELECT DISTINCT {self._keys()} FROM temp.{self._came})"
        of_came = f"SEMI JOIN {came} AS came ON {self._same('old', 'came')}"
        if self.mart.scalar(f"SELECT count(*) FROM {duplicates} AS old {of_came}"):
            return False  # how often they come now is not known
        replaced = self._totals(
            f"SELECT old.{CLOCK} FROM {staged} AS old {of_came}"
            f" UNION ALL SELECT old.{CLOCK} FROM {rejected} AS old {of_came}"
            f" UNION ALL SELECT {CLOCK} FROM {rejected} WHERE {read_again}"
        )
        before = Totals(self.before.source_rows, self.before.source_clock)
        return before - replaced + self._totals(f"SELECT {CLOCK} FROM temp.{self._came}") == there

    def _totals(self, clocks: str) -> Totals:
        ((rows, clock),) = self.mart.execute(f"SELECT count(*), {SUM_OF_CLOCKS} FROM ({clocks})")
        return Totals(int(rows), int(clock))

    def _compare_keys(self, read_again: str) -> int | None:
        """Hold the keys of the source against those staged, and read what was missed.

        Returns:
            Number of rows read in all; None if rows differ that have no key.
        """
        self.parts.read(f"keys_{self.domain}", columns=[*self.key, CLOCK])
        self.mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._there} AS SELECT {self._keys()}, count(*) AS copies,"
            f" max({CLOCK}) AS newest, {SUM_OF_CLOCKS} AS clock, any_value({quoted(FIRST)}) AS first"
            f" FROM ({self._typed(f'keys_{self.domain}')}) GROUP BY ALL"
        )
        self.mart.drop_temporary(f"keys_{self.domain}")
        same = " AND ".join(f"there.{quoted(name)} IS NOT DISTINCT FROM here.{quoted(name)}" for name in self.key)
        keys = ", ".join(f"coalesce(there.{quoted(n)}, here.{quoted(n)}) AS {quoted(n)}" for n in self.key)
        self.mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._there} AS"
            f" SELECT {keys}, there.first, there.copies IS NOT NULL AS is_there FROM temp.{self._there} AS there"
            f" FULL JOIN ({self._here(read_again)}) AS here ON {same}"
            " WHERE (there.copies, there.newest) IS DISTINCT FROM (here.copies, here.newest)"
            " OR (there.clock IS DISTINCT FROM here.clock AND NOT here.has_superseded)"
        )
        if self.mart.scalar(f"SELECT count(*) FROM temp.{self._there} WHERE {self._any_key_missing()}"):
            return None
        rows = self._read_more(f"SELECT DISTINCT first FROM temp.{self._there} WHERE is_there")
        self.mart.execute(f"CREATE OR REPLACE TEMP TABLE {self._came} AS {self._typed(self.source)}")
        self.mart.execute(
            f"CREATE OR REPLACE TEMP TABLE {self._gone} AS"
            f" SELECT {self._keys()} FROM temp.{self._there} WHERE NOT is_there"
        )
        return rows

    def _here(self, read_again: str) -> str:
        """SELECT of each key with how often it is known to come, and when it changed last."""
        staged, rejected, duplicates = (quoted(f"tmp_{self.domain}{part}") for part in ("", "_rejected", "_duplicates"))
        came = f"temp.{self._came}"
        without_came = f"ANTI JOIN {came} AS came ON {self._same('old', 'came')}"
        rejected = f"(FROM {rejected} WHERE NOT {read_again})"
        known = [f"{self._keys()}, 1 AS copies, {CLOCK}, false AS is_superseded FROM {came}"]
        known += [f"{self._keys('old')}, 1, old.{CLOCK}, false FROM {staged} AS old {without_came}"]
        known += [f"{self._keys('old')}, 1, old.{CLOCK}, false FROM {rejected} AS old {without_came}"]
        known += [f"{self._keys('old')}, old.copies - 1, NULL, true FROM {duplicates} AS old {without_came}"]
        rows = " UNION ALL ".join(f"SELECT {part}" for part in known)
        return (
            f"SELECT {self._keys()}, CAST(sum(copies) AS BIGINT) AS copies, max({CLOCK}) AS newest,"
            f" {SUM_OF_CLOCKS} AS clock, bool_or(is_superseded) AS has_superseded"
            f" FROM ({rows}) GROUP BY {self._keys()}"
        )

    def _read_more(self, firsts: str) -> int:
        """Read all rows whose key begins in one of these ways, in place of those of them that were read already."""
        more, keys, first = f"more_{self.domain}", f"more_keys_{self.domain}", quoted(self.key[0])
        self.mart.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(keys)} AS SELECT * FROM ({firsts}) AS wanted({first})")
        if self.mart.rows(keys):
            self.parts.read_keys(more, self.key[0], keys)
            self.mart.execute(
                f"CREATE OR REPLACE TEMP TABLE {quoted(self.source)} AS FROM temp.{quoted(self.source)} AS source"
                f" ANTI JOIN temp.{quoted(keys)} AS wanted ON source.{first} = wanted.{first}"
                f" UNION ALL FROM temp.{quoted(more)}"
            )
            self.mart.drop_temporary(more)
        self.mart.drop_temporary(keys)
        return self.mart.rows(self.source)

    def _keys(self, table: str = "") -> str:
        place = f"{table}." if table else ""
        return ", ".join(f"{place}{quoted(name)}" for name in self.key)

    def _same(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in self.key)

    @property
    def _came(self) -> str:
        return quoted(f"came_{self.domain}")

    @property
    def _gone(self) -> str:
        return quoted(f"gone_{self.domain}")

    @property
    def _there(self) -> str:
        return quoted(f"there_{self.domain}")
