"""Search spaces of the estimators: each draws its own settings from a trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

__all__ = ["Searchable", "Trial"]


class Trial(Protocol):
    """What a search space draws from: the methods of an Optuna trial that it uses."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Draw one of several choices: None, truth values, numbers or text."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Draw an integer between two bounds, both included."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Draw a number between two bounds."""


class Searchable:
    """Base of the estimators that a search can set.

    A space is written beside the settings that it draws: each class adds its own to those of its base class.
    """

    searches_preparation: ClassVar[bool] = True
    """Whether a search may put a scaling or principal components before the estimator."""

    def search_space(self, trial: Trial) -> dict[str, Any]:
        """Draw settings of this estimator for a trial of a search.

        Parameters
        ----------
        trial : Trial
            A trial of Optuna, or anything with its ``suggest_`` methods. Names are those of the settings.

        Returns
        -------
        dict of str to value
            Arguments for ``set_params``.
        """
        return {}

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        """Return the reason why a search leaves this estimator out by default for data of this size, or None."""
        return None
