"""YAML front matter of a model card, as the Hugging Face Hub reads it."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["front_matter", "yaml_lines"]

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")
_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
"""Words that YAML 1.1 takes for values of other types."""


def front_matter(data: dict[str, Any]) -> str:
    """Return a mapping as YAML between two lines of dashes.

    Parameters
    ----------
    data : dict
        Of text, numbers, None, lists and dicts, none of them empty.
    """
    return "\n".join(["---", *yaml_lines(data), "---"]) + "\n"


def yaml_lines(data: Any, indent: int = 0) -> list[str]:
    """Return a value as lines of block-style YAML."""
    space = "  " * indent
    lines = []
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, dict | list):
                lines += [f"{space}{_scalar(key)}:", *yaml_lines(value, indent + 1)]
            else:
                lines.append(f"{space}{_scalar(key)}: {_scalar(value)}")
        return lines
    for value in data:
        if isinstance(value, dict | list):
            first, *others = yaml_lines(value, indent + 1)
            lines += [f"{space}- {first.lstrip()}", *others]
        else:
            lines.append(f"{space}- {_scalar(value)}")
    return lines


def _scalar(value: Any) -> str:
    """Return text in double quotes unless it is plain; a JSON string is a YAML string."""
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value)
    return json.dumps(value)
