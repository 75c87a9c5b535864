"""Result of a comparison as it is shown: tables, a verdict in words, a figure."""

from __future__ import annotations

from os import PathLike
from typing import Any

from qml.assessment.report import Block, markdown, terminal
from qml.honesty.results import Results
from qml.honesty.tables import comparison_blocks
from qml.honesty.verdict import verdict
from qml.plots.comparison import plot_comparison

__all__ = ["BaselineComparison"]


class BaselineComparison(Results):
    """A quantum model, its twins and tuned classical models on the same splits with the same budget.

    Printed as a table with a verdict; `as_dict` returns the same as data, `plot` draws it.
    """

    def verdict(self) -> str:
        """Say which model is better, by how much, whether that is clear, and what the circuit adds."""
        return verdict(self)

    def blocks(self) -> list[Block]:
        """Return the tables and the verdict as blocks of a report."""
        return comparison_blocks(self)

    def __str__(self) -> str:
        return terminal(self.blocks()).rstrip("\n")

    def _repr_markdown_(self) -> str:
        return markdown(self.blocks())

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers and the verdict as plain data, ready for JSON; undefined numbers are None."""
        return super().as_dict() | {"verdict": self.verdict()}

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw the scores of all models, and the quantum model's differences with their intervals.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        return plot_comparison(self, path)
