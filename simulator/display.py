"""Text as HTML, for notebooks."""

from __future__ import annotations

import html

__all__ = ["Preformatted", "preformatted"]

STYLE = "word-wrap: normal; white-space: pre; line-height: 1.1; font-family: monospace"
"""The drawings' lines touch each other at this height of a line."""


def preformatted(text: str) -> str:
    """Return HTML that shows text as it is, in a font of one width."""
    return f'<pre style="{STYLE}">{html.escape(text)}</pre>'


class Preformatted:
    """Base of the results that a notebook shows as ``print`` does; their ``repr`` lists all fields."""

    def _repr_html_(self) -> str:
        return preformatted(str(self))
