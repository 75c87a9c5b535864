"""Look-up of objects by name, with the same rule for every table of names, from gates to optimizers.

A table maps names to classes, or to a `functools.partial` of one. Names are found in upper or lower case, with ``-`` or
``_``; the error for an unknown name suggests the nearest ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from simulator.errors import folded, unknown_name

__all__ = ["by_name", "choose", "expect_instance"]

T = TypeVar("T")


def by_name(
    kind: str,
    value: Any,
    table: Mapping[str, Callable[..., T]],
    trait: type | tuple[type, ...],
    options: Mapping[str, Any] | None = None,
) -> T:
    """Return the object that a name stands for, or an object as it is.

    Parameters
    ----------
    kind : str
        Description of the object, for messages: ``"feature map"``.
    value : str or instance of ``trait``
    table : mapping of names to callables
    trait : class or tuple of classes
        Class of the object.
    options : mapping, optional
        Arguments for the callable of that name.

    Raises
    ------
    UnknownNameError
        If the table does not have the name, or its callable does not have an option; the error suggests the nearest.
    TypeError
        If ``value`` is neither a name nor an instance of ``trait``, or options come with an object.

    Examples
    --------
    >>> by_name("number", "Complex", {"integer": int, "complex": complex}, (int, complex), {"real": 2.0})
    (2+0j)
    """
    if not isinstance(value, str):
        expect_instance(kind, value, trait)
        if options:
            raise TypeError(
                f"the options {', '.join(sorted(options))} need the {kind}'s name, got the object {value!r}"
            )
        return value  # type: ignore[no-any-return]
    name = value if value in table else choose(kind, value, table)  # a quick path, for losses are looked up often
    if options:
        settings = inspect.signature(table[name]).parameters
        if not any(setting.kind is setting.VAR_KEYWORD for setting in settings.values()):
            for option in options:
                if option not in settings:
                    raise unknown_name(f"setting of the {kind} {name!r}", option, settings)
    return table[name](**(options or {}))


def choose(kind: str, name: str, names: Iterable[str]) -> str:
    """Return the one of ``names`` that ``name`` means, in upper or lower case, with ``-`` or ``_``.

    Raises
    ------
    UnknownNameError
        If no name matches; the error suggests the nearest.

    Examples
    --------
    >>> choose("method", "l_bfgs_b", ["l-bfgs-b", "powell"])
    'l-bfgs-b'
    """
    names = list(names)
    target = folded(str(name))
    for candidate in names:
        if folded(candidate) == target:
            return candidate
    raise unknown_name(kind, name, names)


def expect_instance(kind: str, value: Any, trait: type | tuple[type, ...]) -> None:
    """Raise a TypeError unless ``value`` is an instance of ``trait``, which it must be if it is not a name."""
    if isinstance(value, trait) and not isinstance(value, type):
        return
    traits = trait if isinstance(trait, tuple) else (trait,)
    expected = " or ".join(["a name", *map(_described, traits)])
    hint = f"; that is a class, {value.__name__}(...) makes an object" if isinstance(value, type) else ""
    raise TypeError(f"{kind} expects {expected}, got {value!r}{hint}")


def _described(trait: type) -> str:
    """Describe a class, or the members that a protocol requires."""
    if not getattr(trait, "_is_protocol", False):
        return f"{'an' if trait.__name__[0] in 'AEIO' else 'a'} {trait.__name__}"
    members = [name for name in vars(trait) if not name.startswith("_")]
    return f"an object with {', '.join(members[:-1])} and {members[-1]}"
