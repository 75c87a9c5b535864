"""Report on how a model treats groups of people."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_regressor

from qml.fairness.estimates import GroupSums, estimate_gaps, estimate_rates
from qml.fairness.groups import Groups, intersection, read_groups, small_groups
from qml.fairness.rates import resampled_sums
from qml.fairness.residuals import resampled_residual_sums
from qml.fairness.results import ColumnReport, FairnessReport
from qml.fairness.words import WORDS
from qml.plots.canvas import model_name
from qml.tables import TableModel
from qml.weights import checked_sample_weight
from simulator.errors import QumbaError
from simulator.names import choose

__all__ = ["LabelsError", "fairness_of_predictions", "fairness_report"]


class LabelsError(QumbaError, ValueError):
    """The labels are not of two classes, and no class was named positive."""


def fairness_report(
    model: Any,
    X: Any,
    y: ArrayLike,
    sensitive: Any,
    *,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
) -> FairnessReport:
    """Compare how a model treats groups of people, with intervals.

    Of a classifier: selection, error rates and calibration. Of a regressor: means of targets, predictions and
    residuals, mean absolute error, RMSE and R2.

    Parameters
    ----------
    model : fitted classifier, regressor or TableModel
        Of this library, or any other with ``predict``; ``predict_proba`` gives the calibration.
    X : array-like, shape (n_rows, n_features)
        Rows that the model was not trained on.
    y : array-like, shape (n_rows,)
        True classes, or true values.
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
        One or more sensitive columns; of several, the groups of their combinations are compared too.
    positive : label, optional
        The class that counts as being selected; by default the second of two. Not for a quantity.
    sample_weight : array-like, shape (n_rows,), optional
    n_resamples : int
        Number of bootstrap resamples of the rows.
    level : float
        Probability of the intervals.
    random_state : int, optional
        Seed of the resamples.

    Raises
    ------
    SensitiveError
        If a column is missing, has gaps, one value only, or more than 20.
    LabelsError
        If there are more than two classes and ``positive`` is not given, or if it is given for a quantity.

    References
    ----------
    Hardt, Price and Srebro, arXiv:1610.02413 (equalised odds, equal opportunity); Kleinberg, Mullainathan and Raghavan,
    arXiv:1609.05807 (calibration within groups); Agarwal, Dudik and Wu, arXiv:1905.12843 (regression). The numbers are
    those of Fairlearn's ``MetricFrame``.
    """
    predicted = np.asarray(model.predict(X))
    estimator = model.estimator if isinstance(model, TableModel) else model
    regression = is_regressor(estimator)
    probabilities = None
    if not regression and hasattr(estimator, "predict_proba"):
        probabilities = np.asarray(model.predict_proba(X))
    truth = np.asarray(y)
    probability = None
    if probabilities is not None:
        positive = _positive(truth, predicted, positive)
        (place,) = np.flatnonzero(np.asarray(estimator.classes_) == positive)
        probability = probabilities[:, place]
    columns = read_groups(sensitive, X, len(truth))
    report = _report(
        model_name(estimator), "regression" if regression else "classification", truth, predicted, probability, columns,
        positive, sample_weight, n_resamples, level, random_state,
    )  # fmt: skip
    if isinstance(model, TableModel):
        features = {column.name for column in model.schema.columns}
        notes = [f"{column.name} is a feature of the model" for column in columns if column.name in features]
        report = replace(report, warnings=(*notes, *report.warnings))
    return report


def fairness_of_predictions(
    y: ArrayLike,
    predicted: ArrayLike,
    sensitive: Any,
    *,
    task: Literal["classification", "regression"] = "classification",
    probability: ArrayLike | None = None,
    positive: Any = None,
    sample_weight: ArrayLike | None = None,
    n_resamples: int = 1000,
    level: float = 0.95,
    random_state: int | None = 0,
    model: str = "Predictions",
) -> FairnessReport:
    """Compare groups as `fairness_report` does, from predictions that there are already.

    Parameters
    ----------
    y, predicted : array-like, shape (n_rows,)
        True and predicted classes, or values.
    sensitive : array-like, Series, DataFrame, or mapping of names to columns
    task : {"classification", "regression"}
        Whether ``y`` holds classes or a quantity.
    probability : array-like, shape (n_rows,), optional
        Probability of the positive class.
    positive, sample_weight, n_resamples, level, random_state
        As for `fairness_report`.
    model : str
        Name for the report.
    """
    truth, labels = np.asarray(y), np.asarray(predicted)
    if len(labels) != len(truth):
        raise ValueError(f"expected a prediction for each of {len(truth)} rows, got {len(labels)}")
    columns = read_groups(sensitive, None, len(truth))
    values = None if probability is None else np.asarray(probability, float)
    choose("task", task, tuple(WORDS))
    return _report(
        model, task, truth, labels, values, columns, positive, sample_weight, n_resamples, level, random_state
    )


def _positive(truth: NDArray[Any], predicted: NDArray[Any], positive: Any) -> Any:
    """Return the positive class, which must be one of the labels."""
    classes = sorted(set(truth.tolist()) | set(predicted.tolist()))
    if positive is None:
        if len(classes) > 2:
            raise LabelsError(
                f"expected two classes, got {len(classes)} ({', '.join(map(str, classes[:5]))}): choose by positive= "
                "the one that counts as being selected; of a quantity, a regressor's predictions or task='regression' "
                "are compared"
            )
        if len(classes) < 2:
            raise LabelsError(f"all labels and predictions are {classes[0]!r}: there is nothing to compare")
        return classes[1]
    if positive not in classes:
        raise LabelsError(f"positive={positive!r} is not one of the classes {', '.join(map(repr, classes[:8]))}")
    return positive


def _report(
    model: str,
    task: Literal["classification", "regression"],
    truth: NDArray[Any],
    predicted: NDArray[Any],
    probability: NDArray[np.float64] | None,
    columns: tuple[Groups, ...],
    positive: Any,
    sample_weight: ArrayLike | None,
    n_resamples: int,
    level: float,
    random_state: int | None,
) -> FairnessReport:
    if not 0 < level < 1:
        raise ValueError(f"level expects a probability between 0 and 1, got {level}")
    finest = columns[0] if len(columns) == 1 else intersection(columns)
    size = len(finest.labels)
    weight = checked_sample_weight(sample_weight, np.zeros((len(truth), 1)))
    rng = np.random.default_rng(random_state)
    data: GroupSums
    resampled: GroupSums
    if task == "regression":
        if positive is not None or probability is not None:
            raise LabelsError("positive= and probability= are for classes, and these are quantities: leave them out")
        y, p = _quantities("y", truth), _quantities("predictions", predicted)
        data, resampled = resampled_residual_sums(finest.codes, size, y, p, weight, n_resamples, rng)
        row_counts = {"all": finest.counts.astype(float)}
    else:
        positive = _positive(truth, predicted, positive)
        labels = (truth == positive, predicted == positive)
        data, resampled = resampled_sums(finest.codes, size, *labels, probability, weight, n_resamples, rng)
        plain, _ = resampled_sums(finest.codes, size, *labels, None, np.ones(len(truth)), 0, rng)
        row_counts = plain.counts()

    def merged(
        codes: NDArray[np.intp], count: int
    ) -> tuple[GroupSums, GroupSums, dict[str, NDArray[np.float64]], float]:
        members = np.zeros((count, size))
        members[codes, finest.codes] = 1.0
        counts = {name: members @ values for name, values in row_counts.items()}
        return data.merged(members), resampled.merged(members), counts, level

    compared = columns if len(columns) == 1 else (*columns, finest)
    reports = []
    for groups in compared:
        sums = merged(groups.codes, len(groups.labels))
        rates, gaps = estimate_rates(*sums), estimate_gaps(*sums)
        reports.append(ColumnReport(groups.name, groups.labels, tuple(groups.counts.tolist()), rates, gaps))
    overall = estimate_rates(*merged(np.zeros(len(truth), np.intp), 1))
    warnings = [line for groups in compared for line in small_groups(groups)]
    for report in reports:
        undefined = [name for name, values in report.rates.items() if any(np.isnan(rate.value) for rate in values)]
        if undefined:
            warnings.append(
                f"{report.name}: {', '.join(undefined)} undefined in some groups, which are left out of gaps"
            )
    return FairnessReport(
        model, task, None if positive is None else str(positive), len(truth), level,
        {name: values[0] for name, values in overall.items()}, tuple(reports), tuple(warnings),
    )  # fmt: skip


def _quantities(name: str, values: NDArray[Any]) -> NDArray[np.float64]:
    """Return numbers, one for each row, that are all finite."""
    try:
        numbers = values.astype(float)
    except (TypeError, ValueError):
        raise LabelsError(f"{name}: expected numbers, as the target is a quantity, got {values.ravel()[:1]}") from None
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise LabelsError(f"{name}: expected a finite number for each row, got shape {numbers.shape}, NaN or infinity")
    return numbers
