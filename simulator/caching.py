"""Attributes that are computed on first use, without a lock.

Python 3.11's `functools.cached_property` holds one lock for all instances of a class while it computes. Two models then
wait for each other in two threads, and a process that is forked meanwhile waits for ever.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

__all__ = ["cached_property"]

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
