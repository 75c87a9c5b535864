"""Linear and logistic models of a model's outputs, with standard errors, p-values and intervals."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linprog

from qml.explain.inputs import InputColumn
from qml.explain.outputs import Explained, explained, plain
from qml.settings import check_choice, check_fraction
from simulator.display import Preformatted
from simulator.errors import QumbaError, counted, unknown_name

__all__ = ["LinearSurrogate", "SurrogateError", "design", "fitted_surrogate", "linear_surrogate", "output_number"]

Array = NDArray[np.float64]
Kind = Literal["linear", "logistic"]

RANK = 1e-9
"""Singular values of the standardised columns below this, relative to the largest, count as 0."""


class SurrogateError(QumbaError, ValueError):
    """There is no surrogate: too few rows, dependent columns, or one prediction for all rows."""


@dataclass(frozen=True)
class LinearSurrogate(Preformatted):
    """Linear model of a model's output.

    Numbers are standardised: a coefficient is the effect of one standard deviation. A category's coefficient is the
    difference from the first category of its column.

    Attributes
    ----------
    kind : {"linear", "logistic"}
    output : str
        Output, or class, that is described.
    names : tuple of str
        Intercept and terms.
    coefficients, errors, p_values : float ndarray, shape (n_terms,)
        Least squares for outputs; maximum likelihood for the log-odds of the predicted class.
    intervals : float ndarray, shape (n_terms, 2)
    level : float
        Coverage of the intervals.
    fidelity : float
        R^2 of the outputs; of a logistic surrogate, the share of rows with the same predicted class.
    n_rows : int
    separation : str
        Says that the predicted classes are separated perfectly; then a logistic surrogate has no numbers (NaN).
    """

    kind: Kind
    output: str
    names: tuple[str, ...]
    coefficients: Array
    errors: Array
    p_values: Array
    intervals: Array
    level: float
    fidelity: float
    n_rows: int
    separation: str = ""

    @property
    def fidelity_name(self) -> str:
        """What the fidelity measures."""
        return "R^2" if self.kind == "linear" else "agreement"

    def __str__(self) -> str:
        head = f"{self.kind} surrogate of {self.output}, {self.n_rows} rows: "
        if self.separation:
            return head + self.separation
        width = max(map(len, self.names))
        lines = [head + f"{self.fidelity_name} {self.fidelity:.3f}"]
        lines.append(f"  {'':{width}}  {'coefficient':>11}  {'error':>8}  {'p-value':>8}  {self.level:.0%} interval")
        for k, name in enumerate(self.names):
            low, high = self.intervals[k]
            lines.append(
                f"  {name:{width}}  {self.coefficients[k]:+11.4f}  {self.errors[k]:8.4f}  {self.p_values[k]:8.2g}  "
                f"{low:+.4f} to {high:+.4f}"
            )
        return "\n".join(lines)


def linear_surrogate(
    model: Any,
    X: ArrayLike,
    *,
    kind: Kind = "linear",
    output: str | int | None = None,
    level: float = 0.95,
    groups: Mapping[str, Sequence[int]] | None = None,
) -> LinearSurrogate:
    """Fit a linear model to the outputs, or a logistic one to the predicted classes, by statsmodels (extra [explain]).

    The model itself has no noise: standard errors and p-values tell how far the rows determine the coefficients, given
    how much of the output is not linear. The fidelity tells how far the surrogate may be believed at all.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
    X : array-like or data frame, shape (n_rows, n_features)
        Rows to describe the model on, such as the training rows.
    kind : {"linear", "logistic"}
        ``"logistic"`` is for two classes, or one class against the others.
    output : str or int, optional
        Name or number of the output: by default the only one, or the first of several.
    level : float
        Coverage of the intervals.
    groups : mapping from names to numbers of features, optional
        As in `shapley_values`; each feature keeps a coefficient of its own.

    Returns
    -------
    LinearSurrogate
        If the classes are separated perfectly, a logistic surrogate says so and has no coefficients: they grow without
        limit (Albert and Anderson, Biometrika 71 (1984) 1).

    Raises
    ------
    SurrogateError
        If there are too few rows, columns depend linearly on each other, or all rows have one prediction.
    ImportError
        If statsmodels is not installed.

    Examples
    --------
    >>> X = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])
    >>> print(linear_surrogate(lambda X: X[:, 0] - 2 * X[:, 1] + 0.1 * X[:, 0] * X[:, 1], X))
    linear surrogate of output, 4 rows: R^2 0.998
                 coefficient     error   p-value  95% interval
      intercept      +0.0000    0.1000         1  -1.2706 to +1.2706
      feature 0      +1.0000    0.1000     0.063  -0.2706 to +2.2706
      feature 1      -2.0000    0.1000     0.032  -3.2706 to -0.7294
    """
    check_choice("kind", kind, ("linear", "logistic"))
    check_fraction("level", level)
    function, rows = explained(model, X, groups)
    return fitted_surrogate(function, rows, kind, output_number(function, output), level)


def output_number(function: Explained, output: str | int | None) -> int:
    """Return the number of an output given by its name or number."""
    if output is None:
        return 0
    if isinstance(output, str):
        if output not in function.names:
            raise unknown_name("output", output, function.names)
        return function.names.index(output)
    if not 0 <= output < len(function.names):
        raise ValueError(f"output expects a name or a number from 0 to {len(function.names) - 1}, got {output!r}")
    return int(output)


def fitted_surrogate(function: Explained, rows: Array, kind: Kind, number: int, level: float) -> LinearSurrogate:
    """Fit a surrogate to an output of checked rows; parameters as of `linear_surrogate`."""
    try:
        import statsmodels.api as sm
        from statsmodels.tools.sm_exceptions import PerfectSeparationError, PerfectSeparationWarning
    except ImportError as error:
        raise ImportError("linear surrogates need statsmodels: pip install 'qumba[explain]'") from error
    names, terms = design(function.inputs.columns, rows)
    matrix = np.column_stack([np.ones(len(rows)), terms])
    names = ("intercept", *names)
    _check_design(matrix, names)
    output = f"{function.quantity} of {function.names[number]}" if function.is_classifier else function.names[number]
    if kind == "linear":
        values = function(rows)[:, number]
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise SurrogateError(f"the {output} is {values[0]:.4g} for all rows: there is nothing to describe")
        fit = sm.OLS(values, matrix).fit()
        return _surrogate("linear", output, names, fit, level, float(fit.rsquared), len(rows))
    if not function.is_classifier:
        raise ValueError('kind="logistic" describes the classes of a classifier; use kind="linear" for numbers')
    assert function.classes is not None
    place = 1 if len(function.classes) == 2 else number
    label = function.classes[place]
    in_class = function.predict(rows) == label
    output = f"class {label}"
    if in_class.all() or not in_class.any():
        raise SurrogateError(
            f"{'all' if in_class.all() else 'none'} of the {len(rows)} rows are predicted as {plain(label)!r}"
        )
    separated = _separation(matrix, in_class)
    if not separated:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", PerfectSeparationWarning)
                fit = sm.Logit(in_class.astype(np.float64), matrix).fit(disp=0, maxiter=200)
        except (PerfectSeparationError, PerfectSeparationWarning, np.linalg.LinAlgError):
            separated = "perfect separation: statsmodels found no finite coefficients"
    if separated:
        nothing = np.full(len(names), np.nan)
        intervals = np.full((len(names), 2), np.nan)
        return LinearSurrogate(
            "logistic", output, names, nothing, nothing, nothing, intervals, level, np.nan, len(rows), separated
        )
    agreement = float(np.mean((fit.predict(matrix) > 0.5) == in_class))
    return _surrogate("logistic", output, names, fit, level, agreement, len(rows))


def design(columns: tuple[InputColumn, ...], rows: Array) -> tuple[tuple[str, ...], Array]:
    """Return names and values of the terms: standardised numbers, and indicators of all categories but the first.

    Columns that do not vary are left out.
    """
    names, terms = [], []
    for column in columns:
        places = list(column.features)
        if column.categories:
            for number, category in list(enumerate(column.categories))[1:]:
                names.append(f"{column.name}={category}")
                if column.one_hot:  # also the shares of a category that was not seen in training
                    terms.append(rows[:, places[number - 1 if len(places) == 1 else number]])
                else:
                    terms.append((rows[:, places[0]] == number).astype(np.float64))
            continue
        for j, name in zip(places, column.feature_names, strict=True):
            names.append(name)
            spread = rows[:, j].std()
            terms.append((rows[:, j] - rows[:, j].mean()) / (spread if spread > 0 else 1.0))
    varying = [k for k, term in enumerate(terms) if np.ptp(term) > 10 * np.finfo(np.float64).eps * np.abs(term).max()]
    if not varying:
        raise SurrogateError(f"the columns are the same in all {len(rows)} rows: there is nothing to fit")
    return tuple(names[k] for k in varying), np.column_stack([terms[k] for k in varying])


def _check_design(matrix: Array, names: Sequence[str]) -> None:
    """Raise SurrogateError if the rows do not determine the coefficients."""
    if len(matrix) <= len(names):
        raise SurrogateError(
            f"{counted(len(names), 'coefficient')} and their errors need at least {len(names) + 1} rows, "
            f"got {len(matrix)}"
        )
    sizes = np.linalg.svd(matrix, compute_uv=False)
    if sizes[-1] <= RANK * sizes[0]:
        direction = np.abs(np.linalg.svd(matrix)[2][-1])
        involved = [name for name, part in zip(names, direction, strict=True) if part > 0.1 * direction.max()]
        raise SurrogateError(
            f"columns depend linearly on each other ({', '.join(involved)}), so that their coefficients are not "
            "determined; leave one out"
        )


def _separation(matrix: Array, in_class: NDArray[np.bool_]) -> str:
    """Say whether a plane separates the classes, found by a linear programme; empty if none does.

    It maximises ``sum_i s_i x_i . b`` over ``s_i x_i . b >= 0`` and ``|b| <= 1`` with s_i = 1 or -1; the maximum is
    positive exactly if the maximum likelihood estimate does not exist.
    """
    signed = np.where(in_class, 1.0, -1.0)[:, None] * matrix
    result = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=(-1.0, 1.0))
    if result.x is None or -result.fun <= 1e-9 * len(signed):
        return ""
    on_the_plane = int(np.sum(signed @ result.x < 1e-9))
    means = "its coefficients would be infinite; look at the linear surrogate of the output instead"
    if on_the_plane:
        rows = counted(on_the_plane, "row")
        return f"quasi-perfect separation: a plane separates the predicted classes but for {rows} on it: {means}"
    return f"perfect separation: a plane separates the predicted classes without error: {means}"


def _surrogate(
    kind: Kind, output: str, names: tuple[str, ...], fit: Any, level: float, fidelity: float, n_rows: int
) -> LinearSurrogate:
    values, errors, p_values = (np.asarray(part, np.float64) for part in (fit.params, fit.bse, fit.pvalues))
    intervals = np.asarray(fit.conf_int(alpha=1 - level), np.float64)
    return LinearSurrogate(kind, output, names, values, errors, p_values, intervals, level, fidelity, n_rows)
