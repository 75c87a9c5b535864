"""Proxies: features that reveal a sensitive attribute although it is left out."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.tree import DecisionTreeClassifier

from qml.assessment.report import Block, Grid, Heading, Paragraph, terminal
from qml.fairness.groups import Groups, SensitiveError, read_groups
from qml.honesty.statistics import holm
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["Proxy", "ProxyReport", "find_proxies"]

STRONG = 0.2
"""Strength from which a feature is called a proxy: of two groups of equal size, it tells 60 % of the rows right."""

SIGNIFICANT = 0.05
FOLDS = 5
DEPTH = 3
TREES = 50
BINS = 5
SHOWN = 10


@dataclass(frozen=True)
class Proxy:
    """How well a feature predicts a sensitive attribute.

    Attributes
    ----------
    feature : str
    strength : float
        From 0, no better than guessing, to 1, always right.
    p_value : float
        Of the chi-squared test that the feature, numbers cut at their quintiles, is distributed alike in all groups,
        corrected by Holm's method.
    """

    feature: str
    strength: float
    p_value: float


@dataclass(frozen=True)
class ProxyReport(Preformatted):
    """How well features predict a sensitive attribute; ``print`` it.

    Attributes
    ----------
    name : str
        The sensitive column.
    n_rows : int
    features : tuple of Proxy
        All features, the strongest first.
    together : float
        Strength of all features together.
    """

    name: str
    n_rows: int
    features: tuple[Proxy, ...]
    together: float

    @property
    def proxies(self) -> tuple[Proxy, ...]:
        """Features that are proxies: strong, and clearly so."""
        return tuple(entry for entry in self.features if entry.strength >= STRONG and entry.p_value < SIGNIFICANT)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return asdict(self) | {"proxies": [entry.feature for entry in self.proxies]}

    def blocks(self) -> list[Block]:
        """Return the report as blocks of `qml.assessment.report`."""
        names = ", ".join(entry.feature for entry in self.proxies) or "no single feature"
        rows = [(entry.feature, f"{entry.strength:.2f}", f"{entry.p_value:.2g}") for entry in self.features[:SHOWN]]
        return [
            Heading(f"Proxies of {self.name}"),
            Paragraph(
                f"{self.name} can be told from the other columns with strength {self.together:.2f} (0: guessing, 1: "
                f"always right); alone, {names} can tell it with at least {STRONG}. A model without the column "
                f"{self.name} can still treat its groups differently by what remains."
            ),
            Grid(
                (f"of {counted(len(self.features), 'feature')}", "strength", "p-value"),
                (*rows, ("all together", f"{self.together:.2f}", "")),
            ),
        ]

    def __str__(self) -> str:
        return terminal(self.blocks())


def find_proxies(
    X: Any, sensitive: Any, *, feature_names: list[str] | None = None, random_state: int | None = 0
) -> ProxyReport | dict[str, ProxyReport]:
    """Measure how well each feature, and all of them together, predict a sensitive attribute.

    A feature's strength is the balanced accuracy of a small decision tree in a cross-validation, scaled so that
    guessing is 0; that of all features is the same for a random forest. Trees also find dependences that are not
    monotone, which a correlation would miss.

    Parameters
    ----------
    X : DataFrame or array-like, shape (n_rows, n_features)
        Numbers or text, with gaps.
    sensitive : array-like, Series, DataFrame, mapping of names to columns, or names of columns of ``X``
        Its own columns are left out of ``X``.
    feature_names : list of str, optional
        By default the columns of a DataFrame, or ``feature 0`` and so on.
    random_state : int, optional
        Seed of the folds and trees.

    Returns
    -------
    ProxyReport, or a dict of them by name if there are several sensitive columns

    Raises
    ------
    SensitiveError
        If a sensitive column is missing, has gaps, one value only, or more than 20, or a group has one row.
    """
    n_rows = len(X)
    columns = read_groups(sensitive, X, n_rows)
    if hasattr(X, "columns"):
        X = X[[name for name in X.columns if str(name) not in {column.name for column in columns}]]
    names = feature_names or [str(name) for name in getattr(X, "columns", ())]
    features, is_text = _numbers(X)
    names = names or [f"feature {number}" for number in range(features.shape[1])]
    reports = {groups.name: _report(groups, features, is_text, names, random_state) for groups in columns}
    return reports if len(reports) > 1 else next(iter(reports.values()))


def _report(
    groups: Groups, features: NDArray[np.float64], is_text: list[bool], names: list[str], seed: int | None
) -> ProxyReport:
    smallest = int(groups.counts.min())
    if smallest < 2:
        label = groups.labels[int(groups.counts.argmin())]
        raise SensitiveError(f"{groups.name}: {label} has one row; merge it with another group, or leave it out")
    folds = StratifiedKFold(min(FOLDS, smallest), shuffle=True, random_state=seed)

    def strength(model: Any, X: NDArray[np.float64]) -> float:
        guess = 1 / len(groups.labels)
        score = balanced_accuracy_score(groups.codes, cross_val_predict(model, X, groups.codes, cv=folds))
        return float(max(0.0, (score - guess) / (1 - guess)))

    tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=5, class_weight="balanced", random_state=seed)
    strengths = [strength(tree, column[:, None]) for column in features.T]
    p_values = holm(
        np.array([_p_value(groups, column, text) for column, text in zip(features.T, is_text, strict=True)])
    )
    entries = [Proxy(*entry) for entry in zip(names, strengths, map(float, p_values), strict=True)]
    entries.sort(key=lambda entry: (-entry.strength, entry.p_value))
    forest = RandomForestClassifier(TREES, min_samples_leaf=5, class_weight="balanced", random_state=seed)
    return ProxyReport(groups.name, len(features), tuple(entries), strength(forest, features))


def _p_value(groups: Groups, column: NDArray[np.float64], text: bool) -> float:
    known = np.isfinite(column)
    values, codes = column[known], groups.codes[known]
    if not text and len(values):
        values = np.searchsorted(np.unique(np.quantile(values, np.arange(1, BINS) / BINS)), values).astype(float)
    _, positions = np.unique(values, return_inverse=True)
    table = np.zeros((len(np.unique(positions)), len(groups.labels)))
    np.add.at(table, (positions, codes), 1)
    table = table[:, table.any(0)]
    return float(chi2_contingency(table).pvalue) if min(table.shape, default=0) > 1 else 1.0


def _numbers(X: Any) -> tuple[NDArray[np.float64], list[bool]]:
    """Return the features as numbers, words as their places in alphabetical order; and which of them are words."""
    columns = [np.asarray(X[name]) for name in X.columns] if hasattr(X, "columns") else list(np.asarray(X).T)
    if not columns:
        raise SensitiveError("X has no column besides the sensitive ones")
    numbers, is_text = [], []
    for column in columns:
        try:
            numbers.append(column.astype(float))
            is_text.append(False)
        except (TypeError, ValueError):
            words = np.array([str(cell) for cell in column.tolist()])
            numbers.append(np.unique(words, return_inverse=True)[1].astype(float))
            is_text.append(True)
    return np.stack(numbers, 1), is_text
