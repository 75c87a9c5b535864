"""Interface of a kernel: from samples to their features in the kernel, and from features to the matrix."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import contextmanager
from typing import IO, Any, Self

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.validation import check_array

from qml.checked_data import validate_data
from simulator import memory
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.errors import KernelTooLargeError
from simulator.files import replacing
from simulator.masked import check_unmasked
from simulator.progress import new_bar

__all__ = ["OPERATIONS", "Kernel"]

Array = NDArray[Any]

_TILE = 1024  # rows and columns of a job when a matrix is shared among processes or machines
_BAR_AFTER = 2.0  # seconds
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Error numbers of the system for a file that is larger than the disk, the quota or the file system allows."""

OPERATIONS: dict[str, Callable[[Any, Any], Kernel]] = {}
"""Operators of kernels; `qml.kernels.arithmetic`, whose kernels are subclasses of `Kernel`, enters them."""


class Kernel(BaseEstimator, ABC):
    """Positive semidefinite function of two samples; a scikit-learn estimator whose ``fit`` learns its scales.

    Estimators store ``features(X)`` of the training samples, so that predicting computes those of new samples only:
    ``kernel(X, Y)`` is ``kernel.gram(kernel.features(X), kernel.features(Y))``.

    A custom kernel defines `compute_features` and `fill_gram`, and `learn` if it learns from samples. These receive
    checked samples, float64 of shape (n_samples, n_features), and so do `fill` and `compute_matrix`;
    the other methods check their arguments.

    Kernels compose: ``k1 + k2``, ``k1 * k2``, ``0.5 * k1`` and ``k1 ** 2`` are kernels, see `qml.kernels.arithmetic`.
    """

    precision: str = "double"
    n_jobs: int | None = None
    verbose: bool | None = None
    backend: Backend | str | None = None
    resume: Folder = None

    __array_ufunc__ = None  # numbers of NumPy leave the multiplication to the kernel

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the kernel's parameters from samples.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,), optional
            Classes or numbers, for kernels that can use them.
        """
        self.learn(*self._checked_data(X, y))
        return self

    def fit_features(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        """Call `fit` and return `features` of the same samples; on a backend, no circuit is run twice."""
        return self.fit(X, y).features(X)

    def on(self, backend: Backend | str | None, resume: Folder = None) -> Self:
        """Return the same kernel, with its fitted state, on another backend; ``resume`` is the folder for its jobs."""
        raise TypeError(f"{type(self).__name__} runs no circuits, so there is nothing to do on a backend")

    def without_entanglement(self) -> Self:
        """Return an unfitted copy whose circuits, and those of the kernels in it, have no gates on several qubits."""
        settings = self.get_params(deep=False).items()
        kernels = {name: value.without_entanglement() for name, value in settings if isinstance(value, Kernel)}
        return clone(self).set_params(**kernels)

    def plan(self, X: ArrayLike, Y: ArrayLike | None = None, backend: Backend | str | None = None) -> Plan:
        """Estimate the cost of ``kernel(X, Y)`` on a backend; nothing is sent, and the kernel need not be fitted.

        Parameters
        ----------
        X, Y : as in the call
        backend : Backend, optional
            Backend to plan for; by default the kernel's.
        """
        raise TypeError(f"{type(self).__name__} runs no circuits, so there is nothing to plan")

    def plan_with_stored(self, X: Array, samples: Array) -> Plan:
        """Estimate the cost of the kernel between new samples and samples whose `features` are stored."""
        return self.plan(X, None if self.measures_features else samples)

    def stored_features(self, features: Array, samples: Array) -> Array:
        """Return the features with which to compare on this kernel's backend.

        Parameters
        ----------
        features : ndarray, shape (n_samples, ...)
            Stored features of the samples, perhaps from another backend; reused if computing them would run circuits.
        samples : float64 ndarray, shape (n_samples, n_features)
        """
        return features if self.measures_features else self.features(samples)

    def resuming(self, resume: Folder) -> Self:
        """Return the same kernel, on the same backend, with a folder for its jobs."""
        return self.on(self.backend, resume)

    @property
    def runs_circuits(self) -> bool:
        """Whether the kernel can run on a backend."""
        return type(self).on is not Kernel.on

    @property
    def measures_features(self) -> bool:
        """Whether `features` runs circuits on a backend, so that reusing its results saves cost."""
        return False

    def __add__(self, other: Any) -> Kernel:
        return OPERATIONS["+"](self, other)

    def __radd__(self, other: Any) -> Kernel:
        return OPERATIONS["+"](other, self)

    def __mul__(self, other: Any) -> Kernel:
        return OPERATIONS["*"](self, other)

    def __rmul__(self, other: Any) -> Kernel:
        return OPERATIONS["*"](other, self)

    def __pow__(self, exponent: Any) -> Kernel:
        return OPERATIONS["**"](self, exponent)

    def __call__(self, X: ArrayLike, Y: ArrayLike | None = None, *, out: Any = None) -> Array:
        """Compute the kernel matrix.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        Y : array-like, shape (n_others, n_features), optional
            Second set of samples; by default X, and only half of the matrix is computed.
        out : ndarray, numpy.memmap or path, optional
            Destination of the result. A path becomes a ``.npy`` file, which need not fit in memory. It has its name
            only once the matrix is complete, and is ``.qumba-*.tmp`` in the same folder until then, where an earlier
            file of that name needs its space too. What a killed process leaves is removed when the same path is next
            written.

        Returns
        -------
        ndarray, shape (n_samples, n_others)
            float64, or float32 in single precision.

        Raises
        ------
        KernelTooLargeError
            If the matrix does not fit in memory; before anything is computed.
        OSError
            If the file ``out`` does not fit on the disk; before anything is computed.
        """
        rows = self._checked(X)
        others = None if Y is None else self._checked(Y)
        if others is not None and others.shape[1] != rows.shape[1]:
            raise ValueError(f"X and Y must have equally many features, got {rows.shape[1]} and {others.shape[1]}")

        def compute(result: Array) -> None:
            if max(result.shape) > _TILE and effective_n_jobs(self.n_jobs) > 1 and self.backend is None:
                self._distribute(rows, others, result)
            else:
                self.fill(rows, others, result)
            self.finish(result, others is None)

        return self._computed(compute, len(rows), len(rows if others is None else others), out)

    def gram(self, A: Array, B: Array | None = None, *, out: Any = None) -> Array:
        """Compute the kernel matrix from `features` of samples, shape (n_samples, n_others)."""

        def compute(result: Array) -> None:
            with self._progress(result.size) as progress:
                self.fill_gram(A, B, result, progress)
            self.finish(result, B is None)

        return self._computed(compute, len(A), len(A if B is None else B), out)

    def features(self, X: ArrayLike) -> Array:
        """Compute the features of samples in the kernel; the first axis is the sample axis."""
        return self.compute_features(self._checked(X))

    def diag(self, X: ArrayLike) -> Array:
        """Compute the kernel of each sample with itself, shape (n_samples,)."""
        return np.ones(len(self._checked(X)), self.dtype)

    @property
    def dtype(self) -> type:
        """Data type of the matrix, float64 or float32."""
        return np.float32 if self.precision == "single" else np.float64

    @abstractmethod
    def compute_features(self, X: Array) -> Array:
        """Compute the features of checked samples; the first axis is the sample axis."""

    @abstractmethod
    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        """Fill ``out`` with the matrix of features.

        Parameters
        ----------
        A, B : ndarray, shape (n_samples, ...) and (n_others, ...)
            As `compute_features` returns them. B is None where it is A, and the matrix is symmetric.
        out : ndarray, shape (n_samples, n_others)
        progress : callable, optional
            Called with the number of entries that have been filled since its last call.
        """

    def learn(self, X: Array, y: Array | None) -> None:
        """Learn the kernel's parameters from checked samples."""

    def finish(self, out: Array, symmetric: bool) -> None:
        """Post-process the complete matrix in place: sample it, regularize it."""

    def fill(self, X: Array, Y: Array | None, out: Array) -> None:
        """Fill ``out`` with the matrix of checked samples, without `finish`."""
        with self._progress(out.size) as progress:
            self.fill_gram(self.compute_features(X), None if Y is None else self.compute_features(Y), out, progress)

    def compute_matrix(self, X: Array, Y: Array | None = None) -> Array:
        """Compute the matrix of a few checked samples, or one block, in this process and without `finish`."""
        out: Array = np.empty((len(X), len(X if Y is None else Y)), self.dtype)
        self.fill(X, Y, out)
        return out

    def _distribute(self, X: Array, Y: Array | None, out: Array) -> None:
        """Fill ``out`` by jobs of joblib, one per tile; one row of tiles at a time, so that memory stays bounded."""
        columns = X if Y is None else Y
        with self._progress(out.size) as progress, Parallel(self.n_jobs) as parallel:
            for begin in range(0, len(X), _TILE):
                rows = slice(begin, min(begin + _TILE, len(X)))
                last = rows.stop if Y is None else len(columns)
                slices = [slice(at, min(at + _TILE, last)) for at in range(0, last, _TILE)]
                blocks = parallel(
                    delayed(self.compute_matrix)(X[rows], None if Y is None and others == rows else columns[others])
                    for others in slices
                )
                for others, block in zip(slices, blocks, strict=True):
                    out[rows, others] = block
                    if Y is None and others != rows:
                        out[others, rows] = block.T
                    if progress is not None:
                        progress(block.size * (2 if Y is None and others != rows else 1))

    def _checked_data(self, X: ArrayLike, y: ArrayLike | None) -> tuple[Array, Array | None]:
        samples = validate_data(self, X, dtype=np.float64)
        if y is None:
            return samples, None
        check_unmasked(y, "y")
        targets = column_or_1d(y, warn=True)
        check_consistent_length(samples, targets)
        assert_all_finite(targets, input_name="y")
        return samples, targets

    def _checked(self, X: ArrayLike) -> Array:
        if hasattr(self, "n_features_in_"):
            return validate_data(self, X, reset=False, dtype=np.float64)  # type: ignore[no-any-return]
        check_unmasked(X, "X")
        return check_array(X, dtype=np.float64)  # type: ignore[no-any-return]

    def _computed(self, compute: Callable[[Array], None], rows: int, columns: int, out: Any) -> Array:
        """Return the matrix that ``compute`` fills: a new one, the caller's array, or one mapped from a file."""
        shape, dtype = (rows, columns), np.dtype(self.dtype)
        if isinstance(out, str | os.PathLike):
            if os.path.exists(out) and not os.access(out, os.W_OK):  # the mode is kept, so it could not be mapped
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(out))
            with replacing(out) as file:
                matrix = _mapped(file, shape, dtype)
                compute(matrix)
                matrix.flush()
                del matrix  # Windows renames no mapped file
            return np.lib.format.open_memmap(out, mode="r+")
        if out is None:
            _check_size(shape, dtype)
            out = np.empty(shape, dtype)
        array = np.asarray(out)
        if array.shape != shape or array.dtype != dtype or not array.flags.carray:
            raise ValueError(
                f"out must be a writable C-contiguous array of {dtype}, shape {shape}, got {array.dtype}, {array.shape}"
            )
        compute(out)
        return out  # type: ignore[no-any-return]

    @contextmanager
    def _progress(self, total: int) -> Any:
        """Progress bar over the entries, shown for long computations (or always, or never: ``verbose``)."""
        if self.verbose is False or total < 1 << 20:
            yield None
            return
        delay, disable = (0.0, False) if self.verbose else (_BAR_AFTER, None)
        with new_bar("kernel", total, unit="entry", unit_scale=True, delay=delay, disable=disable) as bar:
            yield bar.update


def _mapped(file: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any]) -> np.memmap[Any, Any]:
    """Map a matrix into an empty ``.npy`` file with space reserved: writing to a full disk would end the process."""
    header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    start = file.tell()
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file.fileno(), 0, start + shape[0] * shape[1] * dtype.itemsize)
        except OSError as error:
            if error.errno in DISK_IS_FULL:  # otherwise the file system cannot reserve space
                raise
    return np.memmap(file, dtype, "r+", start, shape)


def _check_size(shape: tuple[int, int], dtype: np.dtype[Any]) -> None:
    needed = shape[0] * shape[1] * dtype.itemsize
    if needed < 1 << 26:
        return
    available = memory.available_bytes()
    if needed > available:
        raise KernelTooLargeError(
            f"a kernel matrix of {shape[0]} x {shape[1]} {dtype} numbers needs {needed / 2**30:.3g} GiB, "
            f"{available / 2**30:.3g} GiB are available: approximate it from landmarks (qml.NystroemFeatures), "
            f"or write it to disk (out='kernel.npy')"
        )
