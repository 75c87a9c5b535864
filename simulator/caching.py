"""Attributes that are computed on first use, without a lock; results that are kept as long as an object lives.

Python 3.11's `functools.cached_property` holds one lock for all instances of a class while it computes. Two models then
wait for each other in two threads, and a process that is forked meanwhile waits for ever.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from operator import methodcaller
from typing import TYPE_CHECKING, Any
from weakref import ref

__all__ = ["cached_property", "clearing_reference"]

if TYPE_CHECKING:
    cached_property = functools.cached_property
else:

    class cached_property(functools.cached_property):
        """An attribute computed on first use; threads that compute it at the same time all get the first result."""

        def __get__(self, instance, owner=None):
            """Return the attribute of an instance, or the descriptor itself."""
            if instance is None:
                return self
            return vars(instance).setdefault(self.attrname, self.func(instance))


def clearing_reference(owner: Any, kept: list[Any] | dict[Any, Any]) -> ref[Any]:
    """Return a weak reference to an object at whose end it clears a list or a dict.

    No Python code runs then: an interrupt that came in the meantime would be raised there, and Python loses what is
    raised in the callback of a weak reference.
    """
    reference = _ClearingReference(owner, methodcaller("clear"))
    reference.clear = kept.clear
    return reference


class _ClearingReference(ref):  # type: ignore[type-arg]
    __slots__ = ("clear",)

    clear: Callable[[], None]
