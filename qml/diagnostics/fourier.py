"""Exact Fourier series of a model as a function of its features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.subject import Subject, as_subject
from qml.layers import Dense, TrainedScales
from qml.library_threads import one_blas_thread
from qml.models.checks import check_finite
from simulator.calculations.input_shifts import frequencies
from simulator.circuit import Circuit
from simulator.errors import ParameterError
from simulator.parameters import Expression, Parameter, ParameterVector

__all__ = ["FourierSpectrum", "fourier_spectrum", "line_powers"]

Array = NDArray[np.float64]

OVERSAMPLING = 4
"""Number of points for each coefficient if frequencies are not multiples of one; the equations are then well posed."""

CLOSEST = 1e-7
"""Smallest distance of two frequencies, relative to the largest, that doubles resolve."""

MOST_POINTS = 1 << 20
"""Maximum number of evaluations of the circuit."""


@dataclass(frozen=True)
class FourierSpectrum:
    """Fourier series ``f(x) = sum_k c_k exp(i k.x)`` of each output; call it to evaluate the series.

    Attributes
    ----------
    features : tuple of int
        Numbers of the features that vary.
    frequencies : tuple of float ndarray, shapes (2 R_j + 1,)
        Frequencies in each of these features, ascending from the most negative one, in inverse units of the feature.
    coefficients : complex ndarray, shape (n_outputs, 2 R_1 + 1, 2 R_2 + 1, ...)
        ``c_k``; that of -k is the complex conjugate of that of k.
    """

    features: tuple[int, ...]
    frequencies: tuple[Array, ...]
    coefficients: NDArray[np.complex128]

    def __call__(self, X: ArrayLike) -> Array:
        """Evaluate the series.

        Parameters
        ----------
        X : array-like, shape (n_rows, n_varying_features)

        Returns
        -------
        float ndarray, shape (n_rows, n_outputs)
        """
        rows = np.asarray(X, np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.features):
            raise ValueError(f"X must have shape (n_rows, {len(self.features)}), got {rows.shape}")
        out = np.empty((len(rows), len(self.coefficients)))
        for number, row in enumerate(rows):
            value = self.coefficients
            for spectrum, x in zip(self.frequencies, row, strict=True):
                value = np.tensordot(np.exp(1j * spectrum * x), value, axes=(0, 1))
            out[number] = value.real
        return out


def fourier_spectrum(
    model: Any,
    X: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    *,
    features: Sequence[int] | None = None,
) -> FourierSpectrum:
    """Compute the Fourier series of a model's outputs in its features.

    An expectation is a trigonometric polynomial in each angle, and its frequencies are sums of differences of
    eigenvalues of the generators; so values at one more point than twice the number of frequencies, for each feature,
    determine it. The frequencies need not be multiples of one (that takes four times the values), and nothing is
    truncated.

    Parameters
    ----------
    model : QuantumModel or fitted estimator
        Model whose features are angles, perhaps after dense layers or trained scales. Features of an estimator are
        those after its scaling; outputs are those of its last layer if all layers after the circuit are dense,
        otherwise those of the circuit.
    X : array-like, shape (n_rows, n_features)
        The first row gives the values of the features that do not vary.
    weights : array-like, shape (n_weights,), radians, optional
        Weights of a model.
    features : sequence of int, optional
        Numbers of the features that vary; by default all.

    Raises
    ------
    ValueError
        If the model is not periodic in its features: they pass through a data function or a nonlinear layer first.
    ParameterError
        If a feature has too many frequencies, or the features together need too many evaluations.
    QumbaError
        If a gate that is not a rotation depends on a feature.

    References
    ----------
    Schuld, Sweke and Meyer, "Effect of data encoding on the expressive power of variational quantum machine learning
    models", arXiv:2008.08605.

    Examples
    --------
    >>> from simulator import Circuit, Parameter, Z
    >>> from qml import QuantumModel
    >>> x = Parameter("x")
    >>> spectrum = fourier_spectrum(QuantumModel(Circuit(1).ry(x, 0), inputs=x, observables=Z(0)), [[0.0]])
    >>> spectrum.frequencies[0], spectrum.coefficients.round(12).real
    (array([-1.,  0.,  1.]), array([[0.5, 0. , 0.5]]))
    """
    subject, function = _periodic(model, X, weights)
    count = subject.features.shape[1]
    varying = tuple(range(count)) if features is None else tuple(int(j) for j in features)
    if not varying or len(set(varying)) != len(varying) or not all(0 <= j < count for j in varying):
        raise ValueError(f"features expects different numbers from 0 to {count - 1}, got {features!r}")
    circuit, parameters = _in_features(subject)
    ladders = [Ladder.of(frequencies(circuit, parameters[j])) for j in varying]
    return _series(function, subject.features[0], varying, ladders)


def line_powers(
    model: Any, X: ArrayLike | None = None, weights: ArrayLike | None = None, *, features: Sequence[int] | None = None
) -> list[tuple[Array, Array]]:
    """Compute how much of a model's variation each frequency of each feature carries, along lines through the rows.

    Parameters
    ----------
    model, X, weights, features
        As in `fourier_spectrum`; one feature varies at a time, and the others keep the values of each row in turn.

    Returns
    -------
    list of (float ndarray, float ndarray), shapes (R_j,)
        For each feature its positive frequencies, and the mean over rows of ``2 |c_k|^2``, summed over the outputs.
    """
    subject, function = _periodic(model, X, weights)
    circuit, parameters = _in_features(subject)
    out = []
    for j in range(len(parameters)) if features is None else features:
        spectrum = frequencies(circuit, parameters[j])
        ladder = Ladder.of(spectrum)
        lines = [_series(function, row, (j,), [ladder]).coefficients for row in subject.features]
        powers = 2 * np.mean([np.sum(np.abs(line) ** 2, axis=0) for line in lines], axis=0)
        out.append((spectrum, powers[len(spectrum) + 1 :]))
    return out


def _periodic(model: Any, X: ArrayLike | None, weights: ArrayLike | None) -> tuple[Subject, Callable[[Array], Array]]:
    """Return the subject, and its outputs as a function of its features, after a check that they are periodic."""
    subject = as_subject(model, X, weights)
    circuit_model, trained = subject.circuit_model, subject.weights
    if subject.kernel is not None:
        raise TypeError("the Fourier series is that of a trained model; a kernel has no outputs")
    if trained is None:
        if circuit_model.weights:
            raise ValueError(
                f"weights of shape ({len(circuit_model.weights)},) are needed: a model has no trained ones"
            )
        trained = np.zeros(0)
    if not subject.features.shape[1]:
        raise ValueError("a Fourier series needs features, and the model has none")
    nonlinear: list[Any] = [layer for layer, _ in subject.front if not isinstance(layer, Dense | TrainedScales)]
    if subject.data is not None:
        nonlinear.append(subject.data)
    if nonlinear:
        raise ValueError(
            f"the outputs are not periodic in the features, which pass through {nonlinear[0]!r} first; take the "
            "spectrum of the circuit in its angles, fourier_spectrum(model.without_data(), angles, weights)"
        )
    linear = all(isinstance(layer, Dense) for layer, _ in subject.back)
    values = np.array(trained)

    def function(rows: Array) -> Array:
        for layer, layer_weights in subject.front:
            rows = layer.forward(rows, layer_weights)
        outputs = circuit_model.evaluate(np.ascontiguousarray(rows), values)
        return subject.read_out(outputs) if linear else outputs

    return subject, function


def _in_features(subject: Subject) -> tuple[Circuit, Sequence[Parameter]]:
    """Return the circuit as one of the features, and its parameters for these."""
    model = subject.circuit_model
    if not subject.front:
        return model.circuit, model.inputs
    count = subject.features.shape[1]
    probes = np.concatenate([np.zeros((1, count)), np.eye(count)])
    for layer, weights in subject.front:
        probes = layer.forward(probes, weights)
    offsets, factors = probes[0], probes[1:] - probes[0]
    parameters = tuple(ParameterVector("feature", count))
    angles: dict[Parameter, Expression | float] = {}
    for column, parameter in enumerate(model.inputs):
        angle: Any = float(offsets[column])
        for factor, feature in zip(factors[:, column].tolist(), parameters, strict=True):
            angle = angle + factor * feature if factor else angle
        angles[parameter] = angle
    used = set(model.circuit.parameters)
    bound = model.circuit.bind({parameter: angle for parameter, angle in angles.items() if parameter in used})
    return bound, parameters


@dataclass(frozen=True)
class Ladder:
    """Frequencies of one feature, points at which to evaluate, and the matrix from values there to coefficients."""

    frequencies: Array
    points: Array
    inverse: NDArray[np.complex128]

    @classmethod
    def of(cls, spectrum: Array) -> Ladder:
        """Return the ladder of positive frequencies in ascending order."""
        points, both = _points(spectrum), np.concatenate([-spectrum[::-1], [0.0], spectrum])
        with one_blas_thread():
            inverse = np.linalg.pinv(np.exp(1j * np.outer(points, both)))
        return cls(both, points, np.asarray(inverse, np.complex128))


def _points(spectrum: Array) -> Array:
    """Return points whose values determine a series: equally spaced, or spread over a beat of two frequencies."""
    count = len(spectrum)
    if not count:
        return np.zeros(1)
    if np.allclose(spectrum, spectrum[0] * np.arange(1, count + 1), rtol=1e-9, atol=0.0):
        return np.asarray(2 * np.pi / ((2 * count + 1) * spectrum[0]) * np.arange(2 * count + 1))
    spacing = float(np.diff(spectrum, prepend=0.0).min())
    if spacing < CLOSEST * spectrum[-1]:
        raise ParameterError(
            f"frequencies {spacing:g} apart cannot be told apart beside one of {spectrum[-1]:g}; make the factors of "
            "the feature in its angles multiples of one number"
        )
    golden = (np.sqrt(5) - 1) / 2
    return np.asarray(4 * np.pi / spacing * (np.arange(OVERSAMPLING * (2 * count + 1)) * golden % 1.0))


def _series(
    function: Callable[[Array], Array], row: Array, varying: tuple[int, ...], ladders: Sequence[Ladder]
) -> FourierSpectrum:
    """Compute the coefficients from values on the grid of the ladders' points."""
    sizes = [len(ladder.points) for ladder in ladders]
    if np.prod([float(size) for size in sizes]) > MOST_POINTS:
        raise ParameterError(
            f"the Fourier series in {len(varying)} features needs {' x '.join(map(str, sizes))} evaluations, more than "
            f"{MOST_POINTS:,}; choose fewer features"
        )
    grid = np.stack(np.meshgrid(*(ladder.points for ladder in ladders), indexing="ij"), axis=-1)
    rows = np.tile(row, (grid.size // len(varying), 1))
    rows[:, list(varying)] = grid.reshape(len(rows), len(varying))
    check_finite("X", rows)
    values = function(rows)
    out: Any = values.T.reshape(values.shape[1], *sizes).astype(complex)
    for axis, ladder in enumerate(ladders, start=1):
        out = np.moveaxis(np.tensordot(ladder.inverse, out, axes=(1, axis)), 0, axis)
    return FourierSpectrum(varying, tuple(ladder.frequencies for ladder in ladders), np.ascontiguousarray(out))
