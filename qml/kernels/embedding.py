"""Base of the kernels of quantum states: a feature map by name or object, its weights, and the input scaling."""

from __future__ import annotations

import copy
import functools
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state

from qml.feature_maps import Encoding, FeatureMap, get_feature_map
from qml.kernels.bandwidth import find_bandwidth
from qml.kernels.kernel import Kernel
from qml.settings import check_backend, check_circuit_size
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit
from simulator.errors import ObservableError, ParameterError
from simulator.observables import PauliSum
from simulator.observables.checks import MAX_QUBITS
from simulator.parameters import Parameter
from simulator.program.program import Program

__all__ = ["EmbeddingKernel"]

Array = NDArray[np.float64]


class EmbeddingKernel(Kernel):
    """Kernel of the states into which a feature map encodes ``bandwidth_ * X``."""

    feature_map: str | FeatureMap | Circuit
    bandwidth: float | ArrayLike | str
    num_qubits: int | None
    entangled: bool
    inputs: Sequence[Parameter] | None
    weights: ArrayLike | None
    random_state: Any
    backend: Backend | str | None
    resume: Folder
    _options: dict[str, Any]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return settings by name, including those of the feature map."""
        return {**super().get_params(deep), **self._options}

    def set_params(self, **params: Any) -> Self:
        """Change settings; names that are not settings of the kernel are those of the feature map."""
        known = super().get_params(deep=True)
        kernel_params = {name: value for name, value in params.items() if name in known}
        super().set_params(**kernel_params)
        self._options = {**self._options, **{name: params[name] for name in params if name not in kernel_params}}
        return self

    def encoding(self, num_features: int) -> Encoding:
        """Return the feature map's circuit for a number of features."""
        return self.prepare(num_features)[0]

    def on(self, backend: Backend | str | None, resume: Folder = None) -> Self:
        other = copy.copy(self)
        other.backend, other.resume = backend, resume
        return other

    def without_entanglement(self) -> Self:
        return clone(self).set_params(entangled=False)

    def known_map(self) -> FeatureMap | None:
        """Return the feature map as an object; None for a circuit."""
        return None if isinstance(self.feature_map, Circuit) else get_feature_map(self.feature_map, **self._options)

    def bounded_map(self) -> Any:
        """Return the feature map if it has a ``domain`` that features must not leave; None otherwise."""
        known = self.known_map()
        return known if hasattr(known, "domain") else None

    def prepare(self, num_features: int) -> tuple[Encoding, Program]:
        """Return the feature map's circuit for a number of features, and its program; both are cached."""
        inputs = None if self.inputs is None else tuple(self.inputs)
        options = tuple(sorted(self._options.items()))
        key: tuple[Any, ...] = (
            self.feature_map,
            options,
            inputs,
            self.weights is not None,
            num_features,
            self.num_qubits,
            self.entangled,
        )
        try:
            return _prepared(*key, self._observables, self.precision)
        except TypeError as error:
            if "unhashable" not in str(error):
                raise
            return _prepared.__wrapped__(*key, self._observables, self.precision)

    @property
    def _observables(self) -> int:
        """Order of the reduced density matrices whose Pauli strings are measured; 0 for none."""
        return 0

    def learn(self, X: Array, y: NDArray[Any] | None) -> None:
        encoding, _ = self.prepare(X.shape[1])
        if self.weights is None and encoding.weights:
            seed = check_random_state(self.random_state).randint(2**31)
            self.weights_ = encoding.initial_weights(np.random.default_rng(seed))
        elif hasattr(self, "weights_"):
            del self.weights_
        if isinstance(self.bandwidth, str):
            if self.bandwidth != "auto":
                raise ValueError(f'bandwidth is a number, one for each feature, or "auto", got {self.bandwidth!r}')
            self.bandwidth_ = find_bandwidth(self, X, y)
        else:
            self.bandwidth_ = _checked_bandwidth(self.bandwidth, X.shape[1])

    def _scaled(self, X: Array) -> Array:
        """Return the input of the feature map."""
        if hasattr(self, "bandwidth_"):
            return X * self.bandwidth_
        if isinstance(self.bandwidth, str):
            raise NotFittedError(f"bandwidth={self.bandwidth!r} is learnt from samples: call fit first")
        return X * _checked_bandwidth(self.bandwidth, X.shape[1])

    def _ready(self, X: Array) -> tuple[Program, Array, Array]:
        """Return the program, the values of its inputs for these samples, and those of its weights."""
        encoding, program = self.prepare(X.shape[1])
        return program, encoding.angles(self._scaled(X)), self.weight_values(encoding)

    def _planned(self, X: Array) -> Array:
        """Return the input of the feature map; before `fit`, values with the same cost."""
        try:
            return self._scaled(X)
        except NotFittedError:
            return X / max(1.0, float(np.abs(X).max()))

    def _planned_weights(self, encoding: Encoding) -> Array:
        try:
            return self.weight_values(encoding)
        except NotFittedError:
            return np.zeros(len(encoding.weights))

    def _backend_of_plan(self, backend: Backend | str | None) -> Backend:
        checked = check_backend(self.backend if backend is None else backend)
        return NumbaBackend(precision=self.precision) if checked is None else checked

    def weight_values(self, encoding: Encoding) -> Array:
        """Return the encoding's weights, passed in or drawn by `fit`, shape (n_weights,), radians.

        Raises
        ------
        NotFittedError
            If the weights have to be drawn first.
        ParameterError
            If the weights passed in do not fit the encoding.
        """
        if self.weights is None:
            if not encoding.weights:
                return np.zeros(0)
            if not hasattr(self, "weights_"):
                raise NotFittedError("the feature map has weights: call fit, which draws them, or give weights")
            return self.weights_
        values = np.asarray(self.weights, np.float64)
        if values.shape != (len(encoding.weights),):
            raise ParameterError(f"weights of shape ({len(encoding.weights)},) expected, got {values.shape}")
        if not np.isfinite(values).all():
            raise ParameterError("weights contain NaN or infinity")
        return values


def _checked_bandwidth(bandwidth: Any, num_features: int) -> Any:
    values = np.asarray(bandwidth, np.float64)
    if values.shape not in ((), (num_features,)) or not np.isfinite(values).all():
        raise ValueError(
            f'bandwidth is a finite number, {num_features} of them (one for each feature), or "auto", got {bandwidth!r}'
        )
    return float(values) if values.ndim == 0 else values


@functools.lru_cache(maxsize=64)
def _prepared(
    feature_map: Any,
    options: tuple[tuple[str, Any], ...],
    inputs: tuple[Parameter, ...] | None,
    weighted: bool,
    num_features: int,
    num_qubits: int | None,
    entangled: bool,
    order: int,
    precision: str,
) -> tuple[Encoding, Program]:
    """Return the encoding and its program; cached, because lowering a circuit takes longer than running it."""
    check_circuit_size("num_qubits", num_qubits)
    if isinstance(feature_map, Circuit):
        feature_map = _circuit_map(feature_map, inputs, weighted)
    elif inputs is not None:
        raise TypeError("inputs are named for a custom circuit; a feature map knows its inputs")
    encoding = get_feature_map(feature_map, **dict(options)).encoding(num_features, num_qubits)
    if not entangled:
        encoding = encoding.without_entanglement()
    observables = reduced_paulis(encoding.circuit.num_qubits, order)
    return encoding, Program(encoding.circuit, observables, encoding.inputs, encoding.weights, precision)


def _circuit_map(circuit: Circuit, inputs: tuple[Parameter, ...] | None, weighted: bool) -> Encoding:
    if inputs is None:
        if weighted:
            raise ParameterError("a circuit with weights needs inputs: which of its parameters take the features")
        return Encoding(circuit, circuit.parameters)
    input_set = set(inputs)
    return Encoding(circuit, inputs, weights=tuple(p for p in circuit.parameters if p not in input_set))


def reduced_paulis(num_qubits: int, order: int) -> list[PauliSum]:
    """Return the Pauli strings of the reduced density matrices of up to ``order`` (0, 1 or 2) qubits.

    Raises
    ------
    ObservableError
        If there are strings, and more qubits than these can act on.
    """
    if order and num_qubits > MAX_QUBITS:
        raise ObservableError(
            f"a projected kernel measures at most {MAX_QUBITS} qubits, got {num_qubits}; use fewer, or a fidelity "
            "kernel with a feature map without entanglement, which takes more"
        )
    single = [PauliSum.from_terms([(label, [q], 1.0)]) for q in range(num_qubits if order else 0) for label in "XYZ"]
    if order < 2:
        return single
    pairs = [(p, q) for q in range(num_qubits) for p in range(q)]
    return single + [PauliSum.from_terms([(a + b, pair, 1.0)]) for pair in pairs for a in "XYZ" for b in "XYZ"]
