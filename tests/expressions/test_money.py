"""Money is exact: every cent is the one that Python's decimals find."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from datamart_kedro.expressions.money import amount, divide, multiply, rate, to_amount
from tests.tables import each, table

Pair = tuple[Decimal, Decimal]

QUOTIENTS = [
    ("decimal(18, 2)", "decimal(18, 2)", 6),  # a rate out of two amounts
    ("decimal(18, 2)", "decimal(18, 3)", 4),  # a price out of an amount and a quantity
    ("decimal(18, 2)", "decimal(18, 0)", 2),  # an average
    ("decimal(18, 4)", "decimal(18, 4)", 6),  # a margin out of two prices
    ("decimal(18, 6)", "decimal(18, 6)", 6),
]
"""Types that are divided by one another, and digits of the quotient."""


def places(dtype: str) -> int:
    return int(dtype.rstrip(")").split(",")[1])


def largest(dtype: str) -> Decimal:
    return Decimal(10**18 - 1).scaleb(-places(dtype))


def exact_quotient(pair: Pair, scale: int) -> Decimal | None:
    """What Python's decimals give; None without a quotient, or with one of more than 15 digits."""
    above, below = pair
    with localcontext() as context:
        context.prec = 60
        if below == 0 or abs(above / below) >= 10 ** (15 - scale):
            return None
        # the quotient need not be a decimal: its digits are cut as a fraction, and the rest compared with half a unit
        units, rest = divmod(abs(above).scaleb(scale), abs(below))
        units += 2 * rest >= abs(below)
        return (units if (above < 0) == (below < 0) else -units).scaleb(-scale)


def quotients(pairs: list[Pair], above: str, below: str, scale: int) -> list[Decimal | None]:
    inputs = [{"above": a, "below": b} for a, b in pairs]
    return each(inputs, lambda row: divide(row.above, row.below, scale), above=above, below=below)


def random_pairs(count: int, above: str, below: str, scale: int) -> list[Pair]:
    """Pairs of all sizes, half of them with a quotient that is a tie between two roundings, or next to one."""
    random = Random(7)
    pairs = []
    for _ in range(count):
        a = Decimal(random.randrange(10 ** random.randint(1, 18))).scaleb(-places(above))
        b = Decimal(random.randrange(1, 10 ** random.randint(1, 18))).scaleb(-places(below))
        if random.random() < 0.5:
            with localcontext() as context:
                context.prec = 60
                b = Decimal(random.randrange(1, 10 ** random.randint(1, 9))).scaleb(-places(below))
                units = random.randrange(10 ** random.randint(1, 14))
                tie = b * (2 * units + 1) * Decimal("0.5").scaleb(-scale)
                nearby = tie.quantize(Decimal(1).scaleb(-places(above)), ROUND_HALF_UP)
                a = nearby if nearby <= largest(above) else a
        pairs.append((random.choice([a, -a]), random.choice([b, -b])))
    return pairs


@pytest.mark.parametrize(("above", "below", "scale"), QUOTIENTS)
def test_every_quotient_is_the_one_that_exact_arithmetic_gives(above: str, below: str, scale: int):
    pairs = random_pairs(6_000, above, below, scale)
    expected = [exact_quotient(pair, scale) for pair in pairs]
    assert sum(quotient is not None for quotient in expected) > 3_000
    found = quotients(pairs, above, below, scale)
    wrong = [(*pair, f, e) for pair, f, e in zip(pairs, found, expected, strict=True) if f != e]
    assert wrong == []


@pytest.mark.parametrize(("above", "below", "scale"), QUOTIENTS)
def test_quotients_of_the_largest_and_smallest_numbers_are_exact(above: str, below: str, scale: int):
    edges = [
        [
            sign * number
            for number in (Decimal(0), Decimal(1).scaleb(-places(dtype)), largest(dtype))
            for sign in (1, -1)
        ]
        for dtype in (above, below)
    ]
    pairs = [(a, b) for a in edges[0] for b in edges[1]]
    assert quotients(pairs, above, below, scale) == [exact_quotient(pair, scale) for pair in pairs]


@settings(deadline=None, max_examples=15)
@given(
    st.lists(
        st.tuples(st.decimals(-(10**9), 10**9, places=2), st.decimals(-(10**6), 10**6, places=3)),
        min_size=1,
        max_size=60,
    )
)
@example([(Decimal("0.01"), Decimal(0)), (Decimal("1.00"), Decimal(3)), (Decimal("-0.01"), Decimal(200))])
def test_a_price_out_of_an_amount_and_a_quantity_is_exact(pairs: list[Pair]):
    assert quotients(pairs, "decimal(18, 2)", "decimal(18, 3)", 4) == [exact_quotient(pair, 4) for pair in pairs]


def test_quotients_are_rounded_half_away_from_zero():
    pairs = [(Decimal(a), Decimal(b)) for a, b in (("0.01", "8"), ("-0.01", "8"), ("0.01", "-8"), ("2", "3"))]
    assert quotients(pairs, "decimal(18, 2)", "decimal(18, 3)", 4) == [
        Decimal("0.0013"),
        Decimal("-0.0013"),
        Decimal("-0.0013"),
        Decimal("0.6667"),
    ]


def test_nothing_is_divided_by_nothing():
    inputs = [{"above": Decimal("1.00"), "below": below} for below in (Decimal(0), None)]
    inputs.append({"above": None, "below": Decimal(2)})
    types = {"above": "decimal(18, 2)", "below": "decimal(18, 2)"}
    assert each(inputs, lambda row: divide(row.above, row.below, 6), **types) == [None, None, None]


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.decimals(-(10**4), 10**4, places=3), st.decimals(0, 10**5, places=4)), min_size=1))
@example([(Decimal("1"), Decimal("0.005")), (Decimal("-1"), Decimal("0.005")), (Decimal("1"), Decimal("0.0049"))])
def test_products_are_rounded_to_cents_half_away_from_zero(lines: list[Pair]):
    inputs = [{"quantity": quantity, "price": price} for quantity, price in lines]
    found = each(
        inputs, lambda row: to_amount(row.quantity * row.price), quantity="decimal(18, 3)", price="decimal(18, 4)"
    )
    assert found == [(quantity * price).quantize(Decimal("0.01"), ROUND_HALF_UP) for quantity, price in lines]


def test_products_are_exact_whatever_the_size_of_the_two():
    sizes = ("0.001", "1", "99999.999", "100000", "100000.001", "999999.999", "1000000")
    prices = ("0.0001", "0.005", "1", "99999.9999", "100000", "100000.0001", "12345678.1234", "9999999999.9999")
    lines = [(sign * Decimal(size), Decimal(price)) for size in sizes for price in prices for sign in (1, -1)]
    lines.append((Decimal(0), Decimal(0)))
    found = each(
        [{"quantity": quantity, "price": price} for quantity, price in lines],
        lambda row: multiply(row.quantity, row.price),
        quantity="decimal(18, 3)",
        price="decimal(18, 4)",
    )
    assert found == [(quantity * price).quantize(Decimal("0.01"), ROUND_HALF_UP) for quantity, price in lines]


def test_amounts_and_rates_are_decimals_never_floats():
    row = table([{"a": Decimal("1.00")}], a="decimal(18, 2)")
    made = [to_amount(row.a * row.a), divide(row.a, row.a, 6), amount(Decimal("4.9")), amount(0), rate(Decimal("0.2"))]
    assert [str(value.type()).lstrip("!") for value in made] == [
        "decimal(18, 2)",
        "decimal(18, 6)",
        "decimal(18, 2)",
        "decimal(18, 2)",
        "decimal(18, 6)",
    ]
