"""Mitigation of unequal treatment, by Fairlearn around any classifier, with its price in accuracy."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import has_fit_parameter

from qml.assessment.report import Block, Grid, Heading, Paragraph, terminal
from qml.fairness.figure import draw_mitigation
from qml.fairness.groups import Groups, intersection, read_groups
from qml.fairness.report import LabelsError, fairness_of_predictions
from qml.fairness.results import FairnessReport
from qml.honesty.statistics import PairedTest, paired_rows_test
from qml.plots.canvas import model_name
from simulator.errors import counted
from simulator.names import choose

__all__ = ["CONSTRAINTS", "MitigatedClassifier", "Mitigation", "mitigate"]

CONSTRAINTS = {
    "demographic_parity": "DemographicParity",
    "equalized_odds": "EqualizedOdds",
    "true_positive_rate_parity": "TruePositiveRateParity",
    "false_positive_rate_parity": "FalsePositiveRateParity",
}
"""What is made equal, and Fairlearn's class for it; its threshold optimiser takes the name."""

CONSTRAINED = {
    "demographic_parity": {"selection rates": (0, 1)},
    "equalized_odds": {"true positive rates": (1,), "false positive rates": (0,)},
    "true_positive_rate_parity": {"true positive rates": (1,)},
    "false_positive_rate_parity": {"false positive rates": (0,)},
}
"""Rates that a constraint makes equal, and the classes (1: positive) of the rows that they are shares of."""

METHODS = ("thresholds", "training")

GOAL = 0.02
"""Difference of rates between groups up to which a constraint is said to hold."""

CERTAIN = 1e-6
"""Probability below which a class is regarded as never drawn."""

SHOWN = ("demographic parity difference", "equal opportunity difference", "equalised odds difference")


class MitigatedClassifier:
    """Classifier that was mitigated by Fairlearn.

    Its predictions are random, in part: thresholds that make rates equal lie between two classes, and training returns
    a mixture of classifiers. Equal tables with equal seeds get equal predictions.

    Attributes
    ----------
    needs_sensitive : bool
        Whether ``predict`` needs the sensitive columns, as thresholds by group do.
    classes_ : ndarray, shape (2,)
        The negative and the positive class.
    mitigator_ : Fairlearn's object
    """

    def __init__(self, mitigator: Any, classes: NDArray[Any], *, needs_sensitive: bool) -> None:
        self.mitigator_, self.classes_, self.needs_sensitive = mitigator, classes, needs_sensitive

    def predict(self, X: Any, sensitive: Any = None, random_state: int | None = 0) -> NDArray[Any]:
        """Predict classes.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)
        sensitive : as for `mitigate`
            Needed if ``needs_sensitive``.
        random_state : int, optional
            Seed of the random part.
        """
        options: dict[str, Any] = {"random_state": random_state}
        if self.needs_sensitive:
            options["sensitive_features"] = self._groups(X, sensitive)
        with _quiet():
            selected = np.asarray(self.mitigator_.predict(X, **options)).astype(int)
        return self.classes_[selected]

    def predict_proba(self, X: Any, sensitive: Any = None) -> NDArray[np.float64]:
        """Return the probabilities with which ``predict`` draws each class: of most rows 0 and 1.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_features)
        sensitive : as for `mitigate`
            Needed if ``needs_sensitive``.

        Returns
        -------
        float ndarray, shape (n_rows, 2)
        """
        options = {"sensitive_features": self._groups(X, sensitive)} if self.needs_sensitive else {}
        with _quiet():
            return np.asarray(self.mitigator_._pmf_predict(X, **options), float)

    def _groups(self, X: Any, sensitive: Any) -> NDArray[Any]:
        if sensitive is None:
            raise ValueError("thresholds differ by group: predict needs sensitive=, as it was in mitigate")
        return _labels(_one(sensitive, X))


@dataclass(frozen=True)
class Parity:
    """How nearly a constraint holds: the difference between the groups furthest apart of the rates that it makes equal.

    The rates are those of the probabilities with which classes are drawn, so no chance of drawing is in them.

    Attributes
    ----------
    seen : float
        On the rows that mitigation used.
    tested : float or None
        On the test rows, if there are any.
    random : float
        Share of the compared rows whose class is drawn at random.
    """

    seen: float
    tested: float | None
    random: float


@dataclass(frozen=True)
class Mitigation:
    """A mitigated classifier, how it treats groups, and what that costs; ``print`` it.

    Attributes
    ----------
    model : MitigatedClassifier
    method, constraint : str
    before, after : FairnessReport
    price : PairedTest
        Accuracy before minus accuracy after, on the same rows.
    parity : Parity
        How nearly the constraint holds.
    tested : bool
        Whether the reports are on rows that mitigation did not see.
    """

    model: MitigatedClassifier
    method: str
    constraint: str
    before: FairnessReport
    after: FairnessReport
    price: PairedTest
    parity: Parity
    tested: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        low, high = self.price.interval
        return {
            "method": self.method,
            "constraint": self.constraint,
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
            "price": {"value": self.price.mean, "low": low, "high": high, "p_value": self.price.p_value},
            "parity": asdict(self.parity),
            "tested": self.tested,
        }

    def blocks(self) -> list[Block]:
        """Return the result as blocks of `qml.assessment.report`."""
        low, high = self.price.interval
        rows = [("accuracy", *(str(report.overall["accuracy"]) for report in (self.before, self.after)))]
        for before, after in zip(self.before.columns, self.after.columns, strict=True):
            rows += [(f"{before.name}: {name}", str(before.gaps[name]), str(after.gaps[name])) for name in SHOWN]
        how = "thresholds by group" if self.method == "thresholds" else "training under a constraint"
        text = (
            f"{self.before.model} by {how}, {self.constraint.replace('_', ' ')}. Accuracy falls by "
            f"{self.price.mean:.3f} ({low:.3f} to {high:.3f}) on {counted(self.before.n_rows, 'row')}"
            + ("." if self.tested else ", the same that mitigation saw: expect less on others.")
        )
        text += f" {self._parity_text()}"
        if self.model.needs_sensitive:
            text += (
                " Each prediction needs the sensitive attribute, and treats equal rows of two groups differently: in "
                "many places that is not lawful without a reason."
            )
        return [Heading("Mitigation"), Paragraph(text), Grid(("", "before", "after"), tuple(rows))]

    def _parity_text(self) -> str:
        """Say how nearly the constraint holds, and why it does not."""
        parity, rates = self.parity, " and ".join(CONSTRAINED[self.constraint])
        text = f"Averaged over random draws, the {rates} of groups differ by {parity.seen:.3f}"
        if parity.tested is not None:
            text += f" on the rows that mitigation saw, and by {parity.tested:.3f} on the others"
        if parity.random >= 0.005:
            text += f"; the class of {parity.random:.0%} of the rows is drawn at random"
        text += "."
        if parity.seen > GOAL:
            why = (
                "groups have too few rows, or too few different scores"
                if self.method == "thresholds"
                else "the classifiers that were trained cannot be mixed to a smaller difference: try more max_iter, a "
                "smaller tolerance, or a model that follows the weights of the rows more closely (more layers, epochs)"
            )
            text += f" That is more than {GOAL:g}: {why}."
        elif parity.tested is not None and parity.tested > 2 * GOAL:
            text += " The constraint holds for the rows that mitigation saw; more of them bring the two together."
        return text

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw accuracy and gaps before and after.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        return draw_mitigation(self, SHOWN, path)

    def __str__(self) -> str:
        return terminal(self.blocks())


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
    reductions, postprocessing = _fairlearn()
    classes = _classes(np.asarray(y), positive)
    groups = _one(sensitive, X)
    selected = (np.asarray(y) == classes[1]).astype(int)
    with _quiet():
        if kind == "thresholds":
            mitigator = postprocessing.ThresholdOptimizer(
                estimator=_Scores(model, classes[1]),
                constraints=constraint,
                prefit=True,
                predict_method="decision_function",
            )
            mitigator.fit(X, selected, sensitive_features=_labels(groups))
        else:
            mitigator = reductions.ExponentiatedGradient(
                _Weighted(model, random_state),
                getattr(reductions, CONSTRAINTS[constraint])(difference_bound=tolerance),
                max_iter=max_iter,
            )
            mitigator.fit(X, selected, sensitive_features=_labels(groups))
    mitigated = MitigatedClassifier(mitigator, classes, needs_sensitive=kind == "thresholds")
    X_test, y_test, sensitive_test = (X, y, sensitive) if test is None else test
    truth = np.asarray(y_test)
    columns = {column.name: list(_labels(column)) for column in read_groups(sensitive_test, X_test, len(truth))}
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
    parity = _difference(constraint, truth == classes[1], probability, _one(sensitive_test, X_test))
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


class _Scores(ClassifierMixin, BaseEstimator):
    """Scores of the positive class of a fitted classifier, for labels 0 and 1."""

    def __init__(self, model: Any, positive: Any) -> None:
        self.model, self.positive = model, positive
        self.classes_ = np.array([0, 1])

    def fit(self, X: Any, y: Any) -> Self:
        return self

    def predict(self, X: Any) -> NDArray[np.intp]:
        return (np.asarray(self.model.predict(X)) == self.positive).astype(int)

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        if hasattr(self.model, "predict_proba"):
            (place,) = np.flatnonzero(np.asarray(self.model.classes_) == self.positive)
            return np.asarray(self.model.predict_proba(X))[:, place]
        if hasattr(self.model, "decision_function"):
            scores = np.asarray(self.model.decision_function(X))
            return scores if self.model.classes_[1] == self.positive else -scores
        return self.predict(X).astype(float)


class _Weighted(ClassifierMixin, BaseEstimator):
    """Clone of a classifier that takes weights of rows, drawing rows by weight where the classifier takes none."""

    def __init__(self, model: Any, random_state: int | None) -> None:
        self.model, self.random_state = model, random_state

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        y, weight = np.asarray(y), None if sample_weight is None else np.asarray(sample_weight, float)
        self.model_ = clone(self.model)
        self.classes_ = np.array([0, 1])
        name = _weight_option(self.model_)
        if weight is None:
            self.model_.fit(X, y)
        elif name is not None:
            self.model_.fit(X, y, **{name: weight * (len(weight) / weight.sum())})
        else:
            rng = np.random.default_rng(self.random_state)
            rows = rng.choice(len(y), size=len(y), p=weight / weight.sum())
            for label in np.unique(y):  # a class that was drawn by chance in no row
                if not (y[rows] == label).any():
                    rows[0] = np.flatnonzero(y == label)[0]
            self.model_.fit(X.iloc[rows] if hasattr(X, "iloc") else np.asarray(X)[rows], y[rows])
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.model_.predict(X))


def _weight_option(model: Any) -> str | None:
    """Return the name of the option of ``fit`` that takes weights of rows, of a pipeline that of its last step."""
    if hasattr(model, "steps"):
        name, last = model.steps[-1]
        return f"{name}__sample_weight" if has_fit_parameter(last, "sample_weight") else None
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None


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


def _one(sensitive: Any, X: Any) -> Groups:
    columns = read_groups(sensitive, X, len(X))
    return columns[0] if len(columns) == 1 else intersection(columns)


def _labels(groups: Groups) -> NDArray[Any]:
    return np.array(groups.labels)[groups.codes]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide the warnings of pandas about how Fairlearn uses it."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"fairlearn\..*|pandas\..*")
        yield


def _fairlearn() -> tuple[Any, Any]:
    try:
        from fairlearn import postprocessing, reductions
    except ImportError as error:
        raise ImportError("mitigate needs the extra [fairness]: pip install 'qumba[fairness]'") from error
    return reductions, postprocessing
