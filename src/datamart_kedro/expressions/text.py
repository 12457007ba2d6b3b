"""Texts as people should have typed them."""

from __future__ import annotations

import ibis.expr.types as ir

CONTROL_OR_SPACE = r"[\x00-\x20\x7F\x{85}\x{A0}\x{2028}\x{2029}]+"
UNTIDY = r"[\x00-\x1F\x7F\x{85}\x{A0}\x{2028}\x{2029}]|^ | $|  "
"""What `clean_text` would change; looking is cheaper than rewriting, and most texts are tidy."""

SIGMA, FINAL_SIGMA = "\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}"


def clean_text(text: ir.StringValue) -> ir.StringValue:
    """Control characters, line breaks and runs of blanks become one blank; none at either end."""
    return text.re_search(UNTIDY).ifelse(text.re_replace(CONTROL_OR_SPACE, " ").strip(), text)


def comparable(text: ir.StringValue) -> ir.StringValue:
    """A text as maps look it up: lower case, without dots; the two small sigmas are one. See `comparable_key`."""
    return text.lower().replace(".", "").replace(FINAL_SIGMA, SIGMA)


def comparable_key(text: str) -> str:
    """The same as `comparable`, for the keys of a map."""
    return lower_case(" ".join(text.split())).replace(".", "").replace(FINAL_SIGMA, SIGMA)


def lower_case(text: str) -> str:
    """Lower case letter by letter, as engines have it; Python alone looks at the letters around a sigma."""
    return "".join(letter.lower()[0] for letter in text)
