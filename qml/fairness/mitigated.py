"""Result of a mitigation: the classifier, what it reaches, and what it costs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.assessment.report import Block, Grid, Heading, Paragraph, terminal
from qml.fairness.adapters import quiet
from qml.fairness.figure import draw_mitigation
from qml.fairness.groups import Groups, intersection, read_groups
from qml.fairness.results import FairnessReport
from qml.honesty.statistics import PairedTest
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["CONSTRAINED", "MitigatedClassifier", "Mitigation", "Parity", "one_column", "row_labels"]

CONSTRAINED: dict[str, dict[str, tuple[int, ...]]] = {
    "demographic_parity": {"selection rates": (0, 1)},
    "equalized_odds": {"true positive rates": (1,), "false positive rates": (0,)},
    "true_positive_rate_parity": {"true positive rates": (1,)},
    "false_positive_rate_parity": {"false positive rates": (0,)},
}
"""Rates that a constraint makes equal, and the classes (1: positive) of the rows that they are shares of."""

GOAL = 0.02
"""Difference of rates between groups up to which a constraint is said to hold."""

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
        with quiet():
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
        with quiet():
            return np.asarray(self.mitigator_._pmf_predict(X, **options), float)

    def _groups(self, X: Any, sensitive: Any) -> NDArray[Any]:
        if sensitive is None:
            raise ValueError("thresholds differ by group: predict needs sensitive=, as it was in mitigate")
        return row_labels(one_column(sensitive, X))


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
class Mitigation(Preformatted):
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


def one_column(sensitive: Any, X: Any) -> Groups:
    """Read sensitive columns as one: of several, the groups are the combinations."""
    columns = read_groups(sensitive, X, len(X))
    return columns[0] if len(columns) == 1 else intersection(columns)


def row_labels(groups: Groups) -> NDArray[Any]:
    """Return the label of the group of each row."""
    return np.array(groups.labels)[groups.codes]
