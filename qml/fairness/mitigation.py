"""Mitigation of unequal treatment, by Fairlearn around any classifier, with its price in accuracy."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.fairness.adapters import FairlearnScores, WeightedClone, fairlearn_modules, quiet
from qml.fairness.groups import Groups, read_groups
from qml.fairness.mitigated import CONSTRAINED, MitigatedClassifier, Mitigation, Parity, one_column, row_labels
from qml.fairness.report import LabelsError, fairness_of_predictions
from qml.honesty.statistics import paired_rows_test
from qml.plots.canvas import model_name
from simulator.names import choose

__all__ = ["CONSTRAINTS", "mitigate"]

CONSTRAINTS = {
    "demographic_parity": "DemographicParity",
    "equalized_odds": "EqualizedOdds",
    "true_positive_rate_parity": "TruePositiveRateParity",
    "false_positive_rate_parity": "FalsePositiveRateParity",
}
"""What is made equal, and Fairlearn's class for it; its threshold optimiser takes the name."""

METHODS = ("thresholds", "training")

CERTAIN = 1e-6
"""Probability below which a class is regarded as never drawn."""


def mitigate(
    model: Any,
    X: Any,
    y: ArrayLike,
    sensitive: Any,
    *,
    method: Literal["thresholds", "training"] = "thresholds",
    constraint: str = "demographic_parity",
    test: tuple[Any, ArrayLike, Any] | None = None,
    positive: Any = None,
    max_iter: int = 10,
    tolerance: float = 0.01,
    random_state: int | None = 0,
) -> Mitigation:
    """Make a classifier treat groups more equally, and tell the price.

    Parameters
    ----------
    model : classifier
        Fitted; ``"training"`` trains clones of it.
    X, y : array-like
        Rows on which thresholds are chosen, or clones are trained.
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
        Of several columns, the groups are the combinations.
    method : {"thresholds", "training"}
        Thresholds by group on the model's scores, without training (Hardt et al.); or a mixture of classifiers trained
        with changing weights of the rows, which does not need the attribute to predict (Agarwal et al.). Classifiers
        that take no weights are trained on rows drawn by weight.
    constraint : {"demographic_parity", "equalized_odds", "true_positive_rate_parity", "false_positive_rate_parity"}
    test : (X, y, sensitive), optional
        Rows on which both classifiers are compared; by default those of the mitigation.
    positive : label, optional
        The class that counts as being selected; by default the second of two.
    max_iter : int
        Maximum number of classifiers that ``"training"`` trains, in addition to those of its line search.
    tolerance : float
        Violation of the constraint that ``"training"`` allows.
    random_state : int, optional
        Seed of the predictions and of drawn rows.

    Raises
    ------
    ImportError
        If Fairlearn is not installed.
    SensitiveError, LabelsError
        As for `fairness_report`.

    References
    ----------
    Hardt, Price and Srebro, arXiv:1610.02413; Agarwal, Beygelzimer, Dudik, Langford and Wallach, arXiv:1803.02453.
    """
    kind = choose("method", method, METHODS)
    constraint = choose("constraint", constraint, CONSTRAINTS)
    reductions, postprocessing = fairlearn_modules()
    classes = _classes(np.asarray(y), positive)
    groups = one_column(sensitive, X)
    selected = (np.asarray(y) == classes[1]).astype(int)
    with quiet():
        if kind == "thresholds":
            mitigator = postprocessing.ThresholdOptimizer(
                estimator=FairlearnScores(model, classes[1]),
                constraints=constraint,
                prefit=True,
                predict_method="decision_function",
            )
            mitigator.fit(X, selected, sensitive_features=row_labels(groups))
        else:
            mitigator = reductions.ExponentiatedGradient(
                WeightedClone(model, random_state),
                getattr(reductions, CONSTRAINTS[constraint])(difference_bound=tolerance),
                max_iter=max_iter,
            )
            mitigator.fit(X, selected, sensitive_features=row_labels(groups))
    mitigated = MitigatedClassifier(mitigator, classes, needs_sensitive=kind == "thresholds")
    X_test, y_test, sensitive_test = (X, y, sensitive) if test is None else test
    truth = np.asarray(y_test)
    columns = {column.name: list(row_labels(column)) for column in read_groups(sensitive_test, X_test, len(truth))}
    before = np.asarray(model.predict(X_test))
    after = mitigated.predict(X_test, sensitive_test, random_state)
    reports = [
        fairness_of_predictions(
            truth, predicted, columns, positive=classes[1], model=model_name(model), random_state=random_state
        )
        for predicted in (before, after)
    ]
    price = paired_rows_test((before == truth).astype(float) - (after == truth))
    probability = mitigated.predict_proba(X_test, sensitive_test)[:, 1]
    parity = _difference(constraint, truth == classes[1], probability, one_column(sensitive_test, X_test))
    seen = parity
    if test is not None:
        seen = _difference(constraint, selected == 1, mitigated.predict_proba(X, sensitive)[:, 1], groups)
    certain = (probability < CERTAIN) | (probability > 1 - CERTAIN)
    quality = Parity(seen, None if test is None else parity, float(1 - certain.mean()))
    return Mitigation(mitigated, kind, constraint, reports[0], reports[1], price, quality, test is not None)


def _difference(constraint: str, truth: NDArray[np.bool_], probability: NDArray[np.float64], groups: Groups) -> float:
    """Return the largest difference between groups of the expected rates that a constraint makes equal."""
    differences = [0.0]
    for classes in CONSTRAINED[constraint].values():
        counted_rows = np.isin(truth, classes)
        rates = [
            probability[rows].mean()
            for code in range(len(groups.labels))
            if (rows := counted_rows & (groups.codes == code)).any()
        ]
        differences.append(float(max(rates) - min(rates)) if rates else 0.0)
    return max(differences)


def _classes(truth: NDArray[Any], positive: Any) -> NDArray[Any]:
    """Return the negative and the positive class."""
    classes = np.unique(truth)
    if len(classes) != 2:
        raise LabelsError(f"mitigation needs two classes, got {len(classes)}: say which one counts, such as y == 'yes'")
    if positive is None or positive == classes[1]:
        return classes
    if positive != classes[0]:
        raise LabelsError(f"positive={positive!r} is not one of the classes {classes[0]} and {classes[1]}")
    return classes[::-1].copy()
