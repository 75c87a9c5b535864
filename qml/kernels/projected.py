"""Projected kernels: classical kernels of the reduced density matrices of encoded samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError
from sklearn.metrics import pairwise

from qml.feature_maps import Encoding, FeatureMap
from qml.kernels.embedding import EmbeddingKernel, reduced_paulis
from qml.kernels.measurement import MeasuredPaulis
from qml.settings import check_backend, check_choice
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.calculations.statevector import expectations
from simulator.calculations.tiles import fill_by_tiles
from simulator.circuit import Circuit
from simulator.parameters import Parameter

__all__ = ["OUTER", "ProjectedKernel"]

Array = NDArray[Any]

OUTER = ("gaussian", "laplacian", "polynomial", "linear")
_BLOCK = 1024  # rows and columns computed at once
_MEDIAN_SAMPLES = 1000


class ProjectedKernel(EmbeddingKernel):
    """A kernel of reduced density matrices, by default ``exp(-gamma sum_k |rho_k(x) - rho_k(y)|_F**2)``.

    Where states of many qubits are almost orthogonal and the fidelity kernel is close to the identity, their reduced
    density matrices may still distinguish samples. All Pauli expectations come from one batched call.

    Parameters
    ----------
    feature_map : str, FeatureMap or Circuit
        As in `FidelityKernel`, like ``bandwidth``, ``num_qubits``, ``entangled``, ``inputs``, ``weights``,
        ``precision``, ``random_state``, ``n_jobs``, ``verbose`` and ``**options``.
    outer : {"gaussian", "laplacian", "polynomial", "linear"}
        Kernel of the matrices' entries: "linear" is ``sum_k tr rho_k(x) rho_k(y)``, "polynomial" its power 3 plus
        a constant, "laplacian" has the sum of absolute differences in place of squares.
    gamma : float or "median"
        "median" is one over the median squared distance (for "laplacian": distance) of training samples, learnt by
        ``fit``; 1 if all samples are equal. The linear kernel ignores it.
    order : {1, 2}
        Number of qubits of a reduced density matrix: single qubits or all pairs.
    backend, resume
        As in `FidelityKernel`, but the cost grows with the number of samples, not of pairs: each is run in three
        measurement bases, or in nine for ``order=2``.

    Attributes
    ----------
    bandwidth_ : float or float ndarray, shape (n_features,)
    gamma_ : float
    weights_ : float ndarray, shape (n_weights,)
        Weights, if they were drawn.

    References
    ----------
    Huang et al., arXiv:2011.01938; for the median Garreau et al., arXiv:1707.07269.
    """

    def __init__(
        self,
        feature_map: str | FeatureMap | Circuit = "zz",
        *,
        outer: str = "gaussian",
        gamma: float | str = "median",
        order: int = 1,
        bandwidth: float | ArrayLike | str = 1.0,
        num_qubits: int | None = None,
        entangled: bool = True,
        inputs: Sequence[Parameter] | None = None,
        weights: ArrayLike | None = None,
        precision: str = "double",
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: bool | None = None,
        backend: Backend | str | None = None,
        resume: Folder = None,
        **options: Any,
    ) -> None:
        self.feature_map = feature_map
        self.outer = outer
        self.gamma = gamma
        self.order = order
        self.bandwidth = bandwidth
        self.num_qubits = num_qubits
        self.entangled = entangled
        self.inputs = inputs
        self.weights = weights
        self.precision = precision
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.backend = backend
        self.resume = resume
        self._options = options

    @property
    def _observables(self) -> int:
        if self.order not in (1, 2):
            raise ValueError(f"order is 1 or 2, the qubits of a reduced density matrix, got {self.order!r}")
        return self.order

    @property
    def measures_features(self) -> bool:
        return check_backend(self.backend) is not None

    def fit_features(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        rows, targets = self._checked_data(X, y)
        self._learn_state(rows, targets)
        features = self.compute_features(rows)
        self._learn_gamma(len(rows), features.__getitem__)
        return features

    def plan(self, X: ArrayLike, Y: ArrayLike | None = None, backend: Backend | str | None = None) -> Plan:
        rows = self._checked(X) if Y is None else np.vstack([self._checked(X), self._checked(Y)])
        encoding = self.encoding(rows.shape[1])
        weights = self._planned_weights(encoding)
        plan = self._paulis(encoding, weights, self._backend_of_plan(backend)).plan(
            encoding.angles(self._planned(rows))
        )
        return replace(plan, notes=(*plan.notes, f"a parameter set for each of {len(rows):,} samples"))

    def diag(self, X: ArrayLike) -> Array:
        if self.outer in ("gaussian", "laplacian"):
            return super().diag(X)
        features = self.features(X)
        squares = np.einsum("sf,sf->s", features, features) + self._constant(features)
        return squares if self.outer == "linear" else (self._gamma() * squares + 1.0) ** 3

    def learn(self, X: Array, y: NDArray[Any] | None) -> None:
        self._learn_state(X, y)
        self._learn_gamma(len(X), lambda rows: self.compute_features(X[rows]))

    def _learn_state(self, X: Array, y: NDArray[Any] | None) -> None:
        """Learn the parameters on which the features depend."""
        check_choice("outer", self.outer, OUTER)
        super().learn(X, y)

    def _learn_gamma(self, count: int, features_of: Callable[[NDArray[np.intp]], Array]) -> None:
        if self.gamma == "median":
            indices = np.unique(np.linspace(0, count - 1, min(count, _MEDIAN_SAMPLES)).astype(np.intp))
            features = features_of(indices)
            metric = "l1" if self.outer == "laplacian" else "sqeuclidean"
            distances = pairwise.pairwise_distances(features, metric=metric)[np.triu_indices(len(indices), 1)]
            median = float(np.median(distances)) if len(distances) else 0.0
            self.gamma_ = 1.0 / median if median > 1e-12 else 1.0
        else:
            self.gamma_ = self._numeric_gamma()

    def _gamma(self) -> float:
        if hasattr(self, "gamma_"):
            return self.gamma_
        if self.gamma == "median":
            raise NotFittedError(f"gamma={self.gamma!r} is learnt from samples: call fit first")
        return self._numeric_gamma()

    def _numeric_gamma(self) -> float:
        if isinstance(self.gamma, str) or not 0 < self.gamma < np.inf:
            raise ValueError(f'gamma is a positive number or "median", got {self.gamma!r}')
        return float(self.gamma)

    def compute_features(self, X: Array) -> Array:
        """Pauli expectations, scaled so that their Euclidean distance is that of the reduced density matrices."""
        program, inputs, weights = self._ready(X)
        backend = check_backend(self.backend)
        if backend is None:
            values = expectations(program, inputs, weights)
        else:
            values = self._paulis(self.encoding(X.shape[1]), weights, backend)(inputs, self.resume)
        return values * self.scales(program.num_qubits)

    def _paulis(self, encoding: Encoding, weights: Array, backend: Backend) -> MeasuredPaulis:
        observables = reduced_paulis(encoding.circuit.num_qubits, self._observables)
        return MeasuredPaulis(encoding, weights, observables, backend)

    def scales(self, num_qubits: int) -> Array:
        """Factors from Pauli expectations to features, shape (n_observables,)."""
        if self.order == 1:
            return np.full(3 * num_qubits, np.sqrt(0.5))
        if num_qubits < 2:
            raise ValueError("order=2 reads pairs of qubits, the feature map has one qubit")
        single = np.full(3 * num_qubits, np.sqrt((num_qubits - 1) / 4))  # a qubit is in n - 1 pairs
        return np.concatenate([single, np.full(9 * num_qubits * (num_qubits - 1) // 2, 0.5)])

    def _constant(self, features: Array) -> float:
        """The identity's share of ``sum_k tr rho_k rho_k``."""
        count = features.shape[1]
        if self.order == 1:
            return count / 6
        num_qubits = next(n for n in range(2, count) if 3 * n + 9 * n * (n - 1) // 2 == count)
        return num_qubits * (num_qubits - 1) / 8

    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        check_choice("outer", self.outer, OUTER)
        others = A if B is None else B
        constant, normalized = self._constant(A), self.outer in ("gaussian", "laplacian")

        def tile(rows: slice, columns: slice) -> Array:
            block = self._block(A[rows], others[columns], constant)
            if normalized and B is None and rows == columns:
                np.fill_diagonal(block, 1.0)
            return block

        fill_by_tiles(out, tile, B is None, _BLOCK, progress)

    def _block(self, A: Array, B: Array, constant: float) -> Array:
        if self.outer == "gaussian":
            return pairwise.rbf_kernel(A, B, gamma=self._gamma())  # type: ignore[no-any-return]
        if self.outer == "laplacian":
            return pairwise.laplacian_kernel(A, B, gamma=self._gamma())  # type: ignore[no-any-return]
        products = A @ B.T + constant
        return products if self.outer == "linear" else (self._gamma() * products + 1.0) ** 3  # type: ignore[no-any-return]
