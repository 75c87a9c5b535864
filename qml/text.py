"""A user's text (labels, column names, paths) where it is shown: on a terminal, in Markdown, in a picture.

Names stay as they are in values, errors and data files. Whatever shows them calls one of these functions at the last
moment, so that no label is taken for a command, a markup or a formula.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["markdown", "mathtext", "one_line"]

_STEERING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that steer a terminal, break a line, change the direction of text, or cannot be encoded."""

_JOINERS = "\u200c\u200d"
"""Format characters that belong to words and emoji."""

_MARKUP = str.maketrans(
    {character: f"\\{character}" for character in "\\`*_[]|~$#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_BLOCK_START = re.compile(r"(?=[-+](?:\s|$)|-[-\s]+$)|(\d{1,9})(?=[.)](?:\s|$))")
"""The beginning of what would be a list or a rule."""


def one_line(text: object) -> str:
    r"""Write control characters, line breaks and marks of direction as escapes.

    Other text is not changed, so a second call changes nothing.

    Parameters
    ----------
    text : object
        Object whose ``str`` is shown.

    Examples
    --------
    >>> print(one_line("red\n\x1b[31m"))
    red\n\x1b[31m
    """
    shown = str(text)
    if shown.isprintable():
        return shown
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in _STEERING and character not in _JOINERS
        else character
        for character in shown
    )


def markdown(text: object) -> str:
    r"""Escape text for Markdown: the rendered page shows it as it is, in a paragraph, a list, a heading or a table.

    Parameters
    ----------
    text : object
        Object whose ``str`` is shown, in one line.

    References
    ----------
    CommonMark 0.31, and the tables, mathematics and strikethrough of GitHub's dialect.

    Examples
    --------
    >>> print(markdown("patient_id <b>"))
    patient\_id &lt;b&gt;
    """
    shown = one_line(text).strip().translate(_MARKUP).replace("\\](", "\\]\\(")
    start = _BLOCK_START.match(shown)
    return shown if start is None else f"{shown[: start.end()]}\\{shown[start.end() :]}"


def mathtext(text: object) -> str:
    r"""Escape text for Matplotlib, which takes what stands between dollar signs for a formula.

    Parameters
    ----------
    text : object
        Object whose ``str`` is shown, in one line.

    Examples
    --------
    >>> print(mathtext("$10k-$20k"))
    \$10k-\$20k
    """
    from matplotlib import rcParams  # here: importing qml must not load it

    shown = one_line(text)
    return shown.replace("$", r"\$") if rcParams["text.parse_math"] else shown
