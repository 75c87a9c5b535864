"""Methods that exist only with some settings, like those of scikit-learn's ``available_if``, with the reason why not.

``available_if`` replaces the reason by "has no attribute", and shows it only in the chained error above.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar

__all__ = ["available_unless"]

Method = TypeVar("Method", bound=Callable[..., Any])


class _Conditional:
    """Descriptor of a method that is missing while there is a reason against it."""

    def __init__(self, method: Callable[..., Any], obstacle: Callable[[Any], str | None]) -> None:
        self.method, self.obstacle = method, obstacle
        self.__doc__ = method.__doc__

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self.method
        reason = self.obstacle(instance)
        if reason is not None:
            name = self.method.__name__
            raise AttributeError(f"{owner.__name__} has no {name}: {reason}", name=name, obj=instance)
        return MethodType(self.method, instance)


def available_unless(obstacle: Callable[[Any], str | None]) -> Callable[[Method], Method]:
    """Decorate a method that is missing while ``obstacle(estimator)`` returns a reason, which the error states."""

    def decorate(method: Method) -> Method:
        return _Conditional(method, obstacle)  # type: ignore[return-value]

    return decorate
