"""What the mart holds of one person: the values that tell of nobody else, and where in the mart file they are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from datamart_kedro.columns import PublishedTable
from datamart_kedro.mart.forgotten import as_id
from datamart_kedro.mart.ledger import REJECTED
from datamart_kedro.mart.mart import Mart, literal, quoted

PROSE = ("error", "reason", "reasons", "example")
"""Columns with sentences, in which a value may stand among words."""
NESTED = ("STRUCT", "MAP", "UNION")
LETTERS = r"a-zA-Z0-9\x{80}-\x{10FFFF}"
"""Letters and digits, and whatever is beyond ASCII: the engine takes long to prepare the classes of Unicode."""


@dataclass(frozen=True)
class Column:
    """A column of a table in the mart file."""

    schema: str
    table: str
    name: str
    kind: str

    @property
    def place(self) -> str:
        """The table, as an SQL identifier."""
        return f"{quoted(self.schema)}.{quoted(self.table)}"

    @property
    def shown(self) -> str:
        """The table, for people."""
        return self.table if self.schema == "main" else f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Search:
    """How a person is looked for.

    Attributes:
        person: The id, as it is staged.
        columns: Columns that hold ids of persons.
        ids: The id as it is staged, and as rejected rows write it.
        values: Values, in lower case, that are found in rows of that person and of nobody else.
        shared: Number of values that rows of others hold as well: they tell of nobody.
    """

    person: str
    columns: frozenset[str]
    ids: frozenset[str]
    values: tuple[str, ...] = ()
    shared: int = 0

    def is_person(self, column: str) -> str:
        """Condition that a column holds the id."""
        return f"CAST({quoted(column)} AS VARCHAR) = {literal(self.person)}"

    def is_id_in(self, row: str) -> str:
        """Condition that a row kept as JSON is of the person, by its id."""
        ids = _list(literal(value) for value in sorted(self.ids))
        return _any(f"json_extract_string({row}, {literal(_path(name))}) IN ({ids})" for name in sorted(self.columns))

    def is_value_in_json(self, row: str) -> str:
        """Condition that a row kept as JSON holds a value of the person."""
        leaves = "|".join(_escaped(json.dumps(value, ensure_ascii=False)) for value in self.values)
        parts = [f"({leaves})"] if leaves else []
        return _matches(f"lower(CAST({row} AS VARCHAR))", [*parts, *self._addresses()])

    def is_value(self, column: str) -> str:
        """Condition that a text is a value of the person, or holds the e-mail address."""
        text = f"lower({quoted(column)})"
        values = _list(map(literal, self.values))
        return _any([f"{text} IN ({values})" if values else "false", _matches(text, self._addresses())])

    def is_in_prose(self, column: str) -> str:
        """Condition that a sentence names the person."""
        return _matches(f"lower({quoted(column)})", self._in_sentences())

    def without_person(self, column: str) -> str:
        """A sentence with the person taken out."""
        text = quoted(column)
        for pattern in self._in_sentences():
            text = rf"regexp_replace({text}, {literal(pattern)}, '\1(forgotten)\2', 'gi')"
        return text

    def _addresses(self) -> list[str]:
        return _between_words([value for value in self.values if "@" in value])

    def _in_sentences(self) -> list[str]:
        """Patterns of the person in sentences: the id where it is named as one, and values that are no mere words."""
        names, ids = ("|".join(map(_escaped, sorted(words))) for words in (self.columns, map(str.lower, self.ids)))
        telling = [value for value in self.values if len(value) > 5 and not value.isalpha()]
        return [rf"(\b(?:{names})[=: ]+'?)(?:{ids})($|[^{LETTERS}_-])", *_between_words(telling)]


def all_columns(mart: Mart) -> list[Column]:
    """Every column of every table of the mart file, in all schemas."""
    return [
        Column(*map(str, found))
        for found in mart.execute(
            "SELECT c.schema_name, c.table_name, c.column_name, c.data_type FROM duckdb_columns() c"
            " JOIN duckdb_tables() t USING (table_oid, database_name)"
            " WHERE c.database_name = current_database() AND NOT t.temporary ORDER BY ALL"
        )
    ]


def search_for(mart: Mart, tables: Mapping[str, PublishedTable], person: str) -> Search:
    """Find out what tells of a person and of nobody else.

    Args:
        mart: The mart.
        tables: What the domains publish, by domain.
        person: The id.
    """
    columns = frozenset(table.personal.person for table in tables.values() if table.personal.person)
    search = Search(person, columns, frozenset({person, *_ids(mart, columns, person)}))
    own, others = set[str](), set[str]()
    for table in tables.values():
        for select, given, is_own in _rows_of(mart, table, search):
            for name in set(table.personal.identifying) & given:
                own |= _values(mart, select, name, is_own)
    for table in tables.values():
        for select, given, is_own in _rows_of(mart, table, search):
            for name in set(table.personal.columns) & given:
                others |= _values(mart, select, name, f"NOT coalesce({is_own}, false)", among=own)
    return Search(person, columns, search.ids, tuple(sorted(own - others)), len(own & others))


def find(mart: Mart, search: Search) -> tuple[int, dict[str, int]]:
    """Search every column of the mart file.

    Returns:
        Number of columns that were searched, and rows found, by table and column.
    """
    by_table: dict[str, list[tuple[Column, str]]] = {}
    for column in all_columns(mart):
        if condition := _condition(search, column):
            by_table.setdefault(column.place, []).append((column, condition))
    found: dict[str, int] = {}
    for place, searched in by_table.items():
        counts = ", ".join(f"count(*) FILTER ({condition})" for _, condition in searched)
        (row,) = mart.execute(f"SELECT {counts} FROM {place}")
        found |= {f"{c.shown}.{c.name}": int(rows) for (c, _), rows in zip(searched, row, strict=True) if rows}
    return sum(map(len, by_table.values())), found


def rejected_rows(mart: Mart) -> list[tuple[str, str, str]]:
    """Where rows are kept as they came: table, the row as JSON in SQL, and the domain in SQL."""
    places = [(REJECTED.name, quoted("row"), "domain")] if mart.exists(REJECTED.name) else []
    for column in all_columns(mart):
        if column.name == "came" and column.kind.startswith("STRUCT") and column.schema == "main":
            domain = column.table.removeprefix("tmp_").removesuffix("_rejected")
            places.append((column.table, "to_json(came)", literal(domain)))
    return places


def _condition(search: Search, column: Column) -> str:
    """The condition that a column holds something of the person; empty for numbers, dates and the like."""
    parts = []
    if column.name in search.columns:
        parts.append(search.is_person(column.name))
    if column.name in PROSE and column.kind == "VARCHAR":
        parts.append(search.is_in_prose(column.name))
    if column.kind == "VARCHAR":
        parts.append(search.is_value(column.name))
    if column.kind == "JSON" or column.kind.startswith(NESTED) or column.kind.endswith("]"):
        row = f"to_json({quoted(column.name)})"
        parts += [search.is_id_in(row), search.is_value_in_json(row)]
    return _any(parts) if parts else ""


def _ids(mart: Mart, columns: frozenset[str], person: str) -> Iterator[str]:
    """The id of a person as rejected rows write it."""
    for table, row, _ in rejected_rows(mart):
        for name in sorted(columns):
            mart.execute(
                "CREATE OR REPLACE TEMP VIEW ids_that_came AS"
                f" SELECT DISTINCT json_extract_string({row}, {literal(_path(name))}) AS came FROM {quoted(table)}"
            )
            came = mart.table("ids_that_came", temporary=True)
            yield from (str(value) for (value,) in mart.execute(mart.compile(came.filter(as_id(came.came) == person))))


def _rows_of(mart: Mart, table: PublishedTable, search: Search) -> Iterator[tuple[str, set[str], str]]:
    """Rows of a domain that say whose they are: where, their columns, and the condition that they are the person's."""
    person, domain = table.personal.person, table.name.removeprefix("tb_")
    if not person:
        return
    for name in (table.name, f"{table.name}_history", f"tmp_{domain}"):
        if mart.exists(name):
            yield quoted(name), set(mart.columns(name)), search.is_person(person)
    for place, row, of in rejected_rows(mart):
        columns = ", ".join(
            f"json_extract_string({row}, {literal(_path(name))}) AS {quoted(name)}"
            for name in (person, *table.personal.columns)
        )
        ids = _list(literal(value) for value in sorted(search.ids))
        yield (
            f"(SELECT {columns} FROM {quoted(place)} WHERE {of} = {literal(domain)}"
            f" AND trim(coalesce(json_extract_string({row}, {literal(_path(person))}), '')) <> '')",
            set(table.personal.columns),
            f"{quoted(person)} IN ({ids})",
        )


def _values(mart: Mart, select: str, name: str, condition: str, among: set[str] | None = None) -> set[str]:
    """Values of a column, trimmed and in lower case, in the rows that meet a condition."""
    if among is not None and not among:
        return set()
    value = f"lower(trim({quoted(name)}))"
    wanted = "" if among is None else f" AND {value} IN ({_list(map(literal, sorted(among)))})"
    found = mart.execute(f"SELECT DISTINCT {value} FROM {select} WHERE {condition} AND {value} <> ''{wanted}")
    return {str(text) for (text,) in found}


def _path(name: str) -> str:
    return f'$."{name}"'


def _between_words(values: Sequence[str]) -> list[str]:
    """A pattern of values that are no part of a longer word, number or address; both of their sides are groups."""
    before = rf"(^|[^{LETTERS}.!#$%&'*+/=?^_`{{|}}~@-])"
    after = rf"($|[^{LETTERS}@.-]|\.$|\.[^{LETTERS}])"
    return [f"{before}(?:{'|'.join(map(_escaped, values))}){after}"] if values else []


def _matches(text: str, patterns: Sequence[str]) -> str:
    return _any(f"regexp_matches({text}, {literal(pattern)})" for pattern in patterns)


def _escaped(text: str) -> str:
    """A text as a regular expression of the engine (RE2)."""
    return "".join(letter if letter.isalnum() or ord(letter) > 127 else f"\\x{{{ord(letter):x}}}" for letter in text)


def _any(conditions: Iterable[str]) -> str:
    """True where one of the conditions is, false where none is or nothing is known."""
    return f"coalesce({' OR '.join(f'({condition})' for condition in conditions) or 'false'}, false)"


def _list(parts: Iterable[str]) -> str:
    return ", ".join(parts)
