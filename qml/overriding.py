"""Whether a method still tells what an object does, where a subclass may have replaced the methods beside it."""

from __future__ import annotations

from functools import cache

__all__ = ["speaks_for"]


@cache
def speaks_for(kind: type, method: str, *others: str) -> bool:
    """Whether a class has a method, and no class derived from the one that defines it defines one of the others.

    A step in Python and the calls of a compiled loop are written beside each other. A subclass that replaces the first
    alone must not be trained by the second.
    """
    order = kind.__mro__
    places = {name: number for number, each in reversed([*enumerate(order)]) for name in vars(each)}
    return method in places and all(places[method] <= places.get(name, len(order)) for name in others)
