"""Base of the kernels that are made of kernels; features, matrices and plans are those of the parts, combined."""

from __future__ import annotations

import copy
import functools
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from qml.kernels.kernel import Kernel
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend, Folder
from simulator.names import expect_instance

__all__ = ["CompositeKernel", "leaves", "packed", "value_and_partials"]

Array = NDArray[Any]


class CompositeKernel(Kernel):
    """Base of the kernels whose entries are a function of the entries of other kernels, their parts.

    ``fit`` fits clones of the parts, which are kept under the name of the setting with an underscore, such as ``k1_``.
    `features` are records with one field for each part. A matrix takes the memory of one more for each kernel beyond
    the first.
    """

    part_names: ClassVar[tuple[str, ...]]
    """Settings that hold kernels."""

    precedence: ClassVar[int]
    """Binding strength of the operator, for parentheses."""

    verbose = False  # the parts report their progress

    @abstractmethod
    def combine(self, out: Array, *others: Array) -> None:
        """Combine the entries of the parts' matrices, or diagonals, in place."""

    @abstractmethod
    def partials(self, *matrices: Array) -> tuple[Array | float, ...]:
        """Compute the derivative of the entries with respect to those of each part, as arrays or constants."""

    @abstractmethod
    def __repr__(self) -> str:
        """Return the expression that makes this kernel."""

    @property
    def parts(self) -> tuple[Kernel, ...]:
        """Component kernels, fitted if this kernel is."""
        self._check_settings()
        return tuple(self._part(name) for name in self.part_names)

    @property
    def dtype(self) -> type:
        return np.result_type(*(part.dtype for part in self.parts)).type

    @property
    def backend(self) -> Backend | str | None:  # type: ignore[override]
        """Backend of the first part that has one."""
        return next((part.backend for part in self.parts if part.backend is not None), None)

    @property
    def runs_circuits(self) -> bool:
        return any(part.runs_circuits for part in self.parts)

    @property
    def measures_features(self) -> bool:
        return any(part.measures_features for part in self.parts)

    def learn(self, X: Array, y: Array | None) -> None:
        self._check_settings()
        for name in self.part_names:
            setattr(self, f"{name}_", clone(getattr(self, name)).fit(X, y))

    def fit_features(self, X: ArrayLike, y: ArrayLike | None = None) -> Array:
        rows, targets = self._checked_data(X, y)
        self._check_settings()
        features = {}
        for name in self.part_names:
            part = clone(getattr(self, name))
            features[name] = part.fit_features(rows, targets)
            setattr(self, f"{name}_", part)
        return packed(features)

    def compute_features(self, X: Array) -> Array:
        self._check_settings()
        return packed({name: self._part(name).compute_features(X) for name in self.part_names})

    def stored_features(self, features: Array, samples: Array) -> Array:
        return packed(
            {name: self._part(name).stored_features(_field(features, name), samples) for name in self.part_names}
        )

    def fill_gram(self, A: Array, B: Array | None, out: Array, progress: Callable[[int], object] | None) -> None:
        def matrix(name: str, out: Array | None) -> Array:
            others = None if B is None else _field(B, name)
            return self._part(name).gram(_field(A, name), others, out=out)

        self._fill(out, matrix)

    def fill(self, X: Array, Y: Array | None, out: Array) -> None:
        self._fill(out, lambda name, out: self._part(name)(X, Y, out=out))

    def diag(self, X: ArrayLike) -> Array:
        first, *others = (part.diag(X) for part in self.parts)
        out: Array = np.array(first, self.dtype)
        self._combine(out, *others)
        return out

    def on(self, backend: Backend | str | None, resume: Folder = None) -> Self:
        if not self.runs_circuits:
            return super().on(backend, resume)
        return self._with_parts(lambda part, folder: part.on(backend, folder), resume)

    def resuming(self, resume: Folder) -> Self:
        return self._with_parts(lambda part, folder: part.resuming(folder), resume)

    def plan(self, X: ArrayLike, Y: ArrayLike | None = None, backend: Backend | str | None = None) -> Plan:
        if not self.runs_circuits:
            return super().plan(X, Y, backend)
        return self._summed(part.plan(X, Y, backend) for part in self.parts if part.runs_circuits)

    def plan_with_stored(self, X: Array, samples: Array) -> Plan:
        if not self.runs_circuits:
            return super().plan_with_stored(X, samples)
        return self._summed(part.plan_with_stored(X, samples) for part in self.parts if part.runs_circuits)

    def _summed(self, plans: Iterator[Plan]) -> Plan:
        return functools.reduce(Plan.followed_by, plans)

    def _part(self, name: str) -> Kernel:
        """Return a part, fitted where this kernel is."""
        return getattr(self, f"{name}_" if hasattr(self, f"{name}_") else name)  # type: ignore[no-any-return]

    def _with_parts(self, change: Callable[[Kernel, Folder], Kernel], resume: Folder) -> Self:
        """Return a copy with changed parts, for those that run circuits; each has a folder for its jobs."""
        other = copy.copy(self)
        for name in self.part_names:
            part = self._part(name)
            if part.runs_circuits:
                folder = resume if resume is None or len(self.part_names) == 1 else Path(resume) / name
                setattr(other, f"{name}_" if hasattr(self, f"{name}_") else name, change(part, folder))
        return other

    def _fill(self, out: Array, matrix: Callable[[str, Array | None], Array]) -> None:
        first, *others = self.part_names
        if self._part(first).dtype == out.dtype and out.flags.carray:
            matrix(first, out)
        else:
            out[...] = matrix(first, None)
        self._combine(out, *(matrix(name, None) for name in others))

    def _combine(self, out: Array, *others: Array) -> None:
        try:
            with np.errstate(over="raise", under="ignore"):
                self.combine(out, *others)
        except FloatingPointError:
            raise ValueError(
                f"entries of {self!r} leave the range of {np.dtype(self.dtype)}; multiply the features or a part by a "
                "smaller constant"
            ) from None

    def _check_settings(self) -> None:
        for name in self.part_names:
            expect_instance(name, getattr(self, name), Kernel)

    def _shown(self, name: str, precedence: int) -> str:
        """Return the text of a part, in parentheses if its operator binds less than ``precedence``."""
        part = getattr(self, name)
        loose = isinstance(part, CompositeKernel) and part.precedence < precedence
        return f"({part!r})" if loose else repr(part)


def leaves(kernel: Kernel, prefix: str = "") -> Iterator[tuple[str, Kernel]]:
    """Iterate over the kernels that a composite kernel is made of, or the kernel itself, each with its prefix.

    Parameters
    ----------
    kernel : Kernel
        Its fitted parts are used if it is fitted.
    prefix : str
        Prefix of the kernel's own settings in ``set_params`` of an estimator around it, such as ``"kernel__"``.
    """
    if not isinstance(kernel, CompositeKernel):
        yield prefix, kernel
        return
    for name, part in zip(kernel.part_names, kernel.parts, strict=True):
        yield from leaves(part, f"{prefix}{name}__")


def value_and_partials(kernel: Kernel, matrices: Iterator[Array]) -> tuple[Array, list[Array | float]]:
    """Compute a kernel's matrix from those of its leaves, and its derivative with respect to each of them.

    Parameters
    ----------
    kernel : Kernel
    matrices : iterator of ndarray, shape (n_samples, n_others)
        Matrices of its `leaves`, in their order.

    Returns
    -------
    matrix : ndarray, shape (n_samples, n_others)
    partials : list of (float or ndarray of shape (n_samples, n_others))
        Derivative of each entry with respect to the same entry of a leaf's matrix; for each leaf.
    """
    if not isinstance(kernel, CompositeKernel):
        return next(matrices), [1.0]
    results = [value_and_partials(part, matrices) for part in kernel.parts]
    values = [value for value, _ in results]
    by_part = kernel.partials(*values)
    out = values[0].copy()
    kernel.combine(out, *values[1:])
    return out, [outer * inner for outer, (_, partials) in zip(by_part, results, strict=True) for inner in partials]


def packed(features: Mapping[str, Array]) -> Array:
    """Pack features into one array of records, shape (n_samples,), with a field for each name."""
    arrays = {name: np.asarray(values) for name, values in features.items()}
    lengths = {len(values) for values in arrays.values()}
    if len(lengths) != 1:
        raise ValueError(f"features of one number of samples expected, got {sorted(lengths)}")
    dtype = np.dtype([(name, values.dtype, values.shape[1:]) for name, values in arrays.items()])
    out = np.empty(lengths.pop(), dtype)
    for name, values in arrays.items():
        out[name] = values
    return out


def _field(features: Array, name: str) -> Array:
    """Return one part's features, contiguous, as the engine reads them."""
    if features.dtype.names is None or name not in features.dtype.names:
        raise ValueError(f"records with the field {name!r} expected, as features() of a composite kernel returns them")
    return np.ascontiguousarray(features[name])
