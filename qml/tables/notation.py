"""Numbers as people write them: thousands separators, decimal commas, currency, per cent, signs on either side.

pandas knows one notation for a whole file, which the user has to name, and takes ``1.234,56 €`` for text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

__all__ = ["Notation", "notation_of", "parse_number", "plain_numbers"]

Notation = Literal["plain", "point", "comma"]
"""How a column's numbers are written: as Python reads them, ``1,234.5``, or ``1.234,5``."""

CURRENCIES = (
    r"[$€£¥₹₽₩₺₪₫฿¢]|[A-Z]{2}\$|USD|EUR|GBP|JPY|CHF|CNY|INR|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|BRL|RUB|ZAR|kr\.?|zł"
)
BLANKS = " \u00a0\u202f\u2009'\u2019"
"""Blanks and apostrophes that group digits in threes."""

_DECORATED = re.compile(
    rf"""
    (?P<open>\()? (?P<sign>[-+\u2212])? [ \u00a0]* (?:{CURRENCIES})? [ \u00a0]* (?P<inner>[-+\u2212])?
    (?P<digits>[\d.,{BLANKS}]*\d[.,]?(?:[eE][-+]?\d+)?)
    [ \u00a0\u202f]* (?:{CURRENCIES})? (?P<percent>[ \u00a0\u202f]*%)? (?P<trailing>[-\u2212])? (?P<close>\))?
    """,
    re.VERBOSE,
)
_POINT = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?")
_COMMA = re.compile(r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d*)?(?:[eE][-+]?\d+)?|,\d+(?:[eE][-+]?\d+)?")
_GROUPED = re.compile(rf"\d{{1,3}}(?:[{BLANKS}]\d{{3}})+(?:[.,]\d*)?")


def parse_number(cell: str, notation: Notation) -> float | None:
    """Return the number in a cell, or None if it is not one in this notation; per cent are divided by 100.

    Examples
    --------
    >>> parse_number("1.234,56 €", "comma"), parse_number("(5,100.0)", "point"), parse_number("12 %", "point")
    (1234.56, -5100.0, 0.12)
    """
    if notation == "plain":
        return _float(cell)
    match = _DECORATED.fullmatch(cell)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    signs = [match[name] for name in ("sign", "inner", "trailing") if match[name]]
    if len(signs) > 1 or (signs and match["open"]):
        return None
    digits = match["digits"]
    if _GROUPED.fullmatch(digits):
        digits = digits.translate(dict.fromkeys(map(ord, BLANKS)))
    if not (_POINT if notation == "point" else _COMMA).fullmatch(digits):
        return None
    value = float(digits.replace(",", "") if notation == "point" else digits.replace(".", "").replace(",", "."))
    if match["open"] or (signs and signs[0] in "-\u2212"):
        value = -value
    return value / 100 if match["percent"] else value


def notation_of(cells: Sequence[str], separator: str) -> Notation:
    """Return the notation in which most of the cells are numbers.

    Where both commas and points are possible, as in ``1,234``, a file whose columns are separated by commas has points
    for decimals, any other file has commas.
    """
    if plain_numbers(cells) is not None:
        return "plain"
    distinct = list(dict.fromkeys(cells))
    counts: dict[Notation, int] = {"plain": sum(_float(cell) is not None for cell in distinct)}
    for notation in ("comma", "point") if separator != "," else ("point", "comma"):
        counts[notation] = sum(parse_number(cell, notation) is not None for cell in distinct)
    return max(counts, key=lambda notation: counts[notation])


def plain_numbers(cells: Sequence[str]) -> list[float] | None:
    """Return the numbers in cells as Python reads them, or None if one is not a number; quick for many cells."""
    try:
        values = list(map(float, cells))
    except ValueError:
        return None
    return None if "_" in "".join(cells) else values  # Python would read 1_2 as twelve


def _float(cell: str) -> float | None:
    values = plain_numbers([cell])
    return None if values is None else values[0]
