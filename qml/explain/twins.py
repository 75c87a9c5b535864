"""What entanglement contributes: a model against its twin, trained on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.explain.outputs import explained
from qml.honesty.statistics import PairedTest, paired_rows_test, signed_rank_test
from qml.honesty.twins import twin_of
from qml.tables import TableModel
from simulator.display import Preformatted

__all__ = ["EntanglementShare", "entanglement_share"]

Array = NDArray[np.float64]

CLEAR = 0.05
"""P-value below which a difference is called clear."""


@dataclass(frozen=True)
class EntanglementShare(Preformatted):
    """A model and its twin on the same rows.

    Attributes
    ----------
    score, twin_score : float
        Accuracy or R^2.
    test : PairedTest
        Of the differences of single rows: of being right, or of squared errors in units of the variance of y.
    rows_p_value : float
        Wilcoxon's signed-rank test of the same differences; for classes McNemar's.
    agreement : float or None
        Share of the rows with the same predicted class.
    output_share : float
        Share of the variance of the model's outputs that the twin's outputs do not reproduce, ``1 - R^2``.
    n_rows : int
    trained_on : bool
        Whether these are the rows of the training, so that scores are too good.
    """

    score: float
    twin_score: float
    test: PairedTest
    rows_p_value: float
    agreement: float | None
    output_share: float
    n_rows: int
    trained_on: bool

    def __str__(self) -> str:
        difference, p_value = self.score - self.twin_score, self.rows_p_value
        if p_value >= CLEAR:
            verdict = "no clear difference"
        else:
            verdict = "clearly better with entanglement" if difference > 0 else "clearly better without entanglement"
        rows = f"{self.n_rows} {'training rows' if self.trained_on else 'rows'}"
        same = "" if self.agreement is None else f", same class for {self.agreement:.1%}"
        return (
            f"{self.score:.3f} with entanglement, {self.twin_score:.3f} for the twin without, on {rows}: {verdict} "
            f"(p = {p_value:.2g}){same}; the twin misses {self.output_share:.1%} of the variance of the outputs"
        )


def entanglement_share(
    model: Any, X: ArrayLike, y: ArrayLike, X_test: ArrayLike | None = None, y_test: ArrayLike | None = None
) -> EntanglementShare:
    """Train the twin of a model, which has no gates on two or more qubits, and compare outputs and scores.

    Parameters
    ----------
    model : fitted estimator with ``without_entanglement``, or a pipeline that ends with one, or TableModel
        It is not changed; its training data must be X and y.
    X, y : array-like
        Rows to train the twin on.
    X_test, y_test : array-like, optional
        Rows to compare on, by default the training rows.

    Raises
    ------
    TypeError
        If the model has no twin.

    References
    ----------
    Bowles, Ahmed and Schuld, "Better than classical?", arXiv:2403.07059.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(n_layers=1, epochs=20, random_state=0).fit(X[::2], y[::2])
    >>> share = entanglement_share(clf, X[::2], y[::2], X[1::2], y[1::2])
    >>> bool(0 <= share.twin_score <= 1), share.n_rows
    (True, 75)
    """
    if (X_test is None) != (y_test is None):
        raise ValueError("X_test and y_test belong together: give both or neither")
    estimator = model.estimator if isinstance(model, TableModel) else model
    untrained = twin_of(estimator)
    if untrained is None:
        raise TypeError(f"{type(estimator).__name__} has no circuit that could do without entanglement")
    twin = untrained.fit(model.features(X), y) if isinstance(model, TableModel) else untrained.fit(X, y)
    function, rows = explained(model, X if X_test is None else X_test)
    of_twin, _ = explained(TableModel(twin, model.schema) if isinstance(model, TableModel) else twin, X)
    truth = np.asarray(y if y_test is None else y_test)
    predictions, others = function.predict(rows), of_twin.predict(rows)
    if function.is_classifier:
        gains = (predictions == truth).astype(np.float64) - (others == truth)
        agreement = float(np.mean(predictions == others))
    else:
        squares = ((predictions - truth) ** 2, (others - truth) ** 2)
        gains = ((squares[1] - squares[0]) / truth.var()).reshape(len(truth), -1).mean(axis=1)
        agreement = None
    outputs, twins = function(rows), of_twin(rows)
    spread = float(np.sum((outputs - outputs.mean(axis=0)) ** 2))
    missed = float(np.sum((outputs - twins) ** 2)) / spread if spread else np.nan
    taken = function.inputs.restored(rows)
    return EntanglementShare(
        float(estimator.score(taken, truth)),
        float(twin.score(taken, truth)),
        paired_rows_test(gains),
        signed_rank_test(gains),
        agreement,
        missed,
        len(rows),
        X_test is None,
    )
