"""Export of trained models as ONNX graphs of real tensors (optional package onnx)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from qml.deploy.models import collapsed_model
from qml.deploy.onnx_writer import OnnxWriter
from qml.files.container import ModelFileError
from qml.settings import check_choice
from simulator.files import check_regular, replace_file

__all__ = ["check_onnx", "export_onnx"]

CHECKSUM = "sha256"
"""Name of the metadata entry with the digest of the remainder of the file."""


def export_onnx(
    model: Any,
    path: str | PathLike[str],
    *,
    precision: Literal["double", "single"] = "double",
    feature_names: Sequence[str] | None = None,
) -> None:
    """Write a trained model as an ONNX file, which runs without this library.

    The graph is that of `collapse`: scaling, steps of a pipeline, circuit, readout and classes in real numbers. Its
    input ``X`` has shape (n_samples, n_features). Outputs are named as scikit-learn's converters do. Of a classifier:
    ``label`` (n_samples,), then ``probabilities`` (n_samples, n_classes), or ``decision_function`` if it has none; of a
    regressor: ``variable``, of the shape that ``predict`` returns. The metadata hold feature names, classes, versions,
    and a digest that `check_onnx` compares.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted classifier or regressor of this library, or a pipeline that ends with one.
    path : path
    precision : {"double", "single"}
        Type of inputs, constants and outputs: in double precision results equal the model's to 1e-10, in single
        precision to about 1e-6 (probabilities of a Gaussian process: 1e-4).
    feature_names : sequence of str, optional
        Names for the metadata; by default those that the model was fitted with.

    Raises
    ------
    CannotCollapseError, NotFittedError, TypeError
        As in `collapse`.
    ImportError
        If the package onnx is not installed.
    ValueError
        If there are not as many names as features.
    """
    check_choice("precision", precision, ("double", "single"))
    check_regular(path)
    collapsed = collapsed_model(model, feature_names, "onnx")
    replace_file(path, [_serialized(OnnxWriter(_onnx(), collapsed, precision).model())])


def check_onnx(path: str | PathLike[str]) -> dict[str, str]:
    """Check that an exported file is unchanged, and return its metadata.

    Raises
    ------
    ModelFileError
        If the file is damaged, was changed after the export, or does not come from `export_onnx`.
    """
    onnx = _onnx()
    check_regular(path)
    try:
        model = onnx.load_model_from_string(Path(path).read_bytes())
    except Exception as error:  # the parser of protocol buffers raises classes of its own
        if isinstance(error, OSError):
            raise
        raise ModelFileError(path, f"not an ONNX file, or damaged: {error}") from error
    entries = {entry.key: entry.value for entry in model.metadata_props}
    expected = entries.pop(CHECKSUM, None)
    if expected is None:
        raise ModelFileError(path, "an ONNX file without a digest: it was not written by qumba")
    if _digest(model) != expected:
        raise ModelFileError(path, "changed or damaged: its digest is not that of its content")
    return entries


def _onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise ImportError("ONNX files need the package onnx: pip install 'qumba[onnx]'") from None
    return onnx


def _digest(model: Any) -> str:
    """Return the digest of a model without its entry for the digest."""
    copy = type(model)()
    copy.CopyFrom(model)
    for entry in [entry for entry in copy.metadata_props if entry.key == CHECKSUM]:
        copy.metadata_props.remove(entry)
    return hashlib.sha256(copy.SerializeToString(deterministic=True)).hexdigest()


def _serialized(model: Any) -> bytes:
    digest = _digest(model)
    entry = model.metadata_props.add()
    entry.key, entry.value = CHECKSUM, digest
    return bytes(model.SerializeToString(deterministic=True))
