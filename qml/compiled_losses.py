"""Losses as kernels: value and gradient from one call, which compiled loops can make too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np

from qml.overriding import speaks_for
from simulator.engines.host import loops
from simulator.engines.host import losses as kernels
from simulator.program.values import as_array

__all__ = ["CompiledLoss", "Kernel", "compiled", "loss_calls", "one_by_one"]

Kernel: TypeAlias = tuple[Callable[..., bool], tuple[float, ...], np.ndarray]


class CompiledLoss(ABC):
    """Base of the losses whose value and gradient come from one call of a kernel."""

    def __init_subclass__(cls) -> None:
        defined = vars(cls)
        if "value_and_gradient" not in defined and ("value" in defined or "gradient" in defined):
            cls.value_and_gradient = one_by_one  # type: ignore[assignment, method-assign]

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the loss of each sample, shape (n_samples,)."""
        return self._computed(outputs, y)[0]

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the derivative with respect to the outputs, shape (n_samples, n_outputs)."""
        return self._computed(outputs, y)[1]

    def value_and_gradient(self, outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Compute `value` and `gradient` in one pass over the samples.

        Raises
        ------
        ValueError
            If the targets do not fit the outputs or the loss.
        """
        return self._computed(outputs, y)

    def _computed(self, outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        kernel, settings, targets = self.kernel(outputs.shape, y)
        values, slopes = np.empty(len(outputs)), np.empty(outputs.shape)
        if not kernel(*settings, as_array(outputs), targets, values, slopes):
            raise self._refusal(outputs, y)
        return values, slopes

    @abstractmethod
    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        """Return the kernel for outputs of this shape, its settings, and the targets in its form.

        The kernel takes settings, outputs, and targets, then arrays for the values and the slopes.

        Raises
        ------
        ValueError
            If the targets' shape or type does not fit the outputs.
        """

    def _refusal(self, outputs: np.ndarray, y: np.ndarray) -> ValueError:
        """Return the error for targets that the kernel does not accept."""
        raise NotImplementedError


def compiled(loss: Any) -> CompiledLoss | None:
    """Return the loss if its value and gradient are one kernel, which compiled loops can call; else None."""
    kind: type = type(loss)
    return loss if _is_compiled(kind) else None


@cache
def _is_compiled(kind: type) -> bool:
    return issubclass(kind, CompiledLoss) and speaks_for(kind, "kernel", "value_and_gradient")


def loss_calls(
    kernel: Kernel, outputs: np.ndarray, slopes: np.ndarray, shares: np.ndarray, values: np.ndarray, total: np.ndarray
) -> tuple[list[loops.Call], list[loops.Call]]:
    """Return a loss as calls on rows, which fill ``slopes`` times ``shares``, and calls to make after these.

    The latter add the sum of the values, times the shares, to ``total``.

    Parameters
    ----------
    kernel : tuple
        As `kernel` of a compiled loss returns it, with targets that may change in place.
    outputs, slopes : float64 ndarray, shape (n_samples, n_outputs)
    shares, values : float64 ndarray, shape (n_samples,)
    total : float64 ndarray, shape (1,)
    """
    function, settings, targets = kernel
    rows, arrays = len(outputs), (outputs, targets, values, slopes)
    between = [
        loops.Call(function, *settings, *arrays, rows=rows, of_rows=arrays),
        loops.Call(kernels.weigh, shares, slopes, rows=rows, of_rows=(shares, slopes)),
    ]
    return between, [loops.Call(kernels.add_up, shares, values, total)]


def one_by_one(loss: Any, outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute value and gradient of a loss by its two functions."""
    return loss.value(outputs, y), loss.gradient(outputs, y)
