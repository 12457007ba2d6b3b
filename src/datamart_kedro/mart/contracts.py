"""The contracts of a run: measured, kept, and then judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from datamart_kedro.columns import PERSONAL
from datamart_kedro.errors import ContractError
from datamart_kedro.expressions.contract import Contract, ContractRules, Severity
from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import meanings, pipeline_of, published_table
from datamart_kedro.mart.keys import is_key_unique
from datamart_kedro.mart.mart import Mart, quoted
from datamart_kedro.mart.run import Held, RowCounts, RuleResult, Run, current_run

SHOWN = 5
"""Broken rules of a domain that one message names."""


def measure(mart: Mart, domain: str, contract: Contract) -> None:
    """Count the breaches of all rules in one statement, look for an example of those that are broken, and remember.

    Raises:
        ContractError: The parameters set the severity of a rule that there is not.
    """
    severities = contract.severities()
    unknown = sorted(contract.strictness.severities.keys() - severities.keys())
    if unknown:
        raise ContractError(
            f"{domain}: the contract has no rule {unknown[0]!r}, whose severity the parameters set.",
            f"Its rules are: {'; '.join(severities)}.",
        )
    has_unique_key = is_key_unique(mart, f"next_{domain}", contract.key)
    (counted,) = mart.execute(mart.compile(contract.breaches(has_unique_key=has_unique_key)))
    rows_checked = int(mart.scalar(f"SELECT count(*) FROM {quoted(f'next_{domain}')}"))
    breaches = dict(zip(contract.breaches().columns, map(int, counted), strict=True))
    results = [
        RuleResult(text, severity, rows_checked, breaches[text], _example(mart, domain, contract, text, breaches[text]))
        for text, severity in severities.items()
    ]
    current_run(mart, f"contract_{domain}").held[domain] = Held(results, contract.strictness)


def _example(mart: Mart, domain: str, contract: Contract, rule: str, breaches: int) -> str:
    if not breaches:
        return ""
    example = contract.example(rule)
    (row,) = mart.execute(mart.compile(example))
    personal = published_table(domain).personal.columns
    named = zip(example.columns, row, strict=True)
    return ", ".join(f"{name}={PERSONAL if name in personal else value}" for name, value in named)


def hold_shares(mart: Mart, run: Run, domain: str, counts: RowCounts, strictness: ContractRules) -> list[RuleResult]:
    """Hold the run itself against its shares: rows rejected, values that no map knows, rows deleted."""
    shares: list[tuple[str, Severity, int, int, float]] = []
    if domain in run.loaded:
        unknown = _unknown_values(mart, domain)
        shares = [
            ("of the rows read may be rejected", "error", counts.rejected, counts.read, strictness.max_rejected_share),
            (
                "of the rows may have a value that no map knows",
                "warn",
                unknown,
                counts.staged,
                strictness.max_unknown_share,
            ),
        ]
    built = run.built[domain]
    shares.append(
        ("of the published rows may be deleted", "error", built.deleted, built.before, strictness.max_lost_share)
    )
    return [
        RuleResult(
            f"at most {limit:.0%} {what}", severity, whole, part if _is_over(part, whole, limit, strictness) else 0
        )
        for what, severity, part, whole, limit in shares
    ]


def _is_over(part: int, whole: int, limit: float, strictness: ContractRules) -> bool:
    return whole >= strictness.shares_from_rows and part > whole * limit


def _unknown_values(mart: Mart, domain: str) -> int:
    """Rows of the column that most often holds a value which no map knows."""
    known = meanings(domain)
    if not known:
        return 0
    found = mart.execute(mart.compile(unmapped(mart.table(f"tmp_{domain}"), known)))
    by_column: dict[str, int] = {}
    for column, _, rows in found:
        by_column[column] = by_column.get(column, 0) + int(rows)
    return max(by_column.values(), default=0)


def enforce(mart: Mart, run: Run, counts: Mapping[str, RowCounts]) -> None:
    """Keep the results of a run, and stop it where a broken rule is an error.

    Args:
        mart: Outside of a transaction: the results stay whether the run is published or not.
        run: The run.
        counts: What became of the rows, by domain.

    Raises:
        ContractError: Naming the domains and rules, with a count and a key for each.
    """
    run.results = {
        domain: [*held.results, *hold_shares(mart, run, domain, counts[domain], held.strictness)]
        for domain, held in sorted(run.held.items())
    }
    _keep(mart, run)
    errors = {domain: broken(results, "error") for domain, results in run.results.items()}
    stopping = {domain: found for domain, found in errors.items() if found}
    if not stopping:
        return
    lines = []
    for domain, found in stopping.items():
        lines.append(f"{domain}: {len(found)} of {len(run.results[domain])} rules are broken.")
        lines += [f"  {result}" for result in found[:SHOWN]]
        lines += [f"  and {len(found) - SHOWN} more, see {ledger.RESULTS.name}"] * (len(found) > SHOWN)
    first = next(iter(stopping))
    name = pipeline_of(first)
    raise ContractError(
        "\n  ".join(lines),
        f"{'' if name != first else f'The staged rows are in tmp_{first}. '}Mend the source, or set the rule to warn in"
        f" {name}.contract.severities (conf/base/parameters_{name}.yml).",
        state=f"Nothing was published, the mart still holds version {run.version - 1}."
        if run.version > 1
        else "Nothing was published, the mart has no version yet.",
    )


def broken(results: Sequence[RuleResult], severity: Severity) -> list[RuleResult]:
    """Rules of a severity that rows broke."""
    return [result for result in results if result.breaches and result.severity == severity]


def _keep(mart: Mart, run: Run) -> None:
    for domain, results in run.results.items():
        for r in results:
            mart.execute(
                f"INSERT INTO {ledger.RESULTS.name} VALUES (?, ?, ?, ?, ?, ?, ?)",
                [run.run_id, domain, r.rule, r.severity, r.rows_checked, r.breaches, r.example or None],
            )
