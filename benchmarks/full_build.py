"""What the mart costs beside plain SQL: both build the same tables from the same files, derived from TPC-H data.

Each build is a process of its own; they take turns, and medians are shown. The rows of both are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import ParamSpec, TypeVar

import duckdb

HERE = Path(__file__).parent
ROOT = HERE.parent
DOMAINS = ("customers", "products", "orders", "order_items")
FILES = ("customer", "lineitem", "nation", "orders", "part", "partsupp")
READ_CSV = (
    "read_csv('data/01_raw/{domain}.csv', header = true, skip = 0, delim = ',', quote = '\"', escape = '\"', {types})"
)

Given = ParamSpec("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: Seconds of all cores, in the program and in the system.
        memory_mb: Largest resident memory.
    """

    wall_s: float
    cpu_s: float
    memory_mb: float


@dataclass(frozen=True)
class Bench:
    """A project in a folder of its own, and what its runs may use."""

    folder: Path
    data: Path
    file_format: str
    threads: int
    memory_limit: str

    @property
    def project(self) -> Path:
        """The Kedro project."""
        return self.folder / f"project_{self.file_format}"

    @property
    def mart(self) -> Path:
        """What the project builds."""
        return self.project / "data" / "datamart.duckdb"

    @property
    def plain(self) -> Path:
        """What plain SQL builds."""
        return self.folder / f"plain_{self.file_format}.duckdb"

    @property
    def views(self) -> Path:
        """The shop's rows, for plain SQL."""
        return self.folder / f"views_{self.file_format}.sql"


def make_data(data: Path, scale: float) -> None:
    """Make the Parquet files, unless they are there.

    Raises:
        SystemExit: The tool that makes them is not installed.
    """
    if all((data / f"{name}.parquet").exists() for name in FILES):
        return
    tool = shutil.which("tpchgen-cli", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if tool is None:
        raise SystemExit("tpchgen-cli makes the data and is not installed: pip install tpchgen-cli")
    subprocess.run([tool, "parquet", "--scale-factor", f"{scale:g}", "--output-dir", str(data), "--quiet"], check=True)


def make_project(bench: Bench) -> None:
    """Lay out a project with the code and rules of this one, and the environment ``tpch``."""
    shutil.rmtree(bench.project, ignore_errors=True)
    shutil.copytree(ROOT / "conf" / "base", bench.project / "conf" / "base")
    shutil.copytree(HERE / "tpch", bench.project / "conf" / "tpch")
    for name in ("pyproject.toml", ".telemetry", "conf/logging.yml"):
        shutil.copy(ROOT / name, bench.project / name)
    (bench.project / "conf" / "local").mkdir()
    (bench.project / "src").mkdir()
    (bench.project / "src" / "datamart_kedro").symlink_to(ROOT / "src" / "datamart_kedro")
    with (bench.project / "conf" / "tpch" / "globals.yml").open("a", encoding="utf-8") as stream:
        stream.write(f"mart:\n  memory_limit: {bench.memory_limit}\n  threads: {bench.threads}\n")
    raw = bench.project / "data" / "01_raw"
    raw.parent.mkdir()
    raw.symlink_to(bench.data.resolve())
    selects = {domain: _source(bench, domain).read_text(encoding="utf-8") for domain in DOMAINS}
    if bench.file_format == "csv":
        selects = apart(_export, bench, selects)
    bench.views.write_text(
        "\n".join(f"CREATE TEMP VIEW shop_{domain} AS {select};" for domain, select in selects.items()),
        encoding="utf-8",
    )


def _export(bench: Bench, selects: Mapping[str, str]) -> dict[str, str]:
    """Write the shop's rows as CSV files, which the project reads as text, and plain SQL with their types.

    Ids that come as text stay text in the mart, and so they do for plain SQL.
    """
    raw = bench.project / "data" / "01_raw"
    typed = {}
    with duckdb.connect() as engine:
        engine.execute(f"SET file_search_path = '{bench.project}'")
        exported = {domain: bench.folder / f"{domain}.csv" for domain in DOMAINS}
        for domain, select in selects.items():
            engine.execute(f"COPY ({select}) TO '{exported[domain]}' (HEADER)")
            described = engine.execute(f"DESCRIBE {select}").fetchall()
            kinds = {name: "VARCHAR" if name.endswith("_id") else kind for name, kind, *_ in described}
            typed[domain] = f"SELECT * FROM {READ_CSV.format(domain=domain, types=f'columns = {kinds}')}"
            text = f"SELECT * FROM {READ_CSV.format(domain=domain, types='all_varchar = true')}\n"
            _source(bench, domain).write_text(text, encoding="utf-8")
    raw.unlink()
    raw.mkdir()
    for domain, file in exported.items():
        file.rename(raw / f"{domain}.csv")
    return typed


def _source(bench: Bench, domain: str) -> Path:
    return bench.project / "conf" / "tpch" / "sources" / f"{domain}.sql"


def apart(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Call a function in a process of its own: a process that is measured starts with the memory of this one."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def run_mart(bench: Bench) -> Cost:
    """Run the project."""
    return measured([str(Path(sys.executable).parent / "kedro"), "run", "--env", "tpch"], bench.project)


def build_mart(bench: Bench) -> Cost:
    """Run the project without a mart."""
    for file in bench.mart.parent.glob(f"{bench.mart.name}*"):
        file.unlink()
    return run_mart(bench)


def build_plain(bench: Bench) -> Cost:
    """Build the same tables by plain SQL."""
    bench.plain.unlink(missing_ok=True)
    return measured(
        [
            sys.executable,
            str(HERE / "plain.py"),
            *map(str, (bench.plain, bench.project, bench.views, bench.memory_limit, bench.threads)),
        ],
        bench.project,
    )


def measured(command: Sequence[str], folder: Path) -> Cost:
    """Run a command and say what it took.

    Raises:
        SystemExit: It failed; with what it said.
    """
    started = time.perf_counter()
    with (folder / "output.txt").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            command, cwd=folder, stdout=output, stderr=output, env={**os.environ, "DO_NOT_TRACK": "1"}
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise SystemExit(f"{' '.join(command)} failed:\n{output.read()[-3000:]}")
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * bytes_per_unit / 1e6)


def differences(mart: Path, plain: Path) -> list[str]:
    """Tables whose columns, types or rows are not the same in both files; the mart's version columns are left out."""
    found = []
    with duckdb.connect() as engine:
        engine.execute(f"ATTACH '{mart}' AS mart (READ_ONLY)")
        engine.execute(f"ATTACH '{plain}' AS plain (READ_ONLY)")
        for domain in DOMAINS:
            shapes = [_columns(engine, database, f"tb_{domain}") for database in ("mart", "plain")]
            if shapes[0] != shapes[1]:
                found.append(f"tb_{domain}: the columns are {dict(sorted(shapes[0].items() ^ shapes[1].items()))}")
                continue
            row = ", ".join(f'"{name}"' for name in shapes[0])
            digests = [
                engine.execute(f"SELECT count(*), sum(hash({row})) FROM {database}.tb_{domain}").fetchall()
                for database in ("mart", "plain")
            ]
            if digests[0] != digests[1]:
                found.append(f"tb_{domain}: rows and digest are {digests[0]} in the mart, {digests[1]} by plain SQL")
    return found


def _columns(engine: duckdb.DuckDBPyConnection, database: str, table: str) -> dict[str, str]:
    rows = engine.execute(
        "SELECT column_name, data_type FROM duckdb_columns()"
        f" WHERE database_name = '{database}' AND table_name = '{table}' ORDER BY column_index"
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows if not name.startswith("_")}


def typical(costs: Sequence[Cost]) -> Cost:
    """Median of each figure."""
    return Cost(*(median(getattr(cost, name) for cost in costs) for name in Cost.__dataclass_fields__))


def compare(bench: Bench, repeat: int) -> dict[str, Cost]:
    """Let both build in turns, and the mart look for new data where there is none.

    Raises:
        SystemExit: The rows of the two are not the same.
    """
    marts, plains = [], []
    for _ in range(repeat):
        marts.append(build_mart(bench))
        plains.append(build_plain(bench))
    if different := apart(differences, bench.mart, bench.plain):
        raise SystemExit("The mart and plain SQL do not give the same:\n  " + "\n  ".join(different))
    return {
        "mart": typical(marts),
        "plain SQL": typical(plains),
        "mart, nothing new": typical([run_mart(bench) for _ in range(repeat)]),
        "import kedro, ibis, duckdb": typical(
            [measured([sys.executable, "-c", "import kedro, ibis, duckdb"], bench.project) for _ in range(repeat)]
        ),
    }


def shares(costs: Mapping[str, Cost]) -> str:
    """Figures as a table, with the CPU as a share of that of the first, a full build."""
    full = next(iter(costs.values())).cpu_s
    lines = [f"{'':36}{'wall s':>10}{'CPU s':>10}{'of full':>10}{'memory MB':>12}"]
    lines += [
        f"{name:36}{cost.wall_s:10.2f}{cost.cpu_s:10.2f}{cost.cpu_s / full:10.1%}{cost.memory_mb:12,.0f}"
        for name, cost in costs.items()
    ]
    return "\n".join(lines)


def report(costs: Mapping[str, Cost]) -> str:
    """The figures as a table."""
    mart, plain = costs["mart"], costs["plain SQL"]
    lines = [f"{'':28}{'wall s':>10}{'CPU s':>10}{'memory MB':>12}"]
    lines += [f"{name:28}{cost.wall_s:10.2f}{cost.cpu_s:10.2f}{cost.memory_mb:12,.0f}" for name, cost in costs.items()]
    ratios = (getattr(mart, name) / getattr(plain, name) for name in Cost.__dataclass_fields__)
    lines.append("{:28}{:10.2f}{:10.2f}{:12.2f}".format("mart / plain SQL", *ratios))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make data and project, measure, compare, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1, help="scale factor of the data: 1 is 6 million lines")
    parser.add_argument("--format", dest="file_format", choices=("parquet", "csv"), default="parquet")
    parser.add_argument("--repeat", type=int, default=3, help="builds of each, of which the median is shown")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of the engine, for both")
    parser.add_argument("--memory-limit", default="2GB", help="of the engine, for both")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "benchmark", help="for projects and results")
    parser.add_argument("--data", type=Path, help="folder of the Parquet files; below --folder if not given")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(
        folder=folder,
        data=(options.data or folder / f"tpch_{options.scale:g}").resolve(),
        file_format=options.file_format,
        threads=options.threads,
        memory_limit=options.memory_limit,
    )
    make_data(bench.data, options.scale)
    make_project(bench)
    costs = compare(bench, options.repeat)
    print(report(costs))
    if options.json:
        figures = {
            "format": bench.file_format,
            "threads": bench.threads,
            "memory_limit": bench.memory_limit,
            "duckdb": duckdb.__version__,
            "costs": {name: asdict(cost) for name, cost in costs.items()},
        }
        options.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


if __name__ == "__main__":
    main()
