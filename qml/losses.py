"""Losses: the value of each sample and, beside it, its derivative with respect to the model's outputs.

A loss is any object with ``value(outputs, y)`` and ``gradient(outputs, y)``. Neither averages over samples: the caller
sums (and weights) both in the same way.

For classifiers a loss may also have ``class_targets(indices, num_classes)``, the targets that it takes for class
indices; ``for_classes(num_classes)``, the loss to use for that number of classes; and ``gives_probabilities``, whether
its outputs are logits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy.special import expit

from simulator.names import by_name


@runtime_checkable
class Loss(Protocol):
    """Interface that training requires of a loss function."""

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the loss of each sample, shape (n_samples,), from ``outputs`` (n_samples, n_outputs) and targets."""
        ...

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Compute the derivative ``d value[i] / d outputs[i, k]``, shape (n_samples, n_outputs)."""
        ...


@dataclass(frozen=True)
class SquaredError:
    """Squared error, averaged over the outputs; ``y`` has shape (n_samples,) or (n_samples, n_outputs)."""

    takes_labels = True

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``mean_k (outputs - y)^2``."""
        residuals = _residuals(outputs, y)
        if outputs.shape[1] == 1:  # the hot path of small models: einsum has an overhead of microseconds per call
            return np.square(residuals[:, 0])
        return np.einsum("ik,ik->i", residuals, residuals) / outputs.shape[1]

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``2 (outputs - y) / n_outputs``."""
        return _residuals(outputs, y) * (2.0 / outputs.shape[1])

    def class_targets(self, indices: np.ndarray, num_classes: int) -> np.ndarray:
        """Targets -1 or 1 for two classes; for more, one column per class: 1 for the sample's class, -1 otherwise."""
        if num_classes == 2:
            return 2.0 * indices - 1.0
        return 2.0 * (indices[:, None] == np.arange(num_classes)) - 1.0


@dataclass(frozen=True)
class AbsoluteError:
    """Absolute error, averaged over the outputs; ``y`` has shape (n_samples,) or (n_samples, n_outputs)."""

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``mean_k |outputs - y|``."""
        return np.abs(_residuals(outputs, y)).mean(axis=1)

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``sign(outputs - y) / n_outputs``; 0 where the error is 0."""
        return np.sign(_residuals(outputs, y)) / outputs.shape[1]


@dataclass(frozen=True)
class Huber:
    """Half the squared error up to ``delta``, linear beyond; averaged over the outputs.

    Parameters
    ----------
    delta : float
        Error above which the loss is linear.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not (np.isfinite(self.delta) and self.delta > 0):
            raise ValueError(f"delta must be a positive number, got {self.delta!r}")

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``mean_k h(outputs - y)`` with ``h(r) = c (|r| - c/2)`` and ``c = min(|r|, delta)``."""
        size = np.abs(_residuals(outputs, y))
        clipped = np.minimum(size, self.delta)
        return (clipped * (size - 0.5 * clipped)).mean(axis=1)

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The error, clipped to ``[-delta, delta]``, over ``n_outputs``."""
        return np.clip(_residuals(outputs, y), -self.delta, self.delta) / outputs.shape[1]


@dataclass(frozen=True)
class BinaryCrossEntropy:
    """Negative log-likelihood of logits ``p = 1 / (1 + exp(-outputs))``, averaged over the outputs.

    ``y``, in [0, 1], has shape (n_samples,) for one output, and the shape of the outputs for several labels.
    """

    gives_probabilities = True
    takes_labels = True

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``y log(1 + e^-z) + (1 - y) log(1 + e^z)``: no cancellation for either class, however large the logit."""
        logits, y = _logits(outputs, y, "binary_cross_entropy")
        values = y * np.logaddexp(0.0, -logits) + (1.0 - y) * np.logaddexp(0.0, logits)
        return values if values.ndim == 1 else values.mean(axis=1)

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p - y``, as ``(1 - y) p - y (1 - p)`` so that small differences keep their digits."""
        logits, y = _logits(outputs, y, "binary_cross_entropy")
        slopes = (1.0 - y) * expit(logits) - y * expit(-logits)
        return slopes[:, np.newaxis] if slopes.ndim == 1 else slopes / outputs.shape[1]

    def for_classes(self, num_classes: int) -> Loss:
        """Return this loss for two classes, `CrossEntropy` for more."""
        return self if num_classes == 2 else CrossEntropy()


@dataclass(frozen=True)
class CrossEntropy:
    """Negative log-likelihood of logits, ``p = softmax(outputs)``; ``y`` (n_samples,) are class indices."""

    gives_probabilities = True

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``log sum_j exp(z_j - z_y)``."""
        largest, smaller, _ = self._shifted(outputs, y)
        return largest + np.log1p(smaller.sum(axis=1))

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``p - onehot(y)``; the entry of ``y`` is minus the sum of the others, exact also when ``p_y`` is nearly 1."""
        _, exponentials, peak = self._shifted(outputs, y)
        rows = np.arange(len(outputs))
        exponentials[rows, peak] = 1.0
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        probabilities[rows, y] = 0.0
        probabilities[rows, y] = -probabilities.sum(axis=1)
        return probabilities

    def for_classes(self, num_classes: int) -> Loss:
        """Return this loss for more than two classes, `BinaryCrossEntropy` for two."""
        return self if num_classes > 2 else BinaryCrossEntropy()

    @staticmethod
    def _shifted(outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``m = max_j (z_j - z_y)``; ``exp(z_j - z_y - m)`` with its largest entry (exactly 1) set to 0; its index."""
        y = _class_index(outputs, y, "cross_entropy")
        rows = np.arange(len(outputs))
        differences = outputs - outputs[rows, y][:, np.newaxis]
        peak = differences.argmax(axis=1)
        largest = differences[rows, peak]
        exponentials = np.exp(differences - largest[:, np.newaxis])
        exponentials[rows, peak] = 0.0
        return largest, exponentials, peak


@dataclass(frozen=True)
class Hinge:
    """Margin loss: binary for one output (``y`` in {-1, +1}), Crammer and Singer's for several (class indices)."""

    def value(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """``max(0, 1 - margin)``, where the margin is ``y z``, or ``z_y`` minus the best other output."""
        margin, _, _ = self._margin(outputs, y)
        return np.maximum(0.0, 1.0 - margin)

    def gradient(self, outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Minus the derivative of the margin where it is below 1, else 0."""
        margin, sign, rival = self._margin(outputs, y)
        inside = np.where(margin < 1.0, 1.0, 0.0)
        gradient = np.zeros(outputs.shape)
        rows = np.arange(len(outputs))
        if rival is None:
            gradient[:, 0] = -inside * sign
        else:
            gradient[rows, sign] = -inside
            gradient[rows, rival] = inside
        return gradient

    def class_targets(self, indices: np.ndarray, num_classes: int) -> np.ndarray:
        """Targets -1 or 1 for two classes, the class indices for more."""
        return 2 * indices - 1 if num_classes == 2 else indices

    @staticmethod
    def _margin(outputs: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Margin; the signs (binary) or class indices; the best other class (None when binary)."""
        if outputs.ndim == 2 and outputs.shape[1] == 1:
            _check_length(outputs, y, "hinge")
            if not (np.abs(y) == 1).all():
                raise ValueError(f"hinge with one output takes y in {{-1, +1}}, got {np.unique(y)[:5].tolist()}")
            return y * outputs[:, 0], y, None
        y = _class_index(outputs, y, "hinge")
        rows = np.arange(len(outputs))
        others = np.array(outputs, dtype=np.float64)
        others[rows, y] = -np.inf
        rival = others.argmax(axis=1)
        return outputs[rows, y] - outputs[rows, rival], y, rival


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


def _check_length(outputs: np.ndarray, y: np.ndarray, name: str) -> None:
    if outputs.ndim != 2 or y.shape != (len(outputs),):
        raise ValueError(
            f"{name} takes outputs (n_samples, n_outputs) and y (n_samples,), got {outputs.shape} and {y.shape}"
        )


def _residuals(outputs: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return ``outputs - y``; without the check a ``y`` of shape (n,) would broadcast along the wrong axis."""
    if outputs.ndim != 2 or (y.shape != outputs.shape and (outputs.shape[1] != 1 or y.shape != outputs.shape[:1])):
        raise ValueError(f"outputs of shape {outputs.shape} need y of the same shape, got {y.shape}")
    return outputs - y.reshape(outputs.shape)


def _logits(outputs: np.ndarray, y: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return logits and targets of one shape: (n_samples,) for one output, otherwise that of the outputs."""
    if y.ndim == 1:
        _check_length(outputs, y, name)
        if outputs.shape[1] != 1:
            raise ValueError(f"{name} takes one logit per sample, got {outputs.shape[1]}")
    elif y.shape != outputs.shape:
        raise ValueError(f"{name} takes one logit per label, got outputs {outputs.shape} and y {y.shape}")
    if y.size and not (y.min() >= 0 and y.max() <= 1):
        raise ValueError(f"{name} takes y in [0, 1], got values from {y.min()} to {y.max()}")
    return outputs[:, 0] if y.ndim == 1 else outputs, y


def _class_index(outputs: np.ndarray, y: np.ndarray, name: str) -> np.ndarray:
    """Return ``y`` after a check: a negative index would silently select the last class."""
    _check_length(outputs, y, name)
    n_classes = outputs.shape[1]
    if n_classes < 2:
        raise ValueError(f"{name} takes one output per class, at least 2, got {n_classes}")
    if y.dtype.kind not in "iu" or (y.size and not (y.min() >= 0 and y.max() < n_classes)):
        raise ValueError(
            f"{name} takes y as class indices 0..{n_classes - 1}, got {y.dtype} {np.unique(y)[:5].tolist()}"
        )
    return y
