"""Text for notebooks, as HTML, and for terminals of few characters."""

from __future__ import annotations

import codecs
import html
import sys
import unicodedata

__all__ = ["Preformatted", "preformatted", "printable"]

STYLE = "word-wrap: normal; white-space: pre; line-height: 1.1; font-family: monospace"
"""The drawings' lines touch each other at this height of a line."""

SUBSTITUTES = {
    "─": "-",
    **dict.fromkeys("│║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╞╡╥╨╪╫", "+"),
    **dict.fromkeys("═╦╩╬", "="),
    **dict(zip("■░«»√…", "@:<>V~", strict=True)),
    "±": "+-",
}
"""What stands for a character of the drawings and reports that an encoding lacks."""

SUBSTITUTE = "qumba.substitute"
"""Name of the error handler that writes it."""


def printable(text: str) -> str:
    """Return text with ASCII in place of the characters that standard output cannot encode; often all of it.

    Python's standard output is limited to ASCII in the locale ``C`` without its UTF-8 mode, and to the characters of a
    code page where Windows redirects it to a file; ``print`` fails on any other.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, SUBSTITUTE).decode(encoding)
    return text


def _substitute(error: UnicodeError) -> tuple[str, int]:
    """Replace the characters of an encoding error: a codec's error handler."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_ascii, error.object[error.start : error.end])), error.end


def _ascii(character: str) -> str:
    """Return a character's substitute, or its letter without accents, or its number."""
    plain = SUBSTITUTES.get(character) or unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()


codecs.register_error(SUBSTITUTE, _substitute)


def preformatted(text: str) -> str:
    """Return HTML that shows text as it is, in a font of one width."""
    return f'<pre style="{STYLE}">{html.escape(text)}</pre>'


class Preformatted:
    """Base of the results that a notebook shows as ``print`` does; their ``repr`` lists all fields."""

    def _repr_html_(self) -> str:
        return preformatted(str(self))
