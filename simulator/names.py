"""Names of things: one rule for every table of names, from gates to optimizers.

A table maps names to what makes the thing: a class, or a `functools.partial` of one. What is added to a table is found
by its name, in any case, with ``-`` and ``_`` alike; a name that does not exist is answered with the nearest ones.
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
    """What a name stands for, or the object itself.

    Parameters
    ----------
    kind : str
        What is named, for messages: ``"feature map"``.
    value : str or instance of ``trait``
    table : mapping of names to callables
    trait : class or tuple of classes
    options : mapping, optional
        Arguments for the callable of that name.

    Raises
    ------
    UnknownNameError
        If the table has no such name, or what it names takes no such option; the nearest ones are given.
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
    name = value if value in table else choose(kind, value, table)  # losses are asked for at each gradient
    if options:
        settings = inspect.signature(table[name]).parameters
        if not any(setting.kind is setting.VAR_KEYWORD for setting in settings.values()):
            for option in options:
                if option not in settings:
                    raise unknown_name(f"setting of the {kind} {name!r}", option, settings)
    return table[name](**(options or {}))


def choose(kind: str, name: str, names: Iterable[str]) -> str:
    """The one of ``names`` that ``name`` spells, in any case, with ``-`` and ``_`` alike.

    Raises
    ------
    UnknownNameError
        If there is none; the nearest ones are given.

    Examples
    --------
    >>> choose("method", "l_bfgs_b", ["l-bfgs-b", "powell"])
    'l-bfgs-b'
    """
    names = list(names)
    wanted = folded(str(name))
    for known in names:
        if folded(known) == wanted:
            return known
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
    """The class, or for a protocol what an object must have: others need not inherit from it."""
    if not getattr(trait, "_is_protocol", False):
        return f"{'an' if trait.__name__[0] in 'AEIO' else 'a'} {trait.__name__}"
    members = [name for name in vars(trait) if not name.startswith("_")]
    return f"an object with {', '.join(members[:-1])} and {members[-1]}"
