"""Losses: the value of each sample and, beside it, its derivative with respect to the model's outputs.

A loss is any object with ``value(outputs, y)`` and ``gradient(outputs, y)``. Neither averages over samples: the caller
sums (and weights) both in the same way. A loss that computes both at less cost than one after the other may also have
``value_and_gradient(outputs, y)``, the tuple of both, as the losses of this file do: each of them is one compiled loop
over the samples, `simulator.engines.host.losses`.

For classifiers a loss may also have ``class_targets(indices, num_classes)``, the targets that it takes for class
indices; ``for_classes(num_classes)``, the loss to use for that number of classes; and ``gives_probabilities``, whether
its outputs are logits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from qml.compiled_losses import CompiledLoss, Kernel, one_by_one
from simulator.engines.host import losses as kernels
from simulator.names import by_name
from simulator.program.values import as_array


@runtime_checkable
class Loss(Protocol):
    """Interface that training requires of a loss function."""

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the loss of each sample, shape (n_samples,), from ``outputs`` (n_samples, n_outputs) and targets."""
        ...

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the derivative ``d value[i] / d outputs[i, k]``, shape (n_samples, n_outputs)."""
        ...


_TYPES = np.dtype(np.float64), np.dtype(np.int64)  # of targets that kernels take as numbers


def value_and_gradient(loss: Loss) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the function that computes value and gradient of a loss, in one call where the loss offers that."""
    return getattr(loss, "value_and_gradient", None) or partial(one_by_one, loss)


class _ErrorLoss(CompiledLoss):
    """Base of the losses of the difference between outputs and targets."""

    def class_targets(self, indices: np.ndarray, num_classes: int) -> np.ndarray:
        """Targets -1 or 1 for two classes; for more, one column per class: 1 for the sample's class, -1 otherwise."""
        if num_classes == 2:
            return 2.0 * indices - 1.0
        return 2.0 * (indices[:, None] == np.arange(num_classes)) - 1.0


@dataclass(frozen=True)
class SquaredError(_ErrorLoss):
    """Squared error, ``mean_k (outputs - y)^2``; ``y`` has shape (n_samples,) or (n_samples, n_outputs)."""

    takes_labels: ClassVar[bool] = True

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        return kernels.squared_error, (), _columns(shape, y)


@dataclass(frozen=True)
class AbsoluteError(_ErrorLoss):
    """Absolute error, ``mean_k |outputs - y|``; ``y`` has shape (n_samples,) or (n_samples, n_outputs).

    The gradient is 0 where the error is 0.
    """

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        return kernels.absolute_error, (), _columns(shape, y)


@dataclass(frozen=True)
class Huber(_ErrorLoss):
    """Half the squared error up to ``delta``, linear beyond; averaged over the outputs.

    Parameters
    ----------
    delta : float
        Error above which the loss is linear.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not (isinstance(self.delta, Real) and 0 < self.delta < math.inf):
            raise ValueError(f"delta must be a positive number, got {self.delta!r}")

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        return kernels.huber, (float(self.delta),), _columns(shape, y)


@dataclass(frozen=True)
class BinaryCrossEntropy(CompiledLoss):
    """Negative log-likelihood of logits ``p = 1 / (1 + exp(-outputs))``, averaged over the outputs.

    ``y``, in [0, 1], has shape (n_samples,) for one output, and the shape of the outputs for several labels.

    Parameters
    ----------
    label_smoothing : float
        In [0, 1): targets are ``(1 - label_smoothing) y + label_smoothing / 2``; see `CrossEntropy`.
    """

    label_smoothing: float = 0.0

    gives_probabilities: ClassVar[bool] = True
    takes_labels: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_label_smoothing(self.label_smoothing)

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        if y.ndim != 1 and y.shape != shape:
            raise ValueError(f"binary_cross_entropy takes one logit per label, got outputs {shape} and y {y.shape}")
        targets = _columns(shape, y)
        if self.label_smoothing and ((targets >= 0.0) & (targets <= 1.0)).all():  # others are refused as they are
            targets = (1.0 - self.label_smoothing) * targets + 0.5 * self.label_smoothing
        return kernels.binary_cross_entropy, (), targets

    def _refusal(self, outputs: np.ndarray, y: np.ndarray) -> ValueError:
        return ValueError(f"binary_cross_entropy takes y in [0, 1], got values from {y.min()} to {y.max()}")

    def for_classes(self, num_classes: int) -> Loss:
        """Return this loss for two classes, `CrossEntropy` for more."""
        return self if num_classes == 2 else CrossEntropy(self.label_smoothing)


@dataclass(frozen=True)
class CrossEntropy(CompiledLoss):
    """Negative log-likelihood of logits, ``p = softmax(outputs)``; ``y`` (n_samples,) are class indices.

    Parameters
    ----------
    label_smoothing : float
        In [0, 1): the share of each target that is divided equally among all classes. Logits of training samples then
        stay finite, which helps where a model that fits them all predicts new samples less well; probabilities are
        lower than the share of correct predictions for large values.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, arXiv:1512.00567, section 7.
    """

    label_smoothing: float = 0.0

    gives_probabilities: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check_label_smoothing(self.label_smoothing)

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        indices = _class_index(shape, y, "cross_entropy")
        if self.label_smoothing:
            return kernels.smoothed_cross_entropy, (float(self.label_smoothing),), indices
        return kernels.cross_entropy, (), indices

    def _refusal(self, outputs: np.ndarray, y: np.ndarray) -> ValueError:
        return _not_class_indices(outputs.shape, y, "cross_entropy")

    def for_classes(self, num_classes: int) -> Loss:
        """Return this loss for more than two classes, `BinaryCrossEntropy` for two."""
        return self if num_classes > 2 else BinaryCrossEntropy(self.label_smoothing)


@dataclass(frozen=True)
class Hinge(CompiledLoss):
    """Margin loss: binary for one output (``y`` in {-1, +1}), Crammer and Singer's for several (class indices).

    It is ``max(0, 1 - margin)``, where the margin is ``y z``, or ``z_y`` minus the best other output.
    """

    def kernel(self, shape: tuple[int, ...], y: np.ndarray) -> Kernel:
        if len(shape) == 2 and shape[1] == 1:
            _check_length(shape, y, "hinge")
            return kernels.hinge, (), _columns(shape, y)
        return kernels.hinge_of_classes, (), _class_index(shape, y, "hinge")

    def _refusal(self, outputs: np.ndarray, y: np.ndarray) -> ValueError:
        if outputs.shape[1] == 1:
            return ValueError(f"hinge with one output takes y in {{-1, +1}}, got {np.unique(y)[:5].tolist()}")
        return _not_class_indices(outputs.shape, y, "hinge")

    def class_targets(self, indices: np.ndarray, num_classes: int) -> np.ndarray:
        """Targets -1 or 1 for two classes, the class indices for more."""
        return 2 * indices - 1 if num_classes == 2 else indices


LOSSES: Mapping[str, Callable[..., Loss]] = {
    "mse": SquaredError,
    "mae": AbsoluteError,
    "huber": Huber,
    "binary_cross_entropy": BinaryCrossEntropy,
    "cross_entropy": CrossEntropy,
    "hinge": Hinge,
}
"""Losses by name; ``get_loss`` passes its options to them."""


def get_loss(loss: str | Loss, **options: Any) -> Loss:
    """Return the loss of a name, or the object itself.

    Parameters
    ----------
    loss : str or Loss
        Key of ``LOSSES``, in upper or lower case, or a loss.
    **options
        Settings for the loss of that name, such as ``delta=0.5``.

    Raises
    ------
    UnknownNameError
        If the name is unknown, or the loss of that name has no such setting; the nearest names are suggested.
    TypeError
        If ``loss`` is neither a name nor a loss, or options are passed together with an object.

    Examples
    --------
    >>> get_loss("mse").value(np.array([[0.5]]), np.array([1.0]))
    array([0.25])
    >>> get_loss("huber", delta=0.5)
    Huber(delta=0.5)
    """
    return by_name("loss", loss, LOSSES, Loss, options)


def loss_for_classes(loss: str | Loss, num_classes: int) -> Loss:
    """Return the loss for that number of classes: the result of ``for_classes``, or the loss itself."""
    loss = get_loss(loss)
    choose = getattr(loss, "for_classes", None)
    return loss if choose is None else choose(num_classes)


def class_targets(loss: Loss, indices: np.ndarray, num_classes: int) -> np.ndarray:
    """Return the targets for these class indices: the result of ``class_targets``, or the indices."""
    encode = getattr(loss, "class_targets", None)
    return indices if encode is None else encode(indices, num_classes)


def gives_probabilities(loss: str | Loss) -> bool:
    """Whether outputs trained with this loss are logits."""
    return bool(getattr(get_loss(loss), "gives_probabilities", False))


def _check_label_smoothing(label_smoothing: float) -> None:
    if not (isinstance(label_smoothing, Real) and 0 <= label_smoothing < 1):
        raise ValueError(f"label_smoothing expects a number of 0 or more and below 1, got {label_smoothing!r}")


def _check_length(shape: tuple[int, ...], y: np.ndarray, name: str) -> None:
    if len(shape) != 2 or y.shape != shape[:1]:
        raise ValueError(f"{name} takes outputs (n_samples, n_outputs) and y (n_samples,), got {shape} and {y.shape}")


def _columns(shape: tuple[int, ...], y: np.ndarray) -> np.ndarray:
    """Return the targets, integers or floats, in the shape of the outputs.

    Without the check a ``y`` of shape (n,) would broadcast along the wrong axis.
    """
    if len(shape) != 2 or (y.shape != shape and (shape[1] != 1 or y.shape != shape[:1])):
        raise ValueError(f"outputs of shape {shape} need y of the same shape, got {y.shape}")
    if not (y.dtype in _TYPES and y.flags.carray and type(y) is np.ndarray):
        y = as_array(y)
    return y if y.shape == shape else y.reshape(shape)


def _class_index(shape: tuple[int, ...], y: np.ndarray, name: str) -> np.ndarray:
    """Return ``y`` as int64 after a check of its shape and type."""
    _check_length(shape, y, name)
    if shape[1] < 2:
        raise ValueError(f"{name} takes one output per class, at least 2, got {shape[1]}")
    if y.dtype.kind not in "iu":
        raise _not_class_indices(shape, y, name)
    return y if y.dtype == np.int64 and y.flags.carray else np.require(y, np.int64, ["C", "A", "W"])


def _not_class_indices(shape: tuple[int, ...], y: np.ndarray, name: str) -> ValueError:
    return ValueError(f"{name} takes y as class indices 0..{shape[1] - 1}, got {y.dtype} {np.unique(y)[:5].tolist()}")
