"""A small decision tree in place of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from qml.explain.outputs import Explained, explained, plain
from qml.explain.surrogates import SurrogateError
from qml.settings import check_whole
from simulator.display import Preformatted

__all__ = ["TreeSurrogate", "fitted_tree", "tree_surrogate"]

FOLDS = 5
"""Number of folds for the fidelity on rows that the tree was not fitted to."""


@dataclass(frozen=True)
class TreeSurrogate(Preformatted):
    """Decision tree that imitates a model.

    Attributes
    ----------
    tree : DecisionTreeClassifier or DecisionTreeRegressor
    rules : str
        The tree as nested conditions.
    measure : str
        What the fidelity is: agreement of classes, or R^2 of numbers.
    fidelity, held_out : float
        On the rows of the fit, and in five-fold cross-validation.
    n_rows : int
    """

    tree: Any
    rules: str
    measure: str
    fidelity: float
    held_out: float
    n_rows: int

    def __str__(self) -> str:
        head = f"tree of depth {self.tree.get_depth()}: {self.measure} {self.held_out:.3f} on held-out rows"
        return f"{head} ({self.fidelity:.3f} on its own {self.n_rows})\n{self.rules}"


def tree_surrogate(
    model: Any,
    X: ArrayLike,
    *,
    max_depth: int = 3,
    groups: Mapping[str, Sequence[int]] | None = None,
    random_state: Any = None,
) -> TreeSurrogate:
    """Fit a small tree to the predictions, as a simpler model that a reader can check by hand.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    X : array-like or data frame, shape (n_rows, n_features)
        At least 10 rows.
    max_depth : int
    groups : mapping from names to numbers of features, optional
        As in `shapley_values`.
    random_state : int, RandomState or None
        Seed for the folds and for ties between splits.

    Examples
    --------
    >>> X = np.random.default_rng(0).uniform(size=(100, 2))
    >>> print(tree_surrogate(lambda X: np.where(X[:, 1] > 0.5, 1.0, -1.0), X, random_state=0))
    tree of depth 1: R^2 0.9... on held-out rows (1.000 on its own 100)
    feature 1 <= 0...: -1.000
    feature 1 > 0...: 1.000
    """
    check_whole("max_depth", max_depth)
    function, rows = explained(model, X, groups)
    return fitted_tree(function, rows, max_depth, random_state)


def fitted_tree(function: Explained, rows: NDArray[np.float64], max_depth: int, random_state: Any) -> TreeSurrogate:
    """Fit a tree to predictions for checked rows; parameters as of `tree_surrogate`."""
    if len(rows) < 2 * FOLDS:
        raise SurrogateError(f"a surrogate tree needs at least {2 * FOLDS} rows, got {len(rows)}")
    targets = function.predict(rows)
    if len(np.unique(targets)) < 2:
        raise SurrogateError(
            f"all {len(rows)} rows have the prediction {plain(targets[0])!r}: there is nothing to imitate"
        )
    kind = DecisionTreeClassifier if function.is_classifier else DecisionTreeRegressor
    tree = kind(max_depth=max_depth, random_state=random_state).fit(rows, targets)
    folds = KFold(FOLDS, shuffle=True, random_state=random_state)
    held_out = cross_val_predict(kind(max_depth=max_depth, random_state=random_state), rows, targets, cv=folds)

    def fidelity(predictions: NDArray[Any]) -> float:
        if function.is_classifier:
            return float(np.mean(predictions == targets))
        return 1.0 - float(np.sum((predictions - targets) ** 2) / np.sum((targets - targets.mean(axis=0)) ** 2))

    measure = "agreement" if function.is_classifier else "R^2"
    agreement = fidelity(tree.predict(rows))
    return TreeSurrogate(tree, _rules(function, tree), measure, agreement, fidelity(held_out), len(rows))


def _rules(function: Explained, tree: Any) -> str:
    """Write the tree as indented conditions; a split without consequences is left out."""
    names = function.inputs.feature_names
    structure = tree.tree_
    lines = []

    def result(node: int) -> str | None:
        """Return the prediction of a node if all leaves below it have the same one."""
        left, right = structure.children_left[node], structure.children_right[node]
        if left != -1:
            below = result(left)
            return below if below is not None and below == result(right) else None
        values = structure.value[node].ravel()
        return str(tree.classes_[values.argmax()]) if function.is_classifier else f"{values[0]:.3f}"

    def visit(node: int, depth: int, condition: str) -> None:
        indent, end = "    " * max(depth - 1, 0), result(node)
        if end is not None:
            lines.append(f"{indent}{condition}{': ' if condition else ''}{end}")
            return
        if condition:
            lines.append(f"{indent}{condition}")
        name, threshold = names[structure.feature[node]], structure.threshold[node]
        visit(structure.children_left[node], depth + 1, f"{name} <= {threshold:.4g}")
        visit(structure.children_right[node], depth + 1, f"{name} > {threshold:.4g}")

    visit(0, 0, "")
    return "\n".join(lines)
