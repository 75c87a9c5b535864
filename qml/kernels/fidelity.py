"""The fidelity kernel: the squared overlap of the states that a feature map makes of two samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.feature_maps import FeatureMap
from qml.kernels.embedding import EmbeddingKernel
from qml.kernels.measurement import MeasuredFidelities, pairs_of
from qml.kernels.regularization import nearest_psd
from qml.settings import check_backend
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.calculations.fidelities import fidelities, fidelities_of_states
from simulator.calculations.product_states import bloch_vectors, is_product, product_fidelities
from simulator.calculations.sampling import checked_shots
from simulator.calculations.statevector import states
from simulator.circuit import Circuit
from simulator.parameters import Parameter

__all__ = ["FidelityKernel"]

Array = NDArray[Any]


class FidelityKernel(EmbeddingKernel):
    """``k(x, y) = |<psi(x)|psi(y)>|**2`` with ``|psi(x)>`` the encoded state of ``bandwidth_ * x``.

    All states come from one batched call and the matrix from one blocked product, half of it when it is symmetric. A
    feature map without entanglement uses the closed form, a product over any number of qubits.

    Parameters
    ----------
    feature_map : str, FeatureMap or Circuit
        Name (with settings such as ``reps=2``), feature map object, or custom circuit.
    bandwidth : float, array-like of shape (n_features,), or "auto"
        Factor that multiplies the features before the map: 1 is the kernel of the literature, usually too narrow.
        "auto" determines it from samples in ``fit``, see `qml.kernels.bandwidth.find_bandwidth`.
    num_qubits : int, optional
        Number of qubits; by default as many as the map requires.
    entangled : bool
        Whether the circuit keeps its gates on two or more qubits; see `without_entanglement`.
    inputs : sequence of Parameter, optional
        Parameters of a custom circuit that take the features; by default all.
    weights : array-like, shape (n_weights,), radians, optional
        Values of the circuit's or map's other parameters; by default ``fit`` draws them.
    precision : {"double", "single"}
    shots : int, optional
        Number of shots per fidelity, which is the share that return to zero after the inverse circuit, as on hardware;
        by default fidelities are exact. The diagonal is 1 either way.
    regularization : {None, "threshold", "tikhonov", "correlation"}
        Method that restores positive semidefiniteness of a sampled symmetric matrix, see `qml.kernels.nearest_psd`.
    random_state : int, numpy RandomState or None
        Seed for the shots and for drawn weights.
    n_jobs : int, optional
        Number of processes (of joblib, or of the cluster named by ``joblib.parallel_config``) that share matrices of
        more than 1024 rows. By default threads of this process do all the work.
    verbose : bool, optional
        Whether to show a progress bar; by default when it takes longer than two seconds.
    backend : Backend or "numba", optional
        Backend that measures fidelities, with a circuit for each pair of samples: the feature map of one, then the
        inverse map of the other, and the share of zeros. `plan` estimates the cost. `fit` learns on this engine.
    resume : path, optional
        Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
    **options
        Settings of a feature map given by name.

    Attributes
    ----------
    bandwidth_ : float or float ndarray, shape (n_features,)
    weights_ : float ndarray, shape (n_weights,)
        Weights, if they were drawn.

    References
    ----------
    Havlicek et al., arXiv:1804.11326; Schuld and Killoran, arXiv:1803.07128; for the bandwidth Shaydulin and Wild,
    arXiv:2111.05451, and Canatar et al., arXiv:2206.06686.

    Examples
    --------
    >>> FidelityKernel("angle")([[0.0], [np.pi / 2]]).round(12)
    array([[1. , 0.5],
           [0.5, 1. ]])
    """

    def __init__(
        self,
        feature_map: str | FeatureMap | Circuit = "zz",
        *,
        bandwidth: float | ArrayLike | str = 1.0,
        num_qubits: int | None = None,
        entangled: bool = True,
        inputs: Sequence[Parameter] | None = None,
        weights: ArrayLike | None = None,
        precision: str = "double",
        shots: int | None = None,
        regularization: str | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | None = None,
        backend: Backend | str | None = None,
        resume: Folder = None,
        **options: Any,
    ) -> None:
        self.feature_map = feature_map
        self.bandwidth = bandwidth
        self.num_qubits = num_qubits
        self.entangled = entangled
        self.inputs = inputs
        self.weights = weights
        self.precision = precision
        self.shots = shots
        self.regularization = regularization
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.backend = backend
        self.resume = resume
        self._options = options

    def states(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the samples' states, complex ndarray of shape (n_samples, 2**n_qubits), little-endian."""
        return states(*self._ready(self._checked(X)))

    def plan(self, X: ArrayLike, Y: ArrayLike | None = None, backend: Backend | str | None = None) -> Plan:
        rows = self._checked(X)
        others = None if Y is None else self._checked(Y)
        i, j = pairs_of(len(rows), None if others is None else len(others))
        encoding = self.encoding(rows.shape[1])
        fidelities = MeasuredFidelities(encoding, self._planned_weights(encoding), self._backend_of_plan(backend))
        a = encoding.angles(self._planned(rows))
        b = a if others is None else encoding.angles(self._planned(others))
        counted = f"{len(rows)} x {len(others)} pairs" if others is not None else f"pairs of {len(rows)} samples"
        plan = fidelities.plan(a[i], b[j])
        return replace(plan, notes=(*plan.notes, f"a circuit for each of {len(i):,} {counted}"))

    def compute_features(self, X: Array) -> Array:
        if check_backend(self.backend) is not None:
            return self._scaled(X)
        program, inputs, weights = self._ready(X)
        return bloch_vectors(program, inputs, weights) if is_product(program) else states(program, inputs, weights)

    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        backend = check_backend(self.backend)
        if backend is not None:
            self._measure(backend, A, B, out)
        elif A.ndim == 3:
            product_fidelities(A, B, out, progress)
        else:
            fidelities_of_states(A, B, out)

    def fill(self, X: Array, Y: Array | None, out: Array) -> None:
        program, inputs, weights = self._ready(X)
        if is_product(program) or check_backend(self.backend) is not None:
            super().fill(X, Y, out)
            return
        others = None if Y is None else self._ready(Y)[1]
        with self._progress(out.size) as progress:
            fidelities(program, inputs, weights, others, out, progress)

    def _measure(self, backend: Backend, A: Array, B: Array | None, out: Array) -> None:
        """Fill ``out`` from scaled samples, by a circuit for each pair."""
        if self.shots is not None:
            raise ValueError(f"shots are those of the backend; FidelityKernel(shots={self.shots}) simulates them here")
        if np.iscomplexobj(A) or A.ndim != 2:
            raise ValueError("a backend measures pairs of samples, got states; use features(X) of the kernel on it")
        encoding = self.encoding(A.shape[1])
        a = encoding.angles(A)
        b = a if B is None else encoding.angles(B)
        i, j = pairs_of(len(A), None if B is None else len(B))
        out[i, j] = MeasuredFidelities(encoding, self.weight_values(encoding), backend)(a[i], b[j], self.resume)
        if B is None:
            out[j, i] = out[i, j]
            np.fill_diagonal(out, 1.0)

    def finish(self, out: Array, symmetric: bool) -> None:
        if self.shots is not None:
            self._sample(out, symmetric)
        if symmetric and self.regularization is not None:
            out[...] = nearest_psd(out, self.regularization)

    def _sample(self, out: Array, symmetric: bool) -> None:
        """Replace fidelities by sampled ones, row by row; both halves of a symmetric matrix use the same shots."""
        shots = checked_shots(self.shots)
        rng = np.random.default_rng(_seed(self.random_state))
        for i in range(len(out)):
            last = i if symmetric else out.shape[1]
            out[i, :last] = rng.binomial(shots, np.clip(out[i, :last], 0.0, 1.0)) / shots
            if symmetric:
                out[:i, i] = out[i, :i]
                out[i, i] = 1.0


def _seed(random_state: Any) -> int | None:
    if random_state is None:
        return None
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(random_state.randint(2**31))
