"""``kedro mart new-domain``: the files of a new domain, in the shape of the others."""

from __future__ import annotations

import re
from keyword import iskeyword
from pathlib import Path
from string import Template

import click

from datamart_kedro.config import project_folder
from datamart_kedro.errors import UsageError

PACKAGE = Path(__file__).parents[1]
TEMPLATES = PACKAGE / "domain_template"
NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")
NOTHING_WRITTEN = "Nothing was written."
CODE = ("__init__", "columns", "rules", "nodes", "contract", "pipeline")


@click.command("new-domain")
@click.argument("name")
@click.option(
    "--key", "keys", required=True, multiple=True, help="Column that tells one row from another; several with commas."
)
def command(name: str, keys: tuple[str, ...]) -> None:
    """Write nodes, wiring, rules, contract, source SQL, parameters and tests of a new domain, and register it.

    NAME is a plural in lower case, such as suppliers.
    """
    key = tuple(part.strip() for part in ",".join(keys).split(","))
    for word in (name, *key):
        if not NAME.match(word) or iskeyword(word):
            raise UsageError(
                f"{word!r} cannot be used as a name.", "Use lower case, digits and single underscores.", NOTHING_WRITTEN
            )
    files = target_files(project_folder(), name)
    for path in files.values():
        if path.exists():
            raise UsageError(
                f"{path.relative_to(project_folder())} exists already.", "Choose another name.", NOTHING_WRITTEN
            )
    words = words_of(name, key)
    for template, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words), encoding="utf-8"
        )
        click.echo(f"wrote {path.relative_to(project_folder())}")
    register(PACKAGE / "pipeline_registry.py", name)
    click.echo(
        f"registered {name}. Put data/01_raw/{name}.csv there, or change conf/base/sources/{name}.sql; then"
        f" `kedro run --pipelines={name}` makes tb_{name}. Its columns are in pipelines/{name}/columns.py."
    )


def target_files(project: Path, name: str) -> dict[str, Path]:
    """Where each template goes."""
    code = {f"{part}.py.txt": PACKAGE / "pipelines" / name / f"{part}.py" for part in CODE}
    return code | {
        "source.sql.txt": project / "conf" / "base" / "sources" / f"{name}.sql",
        "parameters.yml.txt": project / "conf" / "base" / f"parameters_{name}.yml",
        "test.py.txt": project / "tests" / "pipelines" / f"test_{name}.py",
    }


def words_of(name: str, key: tuple[str, ...]) -> dict[str, str]:
    """What the templates are filled with."""
    words = name.replace("_", " ")
    grain = key[0] if len(key) == 1 else f"({', '.join(key)})"
    return {
        "domain": name,
        "words": words,
        "Title": words.capitalize(),
        "Class": "".join(part.capitalize() for part in name.split("_")) + "Rules",
        "grain": grain,
        "key_tuple": ", ".join(f'"{part}"' for part in key) + ("," if len(key) == 1 else ""),
        "source_keys": "\n".join(f'    "{part}": SourceColumn("id", required=True),' for part in key),
        "table_keys": "\n".join(f'        "{part}": "Key, as the shop has it.",' for part in key),
        "test_key": ", ".join(f'"{part}": "1"' for part in key),
    }


def register(registry: Path, name: str) -> None:
    """Add a domain to the list in the registry."""
    text = registry.read_text(encoding="utf-8")
    start = text.index("DOMAINS = [")
    end = text.index("]", start)
    registry.write_text(f'{text[:end]}    "{name}",\n{text[end:]}', encoding="utf-8")
