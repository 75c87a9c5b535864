"""Text as HTML, for notebooks."""

from __future__ import annotations

import html

__all__ = ["preformatted"]

STYLE = "word-wrap: normal; white-space: pre; line-height: 1.1; font-family: monospace"
"""The drawings' lines touch each other at this height of a line."""


def preformatted(text: str) -> str:
    """Return HTML that shows text as it is, in a font of one width."""
    return f'<pre style="{STYLE}">{html.escape(text)}</pre>'
