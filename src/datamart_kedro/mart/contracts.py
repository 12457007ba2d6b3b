"""The contracts of a run: measured, kept, and then judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from datamart_kedro.columns import PERSONAL
from datamart_kedro.errors import ContractError
from datamart_kedro.expressions.contract import Contract, ContractRules, Severity
from datamart_kedro.expressions.lookups import unmapped
from datamart_kedro.mart import ledger
from datamart_kedro.mart.domains import meanings, pipeline_of, published_table
from datamart_kedro.mart.keys import is_key_unique
from datamart_kedro.mart.mart import Mart
from datamart_kedro.mart.run import Held, RowCounts, RuleResult, Run, current_run
from datamart_kedro.mart.staged import kept_in

SHOWN = 5
"""Broken rules of a domain that one message names."""


@dataclass(frozen=True)
class ScopedContract:
    """The contract of a table of which only a part can differ from the last publication.

    Attributes:
        part: On that part.
        whole: Gives the contract on the table as it will be.
        show_before: Lets the part be as it is published.
        show_after: Lets it be as it will be.
        results: How many rows broke each rule at the last publication, and an example.
    """

    part: Contract
    whole: Callable[[], Contract]
    show_before: Callable[[], object]
    show_after: Callable[[], object]
    results: Mapping[str, tuple[int, str]]


def measure(mart: Mart, domain: str, given: Contract | ScopedContract) -> None:
    """Count the breaches of all rules in one statement, look for an example of those that are broken, and remember.

    Of a table of which only a part can differ, that part is counted, before and after: the other breaches are those of
    the last publication.

    Raises:
        ContractError: The parameters set the severity of a rule that there is not.
    """
    contract = given.part if isinstance(given, ScopedContract) else given
    severities = contract.severities()
    unknown = sorted(contract.strictness.severities.keys() - severities.keys())
    if unknown:
        raise ContractError(
            f"{domain}: the contract has no rule {unknown[0]!r}, whose severity the parameters set.",
            f"Its rules are: {'; '.join(severities)}.",
        )
    run = current_run(mart, f"contract_{domain}")
    if isinstance(given, ScopedContract) and severities.keys() <= given.results.keys():
        found = _of_part(mart, domain, given)
    else:
        contract = given.whole() if isinstance(given, ScopedContract) else given
        is_unique = is_key_unique(mart, f"next_{domain}", contract.key)
        breaches = _count(mart, severities, mart.compile(contract.breaches(has_unique_key=is_unique)))
        found = {text: (rows, _example(mart, domain, contract, text, rows)) for text, rows in breaches.items()}
    rows_checked = run.built[domain].published
    results = [RuleResult(text, severity, rows_checked, *found[text]) for text, severity in severities.items()]
    run.held[domain] = Held(results, contract.strictness)


def _of_part(mart: Mart, domain: str, given: ScopedContract) -> dict[str, tuple[int, str]]:
    """Breaches of each rule with an example, out of those of the part that can differ."""
    scope = current_run(mart, f"contract_{domain}").scopes[domain]
    select = mart.compile(given.part.breaches(), few_rows=scope.has_few_rows)
    before = dict.fromkeys(given.results, 0)
    if any(rows for rows, _ in given.results.values()):  # if not, no row of the part broke a rule
        given.show_before()
        before = _count(mart, given.part.severities(), select)
        given.show_after()
    after = _count(mart, given.part.severities(), select)
    found = {}
    for text, rows_after in after.items():
        rows_last, example = given.results[text]
        rows = rows_last - before[text] + rows_after
        if rows_after:
            example = _example(mart, domain, given.part, text, rows_after)
        elif before[text]:  # the example of before may be one of those that are mended
            example = _example(mart, domain, given.whole(), text, rows)
        found[text] = (rows, example)
    return found


def _count(mart: Mart, rules: Iterable[str], select: str) -> dict[str, int]:
    """Breaches of each rule, by a statement that counts them in the order of the contract's rules."""
    (counted,) = mart.execute(select)
    return dict(zip(rules, map(int, counted), strict=True))


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
    found = mart.execute(mart.compile(unmapped(mart.table(kept_in(mart.run, f"tmp_{domain}")), known)))
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
    staged = f"The staged rows are in {kept_in(run, f'tmp_{first}')}. " if name == first else ""
    raise ContractError(
        "\n  ".join(lines),
        f"{staged}Mend the source, or set the rule to warn in {name}.contract.severities"
        f" (conf/base/parameters_{name}.yml).",
        state=f"Nothing was published, the mart still holds version {run.version - 1}."
        if run.version > 1
        else "Nothing was published, the mart has no version yet.",
    )


def broken(results: Sequence[RuleResult], severity: Severity) -> list[RuleResult]:
    """Rules of a severity that rows broke."""
    return [result for result in results if result.breaches and result.severity == severity]


def _keep(mart: Mart, run: Run) -> None:
    rows = [
        (run.run_id, domain, r.rule, r.severity, r.rows_checked, r.breaches, r.example or None)
        for domain, results in run.results.items()
        for r in results
    ]
    ledger.insert_rows(mart, ledger.RESULTS.name, rows)
