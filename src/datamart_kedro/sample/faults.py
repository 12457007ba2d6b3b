"""The faults of each table: what is planted, and what must become of it."""

from __future__ import annotations

from datamart_kedro.sample.mistakes import (
    an_hour_before,
    around,
    changed,
    negated,
    nothing,
    one_of,
    reformatted,
    replaced,
    respelt,
    same,
    swapped_case,
    upper_case,
)
from datamart_kedro.sample.planting import Fault, Plant

COUNTRY_SPELLINGS = {
    "Germany": ("Germny", "Deutschland", "de"),
    "France": ("Frnace", "FRA", "France."),
    "United Kingdom": ("Untied Kingdom", "U.K.", "Great Britain"),
    "Spain": ("España", "Spian", "ES"),
    "Italy": ("Italia", "Itlay", "ita"),
    "Poland": ("Polska", "Poladn", "PL"),
    "Sweden": ("Sverige", "Sweeden", "SWE"),
    "United States": ("U.S.A.", "Untied States", "us"),
    "Brazil": ("Brasil", "Brazill", "BRA"),
    "Japan": ("日本", "Jappan", "JP"),
}
STATUS_SPELLINGS = {
    "new": ("neww", "created"),
    "paid": ("payed", "approved"),
    "processing": ("procesing", "in process"),
    "shipped": ("shiped", "sent"),
    "delivered": ("deliverd", "complete"),
    "returned": ("retuned", "refunded"),
    "failed": ("faild", "failure"),
    "cancelled": ("canceled", "cancelld"),
}
CATEGORY_SPELLINGS = {
    "Computers": ("Computer", "Computres"),
    "Phones": ("Fones", "Mobile phones"),
    "Electronics": ("Electroncs", "Electronic"),
    "Books": ("Boks", "Bücher"),
    "Games": ("Gaems", "Games & toys"),
    "Music": ("Musik", "Musics"),
    "Furniture": ("Furnitur", "Furnitures"),
    "Kitchen": ("Kichen", "Kitchenware"),
    "Garden": ("Gardn", "Gardening"),
    "Clothing": ("Cloths", "Apparel"),
    "Shoes": ("Shoe", "Footwear"),
    "Cycling": ("Bikes", "Cyclng"),
}

UNREADABLE = one_of("soon", "0000-00-00", "31.02.2025", "2025-13-01", "yesterday evening")
NO_NUMBER = one_of("free", "12,50", "EUR 9.90", "3 or 4", "#REF!")
MISSING_WORD = one_of("n/a", "NULL", "-", " none ")
BLANKS = changed(around("  ", ""), around("", " "), around("\u00a0", "  "))
CONTROLS = changed(around("", "\r\n"), around("\x07", ""), around("\t", "\n"))
NULS = changed(around("", "\x00"), around("\x00", "\x00"))
MIXED_CASE = changed(upper_case, swapped_case)
NOWHERE = one_of("Atlantis", "Freedonia", "Nirgendwo")


def rejected(
    name: str, column: str, plant: Plant, why: str, *, fits_types: bool = True, on_null: bool = False
) -> Fault:
    """A fault that keeps its row out of the mart."""
    return Fault(name, column, "rejected", plant, f"{column} {why}", fits_types=fits_types, on_null=on_null)


def missing(column: str) -> Fault:
    """No value where one is needed."""
    return rejected(f"no {column}", column, nothing, "is missing")


def no_number(column: str) -> Fault:
    """A text that is not a number."""
    return rejected(f"text in {column}", column, NO_NUMBER, "is not a number", fits_types=False, on_null=True)


def no_date(column: str) -> Fault:
    """A text that is not a date."""
    return rejected(f"unreadable {column}", column, UNREADABLE, "is not a date", fits_types=False)


def other_date(column: str) -> Fault:
    """A date in another format."""
    return Fault(f"{column} in another format", column, "normalised", reformatted, fits_types=False)


def bad_characters(column: str) -> tuple[Fault, ...]:
    """Characters that do not belong into a text."""
    return (
        Fault(f"blanks in {column}", column, "normalised", BLANKS),
        Fault(f"control characters in {column}", column, "normalised", CONTROLS),
        Fault(f"NUL in {column}", column, "normalised", NULS, fits_types=False),
    )


def copies(worse: str, plant: Plant) -> tuple[Fault, ...]:
    """A row that comes twice: with an older version, with one as old that says less, and with itself."""
    return (
        Fault("older version", "updated_at", "superseded", an_hour_before, is_copy=True),
        Fault("version as old", worse, "superseded", plant, is_copy=True),
        Fault("exact copy", "", "superseded", same, is_copy=True),
    )


CUSTOMER_FAULTS = (
    missing("customer_id"),
    Fault(
        "bad email",
        "email",
        "kept",
        changed(replaced("@", "(at)"), replaced("@", "@@"), replaced("example.", "example"), replaced("@", " @ ")),
    ),
    Fault("email in capitals", "email", "normalised", upper_case),
    Fault("country in another spelling", "country", "normalised", respelt(COUNTRY_SPELLINGS)),
    Fault("unknown country", "country", "unknown", NOWHERE),
    Fault("status in mixed case", "status", "normalised", MIXED_CASE),
    Fault("phone in a word for none", "phone", "normalised", MISSING_WORD, on_null=True),
    other_date("created_at"),
    no_date("created_at"),
    *bad_characters("last_name"),
    *copies("city", nothing),
)
PRODUCT_FAULTS = (
    missing("product_id"),
    Fault("category in another spelling", "category", "normalised", respelt(CATEGORY_SPELLINGS)),
    Fault("category in mixed case", "category", "normalised", MIXED_CASE),
    Fault("unknown category", "category", "unknown", one_of("Sundries", "Mystery box", "???")),
    no_number("unit_price"),
    rejected("negative unit_price", "unit_price", negated, "is negative"),
    rejected("absurd unit_price", "unit_price", one_of("9999999.00"), "is above 1000000"),
    no_number("stock_quantity"),
    Fault("discontinued in other words", "discontinued", "normalised", respelt({"false": ("N", "0", "No"),
          "true": ("Y", "1", "YES")}), fits_types=False),
    rejected("unclear discontinued", "discontinued", one_of("maybe", "soon"), "is not yes or no", fits_types=False,
             on_null=True),
    other_date("updated_at"),
    *bad_characters("name"),
    *copies("category", nothing),
)  # fmt: skip
ORDER_FAULTS = (
    missing("order_id"),
    missing("ordered_at"),
    no_date("ordered_at"),
    no_date("delivered_at"),
    other_date("ordered_at"),
    Fault("status in mixed case", "status", "normalised", MIXED_CASE),
    other_date("shipped_at"),
    Fault("status in another spelling", "status", "normalised", respelt(STATUS_SPELLINGS)),
    Fault("unknown status", "status", "unknown", one_of("in limbo", "tbd", "42")),
    Fault("unknown failure reason", "failure_reason", "unknown", one_of("gremlins", "see note"), on_null=True),
    Fault("country in another spelling", "ship_country", "normalised", respelt(COUNTRY_SPELLINGS)),
    Fault("unknown country", "ship_country", "unknown", NOWHERE),
    no_number("shipping_fee"),
    rejected("negative shipping_fee", "shipping_fee", one_of("-4.90"), "is negative", on_null=True),
    Fault("nobody's order", "customer_id", "kept", around("9", "000000")),
    Fault("order without a customer", "customer_id", "kept", nothing),
    *bad_characters("ship_city"),
    *copies("ship_city", nothing),
)
ORDER_ITEM_FAULTS = (
    missing("order_id"),
    missing("line_number"),
    missing("quantity"),
    missing("unit_price"),
    no_number("quantity"),
    no_number("unit_price"),
    Fault("zero quantity", "quantity", "rejected", one_of("0"), "quantity is zero", unless="discount_amount"),
    rejected("absurd quantity", "quantity", one_of("1000000", "-99999"), "is above 10000"),
    Fault("negative quantity", "quantity", "kept", negated),
    rejected("negative unit_price", "unit_price", negated, "is negative"),
    rejected("absurd unit_price", "unit_price", one_of("9999999.00"), "is above 100000"),
    rejected("impossible discount_rate", "discount_rate", one_of("1.5", "-0.1", "20"), "is not between 0 and 1",
             on_null=True),
    rejected("impossible tax_rate", "tax_rate", one_of("19", "-0.2"), "is not between 0 and 1", on_null=True),
    Fault("line of an unknown order", "order_id", "kept", around("9", "")),
    Fault("line of an unknown product", "product_id", "kept", around("X", "")),
    other_date("updated_at"),
    Fault("blanks in product_id", "product_id", "normalised", BLANKS),
    Fault("NUL in product_id", "product_id", "normalised", NULS, fits_types=False),
    *copies("product_id", nothing),
)  # fmt: skip
