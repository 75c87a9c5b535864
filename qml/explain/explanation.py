"""Explanation of a model and of some of its predictions: numbers, text, figure and page."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np

from qml.assessment.report import Block, terminal
from qml.explain.narrative import blocks_of
from qml.explain.results import Results
from simulator.display import Preformatted
from simulator.files import replace_file

__all__ = ["Explanation"]


class Explanation(Results, Preformatted):
    """Explanation of a model; ``print`` it, ``plot`` it, or write the page by ``to_html``.

    A part that does not apply is None, and ``skipped`` says why.

    Attributes
    ----------
    model : str
    facts : dict of str to str
        Settings, circuit, seed and numbers of rows.
    quantity : str
        What is explained: probability, decision value, prediction or output.
    outputs, columns : tuple of str
    rows : tuple of tuple of str
        Values of the columns in the explained rows.
    data : float ndarray, shape (n_rows, n_columns)
        The same as numbers, with numbers for categories; NaN for a group of features.
    labels : tuple
        Predictions.
    chosen : int ndarray, shape (n_rows,)
        Output that counts for each row: of several classes, the predicted one.
    attributions : Attributions
        Shapley values.
    integrated : float ndarray, shape (n_rows, n_columns, n_outputs)
        Integrated gradients from the mean background row.
    sensitivities : float ndarray, shape (n_columns,)
        Mean absolute derivative by a standard deviation of each column; of several features, their sum.
    permutation : PermutationImportance
    dependence : tuple of Dependence
        Of the most important columns.
    background : float ndarray, shape (n_background, n_features)
        Rows of reference of the Shapley values, with numbers for categories.
    inputs : Inputs
        Conversion of these numbers to what the model takes.
    counterfactuals : tuple of Counterfactual or None
        For each explained row; empty if there are none at all.
    linear, logistic : LinearSurrogate or None
    tree : TreeSurrogate or None
    gates, entangling : GateImportance or None
        Layers of the circuit; all gates on two or more qubits together.
    twin : EntanglementShare or None
    sobol : SobolIndices or None
    angles : tuple of str
        Names of the features of ``sobol``.
    faithfulness : DeletionCurves or None
    stability : tuple of Stability
    notes : tuple of str
        What to keep in mind.
    skipped : dict of str to str
        Reasons by part.
    """

    def __str__(self) -> str:
        return terminal(self.blocks())

    def blocks(self) -> list[Block]:
        """Return the explanation as blocks of `qml.assessment.report`."""
        return blocks_of(self)

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw importances, contributions, dependence, deletion curves and circuit in one figure.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        from qml.explain.figure import draw

        return draw(self, path)

    def to_html(self, path: str | PathLike[str] | None = None) -> str:
        """Write one page that needs nothing else: no network, no script; its figures need matplotlib (extra [plot]).

        Parameters
        ----------
        path : path of an HTML file, optional

        Returns
        -------
        str
            The page.
        """
        from qml.explain.page import page

        text = page(self)
        if path is not None:
            replace_file(path, [text.encode()])
        return text

    def to_shap(self) -> Any:
        """Return the Shapley values as a ``shap.Explanation``, for the plots of shap (extra [explain]).

        Of several outputs, they are those of the output that counts for each row.

        Raises
        ------
        ImportError
            If shap is not installed.
        """
        try:
            import shap
        except ImportError as error:
            raise ImportError("plots of shap need shap: pip install 'qumba[explain]'") from error
        return shap.Explanation(
            values=np.array([self.contributions(number) for number in range(len(self.rows))]),
            base_values=self.attributions.base[self.chosen],
            data=self.data,
            feature_names=list(self.columns),
        )
