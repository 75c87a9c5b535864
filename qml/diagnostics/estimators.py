"""Diagnosis of a fitted estimator: all diagnostics that apply to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.concentration import KernelConcentration, kernel_concentration
from qml.diagnostics.diagnosis import Diagnosis
from qml.diagnostics.fisher import effective_dimension, fisher_information, fisher_spectrum
from qml.diagnostics.fourier import line_powers
from qml.diagnostics.gradients import IDENTICALLY_ZERO, gradient_scaling, gradient_variance
from qml.diagnostics.noise import NoiseSensitivity, noise_sensitivity
from qml.diagnostics.parameters import ParameterReport, parameter_report
from qml.diagnostics.states import EntanglingCapability, entangling_capability, expressibility
from qml.diagnostics.subject import Subject, as_subject, random_generator, random_weights, spaced
from qml.diagnostics.summaries import FisherSummary, FourierSummary, GradientSummary
from qml.estimators.variational.circuit import EncodedCircuit
from qml.estimators.variational.dressed import DressedEstimator
from qml.estimators.variational.reuploading import ReuploadingEstimator
from qml.feature_maps import AngleMap
from qml.layers import Quantum
from qml.models.layered import layered_model
from qml.models.quantum_model import QuantumModel
from qml.models.reuploading import reuploading_model
from qml.settings import check_whole
from simulator.errors import QumbaError

__all__ = ["diagnose"]

Array = NDArray[np.float64]

FULL_QUBITS = 10
"""Maximum number of qubits with all weight sets and rows."""

SETS, FEWEST_SETS = 1000, 50
SCALING_SETS = 200
FISHER_SETS, FISHER_ROWS = 50, 256
JACOBIAN_SETS, JACOBIAN_ROWS = 4, 64
GRAM_ROWS = 128
NOISE_ROWS = 16
LINE_ROWS = 4

NOISE_QUBITS = 10
"""Maximum number of qubits for noise: a density matrix of 11 takes 64 MB and seconds per row."""

FEWEST_SAMPLES = 19
"""Number of samples from which the effective dimension is defined."""

WIDEST = 10
"""Maximum number of qubits at which gradients are compared."""


def diagnose(
    estimator: Any, X: ArrayLike, y: ArrayLike | None = None, *, n_sets: int | None = None, random_state: Any = None
) -> Diagnosis:
    """Diagnose a fitted estimator: will it train, what can it express, which weights does it need, what does noise do.

    Each part is a public function of `qml.diagnostics`, which documents its formula and source; ``docs/science.md``
    explains how to read them. Kernel estimators have no trained circuit, so that fewer parts apply.

    Parameters
    ----------
    estimator : fitted estimator
        With a trained circuit or a kernel, on this engine.
    X : array-like, shape (n_rows, n_features)
        Rows such as those that it was fitted to; at least two different ones.
    y : array-like, shape (n_rows,), optional
        Classes or targets, for the kernel's alignment.
    n_sets : int, optional
        Number of random weight sets; by default 1000 up to 10 qubits, and fewer beyond.
    random_state : int, Generator or None
        Seed for the random weights.

    Returns
    -------
    Diagnosis
        ``print`` it, ``plot()`` it, or take ``as_dict()``.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    TypeError
        If it has neither a trained circuit nor a kernel.
    ValueError
        If it runs on a backend, or all rows of X are equal.
    StateTooLargeError
        If a state does not fit in memory; raised before allocation.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from qml import VariationalClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> report = diagnose(VariationalClassifier(epochs=5, random_state=0).fit(X, y), X, y, random_state=0)
    >>> report.num_weights, report.parameters.rank
    (48, 40)
    """
    check_whole("n_sets", n_sets, least=2, instead=[None])
    subject, rng = as_subject(estimator, X), random_generator(random_state)
    n_rows = len(subject.features)
    if len(np.unique(subject.features, axis=0)) < 2:
        raise ValueError(f"X must have at least 2 different rows, all of the {n_rows} rows are equal")
    num_qubits = None if subject.model is None else subject.model.circuit.num_qubits
    if n_sets is None:
        n_sets = _affordable(subject, SETS, FEWEST_SETS)
    trained = subject.model is not None and subject.kernel is None and bool(subject.model.weights)
    skipped: dict[str, str] = {}
    if not trained:
        reason = "a kernel has no trained circuit" if subject.kernel is not None else "the circuit has no weights"
        skipped |= dict.fromkeys(("gradients", "expressibility", "fisher", "parameters"), reason)
    labels = None if y is None else np.asarray(y)
    if labels is not None and len(labels) != n_rows:
        raise ValueError(f"y must have one entry per row: expected {n_rows}, got {len(labels)}")
    return Diagnosis(
        type(estimator).__name__,
        num_qubits,
        len(subject.circuit_model.weights) if trained else 0,
        n_rows,
        n_sets,
        _gradients(estimator, subject, n_sets, rng) if trained else None,
        expressibility(subject, n_sets=n_sets, random_state=rng) if trained else None,
        _entanglement(subject, n_sets, rng, skipped),
        _concentration(subject, labels),
        _fisher(subject, rng) if trained else None,
        _fourier(subject, skipped),
        _parameters(subject, rng) if trained else None,
        _noise(subject, skipped),
        skipped,
    )


def _affordable(subject: Subject, count: int, least: int) -> int:
    """Halve a number of sets or rows for each qubit beyond 10, which doubles the work, down to a minimum."""
    num_qubits = 0 if subject.model is None else subject.model.circuit.num_qubits
    return max(least, count >> max(0, num_qubits - FULL_QUBITS))


def _gradients(estimator: Any, subject: Subject, n_sets: int, rng: np.random.Generator) -> GradientSummary:
    draw = cast(Quantum, subject.quantum).initial_weights
    uniform = gradient_variance(subject, n_sets=n_sets, random_state=rng)
    initial = gradient_variance(subject, n_sets=n_sets, draw=draw, random_state=rng)
    live = uniform > IDENTICALLY_ZERO
    at_random, at_start = (float(each[live].mean()) if live.any() else 0.0 for each in (uniform, initial))
    build = _builder(estimator)
    if build is None:
        return GradientSummary(at_random, at_start, None, None)
    width = subject.circuit_model.circuit.num_qubits
    depth = (
        estimator._num_layers(width, estimator.network_.num_outputs)
        if estimator.n_layers is None
        else estimator.n_layers
    )
    widest = min(max(width, 6), WIDEST)
    widths = [n for n in range(2, widest + 1) if (widest - n) % 2 == 0 and _exists(build, n, depth)]
    if len(widths) < 2:
        return GradientSummary(at_random, at_start, depth, None)
    depths = [n for n in sorted({1, depth, 4 * depth}) if _exists(build, widths[0], n)]
    scaling = gradient_scaling(build, widths, depths, n_sets=min(n_sets, SCALING_SETS), random_state=rng)
    return GradientSummary(at_random, at_start, depth, scaling)


def _builder(estimator: Any) -> Callable[[int, int], QuantumModel] | None:
    """Return the function that builds the estimator's circuit for other sizes; None if it exists at one size only."""
    build: Callable[[int, int], QuantumModel]
    if isinstance(estimator, ReuploadingEstimator):

        def build(width: int, depth: int) -> QuantumModel:
            return reuploading_model(width, depth, width)

    elif isinstance(estimator, DressedEstimator):

        def build(width: int, depth: int) -> QuantumModel:
            return layered_model(AngleMap(), estimator.ansatz, width, depth, width)

    elif isinstance(estimator, EncodedCircuit) and getattr(estimator, "model", None) is None:
        feature_map = estimator._feature_map()

        def build(width: int, depth: int) -> QuantumModel:
            features, observables = feature_map.max_features(width), estimator._measured(width, depth)
            return layered_model(feature_map, estimator._ansatz(), features, depth, width, observables)

    else:
        return None
    return build if estimator.entangled else lambda width, depth: build(width, depth).without_entanglement()


def _exists(build: Callable[[int, int], QuantumModel], width: int, depth: int) -> bool:
    """Whether the circuit exists at this size: some ansätze need a power of two, or a minimum of qubits or layers."""
    try:
        return bool(build(width, depth).weights)
    except ValueError:
        return False


def _entanglement(
    subject: Subject, n_sets: int, rng: np.random.Generator, skipped: dict[str, str]
) -> EntanglingCapability | None:
    if subject.model is None or subject.model.circuit.num_qubits < 2:
        skipped["entanglement"] = "there is no circuit" if subject.model is None else "1 qubit cannot be entangled"
        return None
    return entangling_capability(subject, n_sets=n_sets, random_state=rng)


def _concentration(subject: Subject, y: NDArray[Any] | None) -> KernelConcentration:
    indices = spaced(len(subject.features), GRAM_ROWS)
    labels = None if y is None or y.ndim != 1 or len(np.unique(y[indices])) < 2 else y[indices]
    return kernel_concentration(subject.take(GRAM_ROWS), y=labels)


def _fisher(subject: Subject, rng: np.random.Generator) -> FisherSummary | None:
    n_rows = len(subject.features)
    weights = random_weights(subject, _affordable(subject, FISHER_SETS, 10), rng)
    fishers = fisher_information(subject.take(_affordable(subject, FISHER_ROWS, 16)), weights=weights)
    if not np.trace(fishers, axis1=1, axis2=2).any():
        return None
    dimension = effective_dimension(fishers, n_rows) if n_rows >= FEWEST_SAMPLES else None
    if dimension is not None and dimension > fishers.shape[-1]:  # log k near 0: more directions than there are weights
        dimension = None
    return FisherSummary(fisher_spectrum(fishers).mean(axis=0), dimension, n_rows)


def _fourier(subject: Subject, skipped: dict[str, str]) -> FourierSummary | None:
    if subject.kernel is not None:
        skipped["fourier"] = "a kernel has no outputs"
        return None
    try:
        lines = line_powers(subject.take(LINE_ROWS))
    except (ValueError, QumbaError) as error:  # a model that is not periodic, or has too many frequencies
        skipped["fourier"] = str(error)
        return None
    return FourierSummary(tuple(spectrum for spectrum, _ in lines), tuple(powers for _, powers in lines))


def _parameters(subject: Subject, rng: np.random.Generator) -> ParameterReport:
    rows, sets = _affordable(subject, JACOBIAN_ROWS, 8), _affordable(subject, JACOBIAN_SETS, 1)
    return parameter_report(subject.take(rows), n_sets=sets, random_state=rng)


def _noise(subject: Subject, skipped: dict[str, str]) -> NoiseSensitivity | None:
    if subject.kernel is not None or subject.weights is None:
        skipped["noise"] = "there are no outputs of a trained circuit"
        return None
    num_qubits = subject.circuit_model.circuit.num_qubits
    if num_qubits > NOISE_QUBITS:
        skipped["noise"] = (
            f"density matrices of {num_qubits} qubits take long; noise_sensitivity(estimator, X) with few rows does it"
        )
        return None
    return noise_sensitivity(subject.take(NOISE_ROWS))
