"""Random quantum features: small circuits whose angles are random linear functions of a sample."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.features.scaling import check_result
from qml.kernels.classical import scale_gamma
from qml.models.observables import Observable, readout_observables
from qml.models.quantum_model import QuantumModel
from qml.settings import check_backend, check_qubits, check_whole
from qml.weights import checked_sample_weight
from simulator import gates
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.circuit import Circuit
from simulator.parameters import ParameterVector

__all__ = ["RandomQuantumFeatures", "chain_circuit"]

Array = NDArray[np.float64]

CIRCUITS_AT_ONCE = 1 << 16


@dataclass(eq=False, repr=False)
class RandomQuantumFeatures(Saved, Searchable, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Expectation values of many small circuits whose angles are random linear functions of the sample.

    Circuit e gets the angles ``W_e x + b_e``, with W normal of variance 2 gamma and b uniform on the circle, and gives
    one feature for each observable; only the subsequent linear model is trained. Features are divided by the square
    root of their number, so that inner products converge to a kernel as circuits are added.

    By default an RX on each qubit is followed by a chain of CNOTs, so that Z of qubit q depends on qubits 0 to q; see
    the drawing in `KitchenSinksClassifier`.
    The kernel is then the mixture of Gaussians ``mean over q of (exp(-gamma |x - y|^2) / 2)^(q+1)``, and one qubit
    gives the random Fourier features of the RBF kernel. A custom circuit can replace this one.

    Parameters
    ----------
    n_components : int
        Number of features. Unless it is a multiple of the number of observables, the last circuit gives fewer.
    n_qubits : int
    gamma : float or "scale"
        Parameter of the RBF kernel. ``"scale"`` is 1 over the number of features times the variance of X's entries.
    circuit : Circuit, optional
        Circuit in place of RX and CNOTs; all its parameters are random linear functions of the features.
    observables : str or sequence of Observable
        See `qml.models.observables.readout_observables`.
    shots : int, optional
        Number of shots from which each expectation value is estimated, each from separate shots; by default exact
        values. The outcomes are drawn from a seed and the numbers in the sample, so that a sample has the same features
        wherever it occurs.
    precision : {"double", "single"}
    backend : Backend or "numba", optional
        Backend that runs the circuits, with shots of its own: one circuit, with a parameter set for each sample and
        draw, see `plan`.
    resume : path, optional
        Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
    random_state : int, RandomState or None

    Attributes
    ----------
    frequencies_ : float ndarray, shape (n_circuits, n_angles, n_features)
    offsets_ : float ndarray, shape (n_circuits, n_angles)
    gamma_ : float
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Wilson et al., "Quantum kitchen sinks", arXiv:1806.08321; Rahimi and Recht, "Random features for large-scale kernel
    machines", NeurIPS 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics.pairwise import rbf_kernel
    >>> X = np.random.default_rng(0).normal(size=(50, 3))
    >>> features = RandomQuantumFeatures(20_000, n_qubits=1, gamma=0.3, random_state=0).fit_transform(X)
    >>> bool(np.abs(2 * features @ features.T - rbf_kernel(X, gamma=0.3)).max() < 0.05)
    True
    """

    n_components: int = 256
    _: KW_ONLY
    n_qubits: int = 4
    gamma: float | Literal["scale"] = "scale"
    circuit: Circuit | None = None
    observables: str | Sequence[Observable] = "z"
    shots: int | None = None
    precision: Literal["double", "single"] = "double"
    backend: Backend | str | None = None
    resume: Folder = None
    random_state: int | RandomState | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | suggested_settings(trial)

    def fit(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> Self:
        """Draw the linear functions.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like, shape (n_samples,), optional
            Weights of the samples in the variance of ``gamma="scale"``.
        """
        check_whole("n_components", self.n_components)
        check_whole("n_qubits", self.n_qubits)
        if self.circuit is None:
            check_qubits(self.n_qubits, self.precision, self.backend)
        check_whole("shots", self.shots, instead=[None])
        features = validate_data(self, X, dtype=np.float64)
        weight = None if sample_weight is None else checked_sample_weight(sample_weight, features)
        self.gamma_ = self._checked_gamma(features, weight)
        random = check_random_state(self.random_state)
        model = self._model()
        self._drawn_with_shots(model, check_backend(self.backend))
        n_circuits = -(-self.n_components // len(model.observables))
        shape = (n_circuits, len(model.inputs), self.n_features_in_)
        self.frequencies_ = random.normal(scale=np.sqrt(2 * self.gamma_), size=shape)
        self.offsets_ = random.uniform(0, 2 * np.pi, size=shape[:2])
        self._shot_seed = int(random.randint(np.iinfo(np.int32).max))
        return self

    def transform(self, X: ArrayLike) -> Array:
        """Compute features of each sample, shape (n_samples, n_components), in chunks of some thousand circuits."""
        return self.transform_on(self.backend, X, self.resume)

    def transform_on(self, backend: Backend | str | None, X: ArrayLike, resume: Folder = None) -> Array:
        """Compute features as `transform`, on a backend in place of the estimator's."""
        samples = self._checked(X)
        model = self._model()
        target = check_backend(backend)
        draws = self._drawn_with_shots(model, target)
        self._check_components(model)
        out = np.empty((len(samples), self.n_components))
        # one request to the backend, so that its jobs wait in the queue only once
        size = max(1, CIRCUITS_AT_ONCE // len(self.offsets_)) if target is None else len(samples)
        for first in range(0, len(samples), size):
            rows = slice(first, first + size)
            angles = self._angles(samples[rows])
            if target is None:
                values = model.forward(angles, ())
            else:
                values = target.expectations(model.circuit, model.observables, angles, resume=resume)
            features = values.reshape(len(out[rows]), -1)
            out[rows] = (self._estimated(features, samples[rows]) if draws else features)[:, : self.n_components]
        out /= np.sqrt(self.n_components)
        return out

    def _check_components(self, model: QuantumModel) -> None:
        """Raise unless there are as many expectation values as components: a setting may differ since `fit`."""
        available = len(self.offsets_) * len(model.observables)
        if self.n_components > available:
            raise ValueError(
                f"n_components={self.n_components:,}, but {available:,} expectation values were drawn by fit: fit anew "
                "after changing it"
            )

    def _drawn_with_shots(self, model: QuantumModel, backend: Backend | None) -> bool:
        """Whether expectation values are to be estimated from shots, after a check that they can be."""
        check_whole("shots", self.shots, instead=[None])
        if self.shots is None:
            return False
        if backend is not None and not isinstance(backend, NumbaBackend):
            raise ValueError(f"shots={self.shots} is for this engine, a backend brings its own: give one of the two")
        for observable in model.observables:
            if len(observable.coefficients) != 1 or observable.coefficients[0] != 1:
                raise ValueError(f"shots expects observables that are single Pauli strings, got {observable!r}")
        return True

    def _estimated(self, values: Array, samples: Array) -> Array:
        """Estimate expectation values from shots, shape (n_samples, n_values)."""
        assert self.shots is not None
        out = np.empty_like(values)
        for row, (value, sample) in enumerate(zip(values, samples + 0.0, strict=True)):  # + 0.0: the bits of -0.0
            digest = hashlib.blake2b(sample.tobytes(), digest_size=8).digest()
            rng = np.random.default_rng([self._shot_seed, int.from_bytes(digest, "little")])
            plus = rng.binomial(self.shots, np.clip((1 + value) / 2, 0, 1))  # rounding may exceed 1
            out[row] = 2 * plus / self.shots - 1
        return out

    def plan(self, X: ArrayLike, backend: Backend | str | None = None) -> Plan:
        """Estimate the cost of `transform` on a backend, by default the estimator's; nothing is sent."""
        samples = self._checked(X)
        model = self._model()
        target = check_backend(self.backend if backend is None else backend)
        if target is None:
            target = NumbaBackend(precision=self.precision)
        plan = target.plan(model.circuit, model.observables, self._angles(samples))
        note = f"{len(self.offsets_):,} random circuits for each of {len(samples):,} samples"
        return replace(plan, notes=(*plan.notes, note))

    def _checked(self, X: ArrayLike) -> Array:
        check_is_fitted(self, "offsets_")
        return validate_data(self, X, dtype=np.float64, order="C", reset=False)  # type: ignore[no-any-return]

    def _angles(self, samples: Array) -> Array:
        """Compute the angles of all circuits for each sample, shape (n_samples * n_circuits, n_angles)."""
        n_circuits, n_angles = self.offsets_.shape
        weights = self.frequencies_.reshape(n_circuits * n_angles, -1).T
        with np.errstate(over="ignore", invalid="ignore"):
            angles = samples @ weights + self.offsets_.ravel()
            check_result(samples, angles)
        return angles.reshape(-1, n_angles)

    def _checked_gamma(self, features: Array, weight: Array | None) -> float:
        if isinstance(self.gamma, str):
            if self.gamma != "scale":
                raise ValueError(f"gamma expects a positive number or 'scale', got {self.gamma!r}")
            return scale_gamma(features, weight)
        if not 0 < self.gamma < np.inf:
            raise ValueError(f"gamma expects a positive number or 'scale', got {self.gamma!r}")
        return float(self.gamma)

    def _model(self) -> QuantumModel:
        circuit = chain_circuit(self.n_qubits) if self.circuit is None else self.circuit
        if not circuit.parameters:
            raise ValueError("the circuit has no parameters, so its features would not depend on the samples")
        observables = readout_observables(self.observables, circuit.num_qubits)
        return QuantumModel(circuit, circuit.parameters, (), observables, precision=self.precision)

    @property
    def _n_features_out(self) -> int:
        return self.n_components


def chain_circuit(num_qubits: int) -> Circuit:
    """Return the default circuit: an RX on each qubit, then a chain of CNOTs."""
    x = ParameterVector("x", num_qubits)
    rotations = [gates.RX(x[q], q) for q in range(num_qubits)]
    return Circuit(num_qubits, rotations + [gates.CX(q, q + 1) for q in range(num_qubits - 1)])


def suggested_settings(trial: Trial) -> dict[str, Any]:
    """Suggest the settings of random features on which a search decides."""
    return {
        "n_components": trial.suggest_int("n_components", 32, 512, log=True),
        "n_qubits": trial.suggest_int("n_qubits", 2, 8),
        "gamma": trial.suggest_categorical("gamma", ["scale", 0.003, 0.01, 0.03, 0.1, 0.3]),
        "observables": trial.suggest_categorical("observables", ["z", "z+zz"]),
    }
