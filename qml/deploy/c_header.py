"""Export of trained models as C99 headers without dependencies or allocation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.deploy.c_writer import CWriter
from qml.deploy.graph import Graph
from qml.deploy.models import CollapsedModel, collapsed_model
from qml.deploy.quantization import quantized
from qml.settings import check_choice
from simulator.display import Preformatted
from simulator.files import check_regular, replace_file

__all__ = ["CHeader", "export_c"]

Array = NDArray[np.float64]

IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

KEYWORDS = frozenset(
    re.findall(
        r"\w+",
        "auto break case char const continue default do double else enum extern float for goto if inline "
        "int long main register restrict return short signed sizeof static struct switch typedef union unsigned "
        "void volatile while",
    )
)

MAX_NUMBERS = 1 << 20
"""Maximum number of constants of a header: compilers take long for larger ones."""

TEST_ROWS = 5
"""Number of samples of the test vector."""

SEED = 3
"""Seed of the samples of the test vector, if none are given."""


@dataclass(frozen=True)
class CHeader(Preformatted):
    """What `export_c` has written.

    Parameters
    ----------
    path : str
    name : str
        Prefix of all names in the header.
    data_bytes : int
        Size of the constants.
    stack_bytes : int
        Size of the intermediate values, which are on the stack.
    operations : int
        Number of multiplications with addition, or equivalents, per sample.
    quantization : str
        For 8-bit weights, the measured loss of accuracy as text; empty otherwise.
    """

    path: str
    name: str
    data_bytes: int
    stack_bytes: int
    operations: int
    quantization: str = ""

    def __str__(self) -> str:
        loss = f"\n{self.quantization}" if self.quantization else ""
        return (
            f"{self.path}: {self.data_bytes:,} bytes of constants, {self.stack_bytes:,} bytes of stack, "
            f"{self.operations:,} operations a sample{loss}"
        )


def export_c(
    model: Any,
    path: str | PathLike[str],
    *,
    name: str | None = None,
    precision: Literal["double", "float"] = "double",
    weights: Literal["full", "int8"] = "full",
    samples: ArrayLike | None = None,
    feature_names: Sequence[str] | None = None,
) -> CHeader:
    """Write a trained model as one C99 header, which needs the C library's mathematics and nothing else.

    With the prefix ``model``, the header declares ``model_real``, the sizes ``MODEL_FEATURES`` and ``MODEL_VALUES``,
    and functions that return 0, or 1 if a feature is not finite: ``model_values(x, values)`` computes decision values
    or predicted targets, ``model_probabilities(x, values)`` the class probabilities if the model has them. Of a
    classifier, ``model_class(x)`` returns the index of the class, or -1 if a feature or the value is not finite, and
    ``model_class_name(index)`` the class as text. Compiled with ``-DMODEL_TEST``, it has a ``main`` that checks the
    test vector in it.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted classifier or regressor of this library, or a pipeline that ends with one.
    path : path
    name : str, optional
        Prefix of all names, a C identifier; by default the name of the file.
    precision : {"double", "float"}
    weights : {"full", "int8"}
        ``"int8"`` stores matrices as 8-bit integers with a factor for each column; the loss of accuracy on ``samples``
        is measured and written into the header.
    samples : array-like, shape (n_samples, n_features), optional
        Typical samples: the first are the test vector, and the loss of ``weights="int8"`` is measured on all. By
        default normally distributed numbers.
    feature_names : sequence of str, optional
        Names for the comment at the head; by default those that the model was fitted with.

    Returns
    -------
    CHeader
        Sizes; print it.

    Raises
    ------
    CannotCollapseError, NotFittedError, TypeError
        As in `collapse`; the header has at most a million constants.
    ValueError
        If the name is not a C identifier, or the samples or names are not as many as the features.
    """
    check_choice("precision", precision, ("double", "float"))
    check_choice("weights", weights, ("full", "int8"))
    check_regular(path)
    prefix = _checked_name(path, name)
    collapsed = collapsed_model(model, feature_names, "c")
    if collapsed.graph.num_numbers > MAX_NUMBERS:
        raise ValueError(
            f"a header holds at most {MAX_NUMBERS:,} constants, the model has {collapsed.graph.num_numbers:,}; use "
            "export_onnx"
        )
    rows = _checked_samples(collapsed, samples)
    loss = ""
    if weights == "int8":
        exact = collapsed.graph
        collapsed.graph = quantized(exact)
        loss = _loss(collapsed, exact, rows)
    writer = CWriter(collapsed, prefix, precision, weights == "int8")
    text = writer.header(rows[:TEST_ROWS], loss)
    replace_file(path, [text.encode()])
    return CHeader(
        fspath(path), prefix, writer.data_bytes, writer.stack * writer.real_bytes, collapsed.graph.cost, loss
    )


def _checked_name(path: str | PathLike[str], name: str | None) -> str:
    prefix = PurePath(path).stem if name is None else name
    if not isinstance(prefix, str) or not IDENTIFIER.fullmatch(prefix) or prefix in KEYWORDS:
        source = "name" if name is not None else "the name of the file"
        raise ValueError(
            f"{source} must be a C identifier: a letter, then letters, digits or underscores, and not a keyword, got "
            f"{prefix!r}; pass name='model'"
        )
    return prefix


def _checked_samples(collapsed: CollapsedModel, samples: ArrayLike | None) -> Array:
    size = collapsed.num_features
    if samples is None:
        rows = np.random.default_rng(SEED).normal(size=(100, size))
    else:
        rows = np.array(samples, np.float64, order="C")
        if rows.ndim != 2 or rows.shape[1] != size or not len(rows) or not np.isfinite(rows).all():
            raise ValueError(f"samples expects finite numbers of shape (n_samples, {size}), got shape {rows.shape}")
    with np.errstate(all="ignore"):
        finite = np.isfinite(collapsed.graph.evaluate(rows)["values"]).all(axis=1)
    if not finite.any():
        raise ValueError("the model has no value for the samples of the test vector; pass typical ones as samples")
    return rows[finite]


def _loss(collapsed: CollapsedModel, exact: Graph, rows: Array) -> str:
    """Compare predictions of the quantised graph with those of the exact one, in words."""
    got, expected = collapsed.graph.evaluate(rows)["values"], exact.evaluate(rows)["values"]
    error = np.abs(got - expected).max()
    text = f"8-bit weights: on {len(rows)} samples, values differ by at most {error:.3g}"
    if collapsed.task == "regression":
        return f"{text} (standard deviation of the values: {expected.std():.3g})"
    if collapsed.task == "labels" or expected.shape[1] == 1:
        same = ((got > 0) == (expected > 0)).all(axis=1)
    else:
        same = got.argmax(axis=1) == expected.argmax(axis=1)
    return f"{text}, {same.sum()} of {len(rows)} predictions are the same"
