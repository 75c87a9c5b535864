"""All explanations that apply to a model, in one object."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.fourier import fourier_spectrum
from qml.diagnostics.subject import spaced
from qml.explain.circuits import entangling_operations
from qml.explain.coalitions import MAX_EXACT
from qml.explain.counterfactuals import Counterfactual, held_features, nearest_other
from qml.explain.explanation import Explanation
from qml.explain.facts import angle_names, facts, model_name, notes
from qml.explain.faithfulness import curves, output_of_rows
from qml.explain.gates import GateImportance, gate_importance
from qml.explain.gradients import column_sums, output_gradients, path_gradients
from qml.explain.importances import column_dependence, permuted
from qml.explain.outputs import Explained, explained
from qml.explain.shapley import attributions
from qml.explain.sobol import SobolIndices, sobol_indices
from qml.explain.stability import Stability, background_stability, importance, retrained_stability
from qml.explain.surrogates import LinearSurrogate, fitted_surrogate
from qml.explain.trees import fitted_tree
from qml.explain.twins import entanglement_share
from qml.honesty.twins import innermost, preprocessing
from qml.settings import check_flag, check_whole
from simulator.errors import QumbaError, counted

__all__ = ["explain"]

Array = NDArray[np.float64]

EVALUATIONS = 1 << 21
"""Number of rows that Shapley values may take altogether before the background becomes smaller."""

FEWEST_BACKGROUND = 20
"""Minimum number of background rows (or all there are)."""

DESCRIBED_ROWS = 1000
"""Maximum number of rows for surrogates and permutations."""

GATE_ROWS = 200
DEPENDENCE_COLUMNS = 4
STABILITY_ROWS = 10
N_REPEATS = 10
N_STEPS = 64
N_HALVES = 5
N_RANDOM = 20


class NotApplicableError(QumbaError):
    """A part does not exist for this kind of model."""


def explain(
    model: Any,
    X: ArrayLike,
    X_explained: ArrayLike | None = None,
    y: ArrayLike | None = None,
    *,
    groups: Mapping[str, Sequence[int]] | None = None,
    fixed: Sequence[str | int] = (),
    max_background: int = 100,
    n_permutations: int = 50,
    twin: bool = False,
    n_seeds: int = 0,
    random_state: int | None = None,
) -> Explanation:
    """Explain a fitted model and some of its predictions.

    Each part is a public function of `qml.explain`, which documents its formula and source; ``docs/explain.md``
    explains how to read them. Models that are not quantum have no parts about circuits.

    Parameters
    ----------
    model : fitted classifier or regressor, TableModel, or callable
        Quantum or classical; a TableModel, as ``qml.load`` returns for files of ``qumba train``, is explained by the
        columns of its table.
    X : array-like or data frame, shape (n_samples, n_features)
        Rows of reference, such as the training rows; at least two different ones.
    X_explained : array-like or data frame, shape (n_explained, n_features), optional
        Rows whose predictions are explained, by default the first five of X.
    y : array-like, shape (n_samples,), optional
        Classes or targets of X, for permutation importance and gates.
    groups : mapping from names to numbers of features, optional
        Features that are explained together, such as the patches of an image.
    fixed : sequence of str or int
        Columns that counterfactuals must not change.
    max_background : int
        Maximum number of rows of X that Shapley values refer to; fewer for many columns.
    n_permutations : int
        Number of pairs of random orders for Shapley values of more than 12 columns.
    twin : bool
        Whether to train the twin without entanglement on X and y.
    n_seeds : int
        Number of further training runs on X and y, with other seeds, for the stability of the explanation.
    random_state : int, optional
        Seed for background rows, permutations and random orders.

    Returns
    -------
    Explanation
        ``print`` it, ``plot()`` it, write ``to_html("why.html")``, or take ``as_dict()``.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is neither a classifier, a regressor nor a function of rows.
    ValueError
        If X has fewer than two different rows, holds NaN, or the model is random (a backend without a seed).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(n_layers=2, epochs=20, random_state=0).fit(X, y)
    >>> explanation = explain(clf, X, X[:2], y, random_state=0)
    >>> explanation.columns[explanation.order[0]]
    'feature 2'
    """
    for name, value, least in (("max_background", max_background, 2), ("n_seeds", n_seeds, 0)):
        check_whole(name, value, least=least)
    check_whole("n_permutations", n_permutations, least=2)
    check_flag("twin", twin)
    function, reference = explained(model, X, groups)
    if len(np.unique(reference, axis=0)) < 2:
        raise ValueError(f"X must have at least 2 different rows to refer to, got {counted(len(reference), 'row')}")
    targets: Any = None if y is None else np.asarray(y)
    if targets is not None and len(targets) != len(reference):
        raise ValueError(f"y must have one entry per row: expected {len(reference)}, got {len(targets)}")
    if targets is None and (twin or n_seeds):
        raise ValueError("twin and n_seeds train copies of the model, which needs y")
    rows = reference[:5] if X_explained is None else function.inputs.rows(X_explained, "X_explained")
    held_features(function, fixed)  # an unknown name is an error, not a part that does not apply
    rng = np.random.default_rng(random_state)
    seed = int(rng.integers(1 << 31))
    background = _background(function, reference, len(rows), max_background, n_permutations, rng)
    shapley = attributions(function, background, rows, n_permutations=n_permutations, rng=rng)
    described = spaced(len(reference), DESCRIBED_ROWS)
    parts = _Parts()
    number = 0 if len(function.names) == 1 else int(np.abs(shapley.values).mean(axis=(0, 1)).argmax())
    order = np.argsort(-importance(shapley.values), kind="stable")
    dependent = [k for k in order if function.inputs.columns[k].is_single]
    deviations = reference.std(axis=0)
    gradients = np.abs(output_gradients(function, background)).mean(axis=(0, 2)) * deviations
    sample = spaced(len(reference), GATE_ROWS)
    gate_rows, gate_y = function.given(reference[sample]), None if targets is None else targets[sample]
    return Explanation(
        model=model_name(function),
        facts=facts(function, reference, background, rows, random_state),
        quantity=function.quantity,
        outputs=function.names,
        columns=function.inputs.names,
        rows=tuple(tuple(column.text(row) for column in function.inputs.columns) for row in rows),
        data=np.stack([column.number(rows) for column in function.inputs.columns], axis=1),
        labels=tuple(function.predict(rows)),
        chosen=output_of_rows(function, shapley.outputs),
        attributions=shapley,
        integrated=path_gradients(function, background.mean(axis=0), rows, N_STEPS),
        sensitivities=column_sums(function, gradients[None, :, None])[0, :, 0],
        permutation=permuted(
            function, reference[described], None if targets is None else targets[described], N_REPEATS, seed
        ),
        dependence=tuple(column_dependence(function, background, k, 30) for k in dependent[:DEPENDENCE_COLUMNS]),
        background=background,
        inputs=function.inputs,
        counterfactuals=parts.take("counterfactuals", lambda: _counterfactuals(function, reference, rows, fixed)) or (),
        linear=parts.take("linear", lambda: fitted_surrogate(function, reference[described], "linear", number, 0.95)),
        logistic=parts.take("logistic", lambda: _logistic(function, reference[described], number)),
        tree=parts.take("tree", lambda: fitted_tree(function, reference[described], 3, seed)),
        gates=parts.take("gates", lambda: gate_importance(model, gate_rows, gate_y, random_state=seed), TypeError),
        entangling=parts.take("entangling", lambda: _entangling(model, gate_rows, gate_y), TypeError),
        twin=parts.take("twin", lambda: entanglement_share(model, function.given(reference), targets), TypeError)
        if twin
        else None,
        sobol=parts.take("sobol", lambda: _sobol(function, reference), TypeError, ValueError),
        angles=angle_names(function),
        faithfulness=parts.take(
            "faithfulness", lambda: curves(function, background, rows, shapley.values, N_RANDOM, rng), ValueError
        ),
        stability=_stability(model, function, background, rows, reference, targets, n_seeds, rng, random_state),
        notes=tuple(notes(function, reference, background, rows, max_background)),
        skipped=parts.skipped,
    )


class _Parts:
    """Reasons of the parts that do not apply."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def take(self, name: str, compute: Callable[[], Any], *errors: type[ValueError | TypeError]) -> Any:
        """Compute a part; if it does not apply, keep the reason and return None."""
        try:
            return compute()
        except (ImportError, QumbaError, *errors) as error:
            self.skipped[name] = str(error)
            return None


def _background(
    function: Explained,
    reference: Array,
    n_rows: int,
    max_background: int,
    n_permutations: int,
    rng: np.random.Generator,
) -> Array:
    """Draw the background rows: fewer where many sets of columns are evaluated for many rows."""
    count = len(function.inputs.columns)
    num_sets = 1 << count if count <= MAX_EXACT else 2 * n_permutations * (count + 1)
    affordable = max(FEWEST_BACKGROUND, EVALUATIONS // (n_rows * num_sets))
    return reference[np.sort(rng.permutation(len(reference))[: min(max_background, affordable)])]


def _counterfactuals(
    function: Explained, reference: Array, rows: Array, fixed: Sequence[str | int]
) -> tuple[Counterfactual | None, ...]:
    if not function.is_classifier:
        raise NotApplicableError("a regressor has no other class; counterfactual(..., target=number) takes a number")
    return tuple(nearest_other(function, reference, row, None, fixed) for row in rows)


def _logistic(function: Explained, rows: Array, number: int) -> LinearSurrogate:
    if not function.is_classifier:
        raise NotApplicableError("the model predicts numbers, not classes")
    return fitted_surrogate(function, rows, "logistic", number, 0.95)


def _entangling(model: Any, rows: Any, y: NDArray[Any] | None) -> GateImportance:
    positions = entangling_operations(model)
    if not positions:
        raise NotApplicableError("the circuit has no gates on two or more qubits")
    return gate_importance(model, rows, y, groups={"gates on two or more qubits": positions})


def _sobol(function: Explained, reference: Array) -> SobolIndices:
    front = preprocessing(function.estimator)
    rows = function.inputs.restored(reference[:1])
    rows = rows if front is None else front.transform(rows)
    return sobol_indices(fourier_spectrum(innermost(function.estimator), rows))


def _stability(
    model: Any,
    function: Explained,
    background: Array,
    rows: Array,
    reference: Array,
    y: Any,
    n_seeds: int,
    rng: np.random.Generator,
    random_state: int | None,
) -> tuple[Stability, ...]:
    out = (
        [background_stability(function, background, rows[:STABILITY_ROWS], N_HALVES, rng)]
        if len(background) > 2
        else []
    )
    if n_seeds:
        first = 0 if random_state is None else random_state
        given, explained_rows = function.given(reference), function.given(rows)
        out.append(retrained_stability(model, given, y, explained_rows, n_seeds=n_seeds, random_state=first))
    return tuple(out)
