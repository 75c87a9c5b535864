"""Variance of gradients over random weights: whether training can start, and how that changes with size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.subject import Subject, as_subject, random_generator, random_weights
from qml.feature_maps.domains import ArcCosines, Bits
from qml.models.quantum_model import QuantumModel
from qml.settings import check_whole

__all__ = ["GradientScaling", "gradient_scaling", "gradient_variance"]

Array = NDArray[np.float64]

IDENTICALLY_ZERO = 1e-20
"""Variance, in units of the observable squared, up to which a derivative is zero for all weights (rounding errors)."""

FEATURE_RANGE = (-np.pi / 2, np.pi / 2)
"""Range of random features, in radians, for models of other sizes."""


@dataclass(frozen=True)
class GradientScaling:
    """Variance of derivatives against the numbers of qubits and layers.

    Attributes
    ----------
    num_qubits : int ndarray, shape (n_widths,)
    num_layers : int ndarray, shape (n_depths,)
    variances : float ndarray, shape (n_depths, n_widths)
        Mean variance of the derivatives that are not zero for all weights.
    """

    num_qubits: NDArray[np.intp]
    num_layers: NDArray[np.intp]
    variances: Array

    @property
    def slopes(self) -> Array:
        """Change of log2 of the variance per qubit, for each depth: -1 for a barren plateau of random circuits."""
        return np.polyfit(self.num_qubits, np.log2(np.maximum(self.variances.T, np.finfo(float).tiny)), 1)[0]


def gradient_variance(
    model: Any,
    X: ArrayLike | None = None,
    *,
    n_sets: int = 1000,
    output: int = 0,
    draw: Callable[[np.random.Generator], Array] | None = None,
    random_state: Any = None,
) -> Array:
    """Compute the variance of an output's derivative with respect to each weight, over random weights.

    ``Var[d<O>/dw_k]``, all weight sets in one adjoint sweep.

    Parameters
    ----------
    model : Circuit, QuantumModel or fitted estimator
        Outputs are those of the circuit: expectations, or probabilities (of a `Circuit`, those of all basis states).
    X : array-like, shape (n_rows, n_features), optional
        Rows to encode, if the model has inputs; weight set k encodes row ``k % n_rows``.
    n_sets : int
        Number of weight sets, at least 2.
    output : int
        Number of the circuit's output.
    draw : callable, optional
        Function of a random generator that returns one set of weights, shape (n_weights,); by default weights are
        uniform on the circle.
    random_state : int, Generator or None

    Returns
    -------
    float ndarray, shape (n_weights,)

    References
    ----------
    McClean et al., "Barren plateaus in quantum neural network training landscapes", arXiv:1803.11173.

    Examples
    --------
    >>> from simulator import Circuit, Parameter, Z
    >>> w = Parameter("w")
    >>> model = QuantumModel(Circuit(1).ry(w, 0), weights=w, observables=Z(0))
    >>> gradient_variance(model, n_sets=10000, random_state=0).round(2)  # of -sin w
    array([0.5])
    """
    check_whole("n_sets", n_sets, least=2)
    subject, rng = as_subject(model, X), random_generator(random_state)
    count = len(subject.circuit_model.weights)
    if not count:
        raise ValueError("gradients are taken with respect to weights; this circuit has none")
    check_whole("output", output, least=0)
    if output >= subject.batched.num_outputs:
        raise ValueError(f"output expects a number below {subject.batched.num_outputs}, got {output}")
    weights = random_weights(subject, n_sets, rng) if draw is None else np.stack([draw(rng) for _ in range(n_sets)])
    if weights.shape != (n_sets, count):
        raise ValueError(f"draw must return weights of shape ({count},), got {weights.shape[1:]}")
    return _variance(subject, weights, output)


def gradient_scaling(
    build: Callable[[int, int], QuantumModel],
    num_qubits: Sequence[int],
    num_layers: Sequence[int],
    *,
    n_sets: int = 200,
    output: int = 0,
    random_state: Any = None,
) -> GradientScaling:
    """Compute the mean variance of derivatives for several numbers of qubits and layers.

    On a barren plateau it falls by a constant factor with each qubit, and so does the chance that training from random
    weights moves at all. Derivatives that vanish for all weights are left out.

    Parameters
    ----------
    build : callable
        Function of a number of qubits and a number of layers that returns a model. If it has features, they are drawn
        uniformly from -pi/2 to pi/2, or from the domain of the feature map.
    num_qubits : sequence of int
        At least two different ones.
    num_layers : sequence of int
    n_sets, output, random_state
        As in `gradient_variance`.

    References
    ----------
    McClean et al., arXiv:1803.11173; Cerezo et al., arXiv:2001.00550: shallow circuits with local observables have no
    barren plateau.
    """
    widths, depths = np.asarray(num_qubits, np.intp), np.asarray(num_layers, np.intp)
    if widths.ndim != 1 or len(np.unique(widths)) < 2 or widths.min() < 1:
        raise ValueError(f"num_qubits expects at least two different positive integers, got {num_qubits!r}")
    if depths.ndim != 1 or not len(depths) or depths.min() < 1:
        raise ValueError(f"num_layers expects at least one positive integer, got {num_layers!r}")
    rng = random_generator(random_state)
    variances = np.zeros((len(depths), len(widths)))
    for row, column in np.ndindex(variances.shape):
        model = build(int(widths[column]), int(depths[row]))
        X = None if not model.num_features else _random_features(model, n_sets, rng)
        each = gradient_variance(model, X, n_sets=n_sets, output=output, random_state=rng)
        live = each[each > IDENTICALLY_ZERO]
        variances[row, column] = live.mean() if len(live) else 0.0
    return GradientScaling(widths, depths, variances)


def _variance(subject: Subject, weights: Array, output: int) -> Array:
    values = subject.values(weights)
    cotangent = np.zeros((len(values), subject.batched.num_outputs))
    cotangent[:, output] = 1.0
    return np.asarray(subject.gradients(values, cotangent).var(axis=0))


def _random_features(model: QuantumModel, count: int, rng: np.random.Generator) -> Array:
    shape = count, model.num_features
    if isinstance(model.data, Bits):
        return rng.integers(0, 2, shape).astype(float)
    low, high = (-1.0, 1.0) if isinstance(model.data, ArcCosines) else FEATURE_RANGE
    return rng.uniform(low, high, shape)
