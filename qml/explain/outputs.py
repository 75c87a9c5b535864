"""What of a model is explained: probabilities, decision values or predictions, as a function of an array."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.explain.inputs import Inputs, inputs_of
from qml.honesty.twins import innermost
from qml.settings import check_backend
from qml.tables import TableModel
from simulator.backends.numba_backend import NumbaBackend
from simulator.caching import cached_property

__all__ = ["Explained", "explained", "output_function", "plain", "squeezed"]

Array = NDArray[np.float64]

ROWS_AT_ONCE = 1 << 15
"""Number of rows of one call of the model, which bounds memory."""

TRIED = 3
"""Number of rows that are predicted twice, to see whether the model is a function."""


@dataclass(frozen=True)
class Explained:
    """Function of a model that is explained.

    Attributes
    ----------
    model : fitted model or callable
    inputs : Inputs
    quantity : str
        What the outputs are, such as ``"probability"``.
    names : tuple of str
        Names of the outputs: of a classifier for two classes ``classes_[1]`` only.
    function : callable
        From what the model takes to outputs, shape (n_rows,) or (n_rows, n_outputs).
    classes : ndarray or None
    """

    model: Any
    inputs: Inputs
    quantity: str
    names: tuple[str, ...]
    function: Callable[[Any], Any]
    classes: NDArray[Any] | None = None

    def __call__(self, rows: Array) -> Array:
        """Compute outputs, shape (n_rows, n_outputs)."""
        parts = [self._outputs(rows[start : start + ROWS_AT_ONCE]) for start in range(0, len(rows), ROWS_AT_ONCE)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    @cached_property
    def estimator(self) -> Any:
        """Estimator that takes the restored rows."""
        return self.model.estimator if isinstance(self.model, TableModel) else self.model

    @property
    def is_classifier(self) -> bool:
        """Whether predictions are classes, one per row."""
        return self.classes is not None

    def given(self, rows: Array) -> Any:
        """Return rows in a form that the model's functions take: features of a table, or what was restored."""
        return rows if self.inputs.table is not None else self.inputs.restored(rows)

    def predict(self, rows: Array) -> NDArray[Any]:
        """Predict classes or targets."""
        if not hasattr(self.estimator, "predict"):
            return self(rows)[:, 0]
        parts = [
            np.asarray(self.estimator.predict(self.inputs.restored(rows[start : start + ROWS_AT_ONCE])))
            for start in range(0, len(rows), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts)

    def _outputs(self, rows: Array) -> Array:
        out = np.asarray(self.function(self.inputs.restored(rows)), np.float64)
        return out[:, None] if out.ndim == 1 else out


def explained(
    model: Any, background: Any, groups: Mapping[str, Sequence[int]] | None = None
) -> tuple[Explained, Array]:
    """Return the function of a model that is explained, and its background rows as an array.

    Raises
    ------
    NotFittedError
        If the model is not fitted.
    TypeError
        If it is neither a classifier, a regressor nor a function of rows.
    ValueError
        If its predictions are random: shots on a backend without a seed.
    """
    inputs = inputs_of(model, background, groups)
    rows = inputs.rows(background, "the background")
    estimator = model.estimator if isinstance(model, TableModel) else model
    remote = _checked_backend(estimator)
    function, quantity = output_function(estimator)
    out = Explained(model, inputs, quantity, (), function, _classes(estimator))
    first = rows[: 1 if remote else TRIED]
    values = out(first)
    if values.ndim != 2 or len(values) != len(first):
        raise ValueError(f"the model must return (n_rows,) or (n_rows, n_outputs), got {values.shape}")
    if not remote and not np.array_equal(values, out(first), equal_nan=True):
        raise ValueError(
            "the model gives different outputs for the same rows; set the seed of whatever is random in it"
        )
    return replace(out, names=_names(getattr(estimator, "classes_", None), values.shape[1], quantity)), rows


def plain(label: Any) -> Any:
    """Return a prediction as a value of Python, for texts and JSON."""
    return label.item() if isinstance(label, np.generic) else np.asarray(label).tolist()


def squeezed(values: Array) -> Array:
    """Leave out the axis of the outputs if there is one only."""
    return values[..., 0] if values.shape[-1] == 1 else values


def output_function(estimator: Any) -> tuple[Callable[[Any], Any], str]:
    """Return the function of an estimator that is explained, and what its outputs are."""
    if hasattr(estimator, "predict_proba"):
        classes = _classes(estimator)
        two = classes is not None and len(classes) == 2
        return _second(estimator.predict_proba) if two else estimator.predict_proba, "probability"
    if hasattr(estimator, "decision_function"):
        return estimator.decision_function, "decision value"
    if hasattr(estimator, "predict") and not hasattr(estimator, "classes_"):
        return estimator.predict, "prediction"
    if callable(estimator) and not isinstance(estimator, type):
        return estimator, "output"
    raise TypeError(
        "expected a fitted classifier or regressor, a model loaded from a file, or a function of rows, "
        f"got {type(estimator).__name__}"
    )


def _second(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return the probability of the second class."""
    return lambda X: np.asarray(function(X))[:, 1]


def _classes(estimator: Any) -> NDArray[Any] | None:
    classes = getattr(estimator, "classes_", None)
    num_labels: Any = getattr(innermost(estimator), "n_labels_", 0)
    if classes is None or isinstance(classes, list) or num_labels:
        return None
    return np.asarray(classes)


def _names(classes: Any, width: int, quantity: str) -> tuple[str, ...]:
    if classes is not None and len(classes) == width:
        return tuple(str(name) for name in np.asarray(classes).tolist())
    if classes is not None and len(classes) == 2 and width == 1:
        return (str(np.asarray(classes).tolist()[1]),)
    return (quantity,) if width == 1 else tuple(f"{quantity} {k}" for k in range(width))


def _checked_backend(estimator: Any) -> bool:
    """Whether the model runs on another backend than the engine; raise ValueError if that has no seed for its shots."""
    inner = innermost(estimator)
    for holder in (inner, getattr(inner, "kernel_", None)):
        backend = check_backend(getattr(holder, "backend", None))
        if backend is None or isinstance(backend, NumbaBackend):
            continue
        if getattr(backend, "seed", None) is None:
            raise ValueError(
                f"{type(inner).__name__} predicts on {backend!r}, whose shots are drawn without a seed, so that an "
                "explanation would show noise; give the backend a seed, or explain set_params(backend=None)"
            )
        return True
    return False
