"""Transformers of pipelines as collapsed graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    RobustScaler,
    StandardScaler,
)

from qml.deploy.circuits import CannotCollapseError
from qml.deploy.graph import Graph
from qml.features import AngleScaler, ImagePooling, QubitReducer, SumFeatures

__all__ = ["transformed"]

Array = NDArray[np.float64]


def transformed(graph: Graph, x: int, transformer: Any) -> int:
    """Add a fitted transformer.

    Raises
    ------
    CannotCollapseError
        If it is not one of ``TRANSFORMERS``.
    """
    if isinstance(transformer, str) and transformer == "passthrough":
        return x
    if type(transformer) not in TRANSFORMERS:
        known = ", ".join(kind.__name__ for kind in TRANSFORMERS)
        raise CannotCollapseError(f"the step {transformer!r} cannot be taken out of Python; these can: {known}")
    return TRANSFORMERS[type(transformer)](graph, x, transformer)


def _standard(graph: Graph, x: int, scaler: StandardScaler) -> int:
    if scaler.mean_ is not None and scaler.with_mean:
        x = graph.shifted(x, -scaler.mean_)
    return x if scaler.scale_ is None else graph.binary("divide", x, graph.constant(scaler.scale_))


def _robust(graph: Graph, x: int, scaler: RobustScaler) -> int:
    if scaler.with_centering:
        x = graph.shifted(x, -scaler.center_)
    return graph.binary("divide", x, graph.constant(scaler.scale_)) if scaler.with_scaling else x


def _min_max(graph: Graph, x: int, scaler: MinMaxScaler) -> int:
    x = graph.shifted(graph.scaled(x, scaler.scale_), scaler.min_)
    return _clipped(graph, x, *scaler.feature_range) if scaler.clip else x


def _max_abs(graph: Graph, x: int, scaler: MaxAbsScaler) -> int:
    x = graph.binary("divide", x, graph.constant(scaler.scale_))
    return _clipped(graph, x, -1.0, 1.0) if getattr(scaler, "clip", False) else x


def _angle(graph: Graph, x: int, scaler: AngleScaler) -> int:
    low, high = scaler.angle_range
    x = graph.scaled(graph.shifted(x, -scaler.center_), scaler.scale_)
    x = graph.shifted(x, low / 2 + high / 2)
    return _clipped(graph, x, low, high) if scaler.clip else x


def _clipped(graph: Graph, x: int, low: float, high: float) -> int:
    size = graph.size(x)
    raised = graph.binary("maximum", x, graph.constant(np.full(size, low)))
    return graph.binary("minimum", raised, graph.constant(np.full(size, high)))


def _pca(graph: Graph, x: int, pca: PCA) -> int:
    matrix = pca.components_.T
    if pca.whiten:
        matrix = matrix / np.sqrt(pca.explained_variance_)
    return graph.affine(graph.shifted(x, -pca.mean_), matrix)


def _linear(graph: Graph, x: int, transformer: Any) -> int:
    """Add a transformer that is a matrix: it is applied to the unit vectors."""
    return graph.affine(x, transformer.transform(np.eye(graph.size(x))))


def _imputer(graph: Graph, x: int, imputer: SimpleImputer) -> int:
    """Leave complete rows unchanged; missing numbers are refused before the graph."""
    if getattr(imputer, "indicator_", None) is not None or not _is_missing(imputer.missing_values):
        raise CannotCollapseError(f"the step {imputer!r} cannot be taken out of Python; fill missing cells before it")
    columns = np.flatnonzero(~_is_missing(imputer.statistics_.astype(np.float64)))
    return graph.gather(x, columns)


def _is_missing(value: Any) -> Any:
    return np.isnan(value) if not isinstance(value, str) and value is not None else False


def _one_hot(graph: Graph, x: int, encoder: OneHotEncoder) -> int:
    """Add ``1 - step(|x - category|)`` for each category of numbers."""
    if encoder.infrequent_categories_ is not None if hasattr(encoder, "infrequent_categories_") else False:
        raise CannotCollapseError(f"the step {encoder!r} groups rare categories, which cannot be taken out of Python")
    columns, values = [], []
    for column, categories in enumerate(encoder.categories_):
        if not np.issubdtype(np.asarray(categories).dtype, np.number):
            raise CannotCollapseError(
                f"column {column} of the step {encoder!r} holds words; exported models take numbers: encode words "
                "before the model, and export what follows"
            )
        dropped = None if encoder.drop_idx_ is None else encoder.drop_idx_[column]
        places = [k for k in range(len(categories)) if k != dropped]
        columns += [column] * len(places)
        values += [float(categories[k]) for k in places]
    difference = graph.function("abs", graph.shifted(graph.gather(x, columns), -np.array(values)))
    return graph.shifted(graph.scaled(graph.function("step", difference), -1.0), 1.0)


def _columns(graph: Graph, x: int, transformer: ColumnTransformer) -> int:
    names = list(getattr(transformer, "feature_names_in_", []))
    parts = []
    for _, step, columns in transformer.transformers_:
        if isinstance(step, str) and step == "drop":
            continue
        listed = np.atleast_1d(np.arange(graph.size(x))[columns] if isinstance(columns, slice) else columns)
        if listed.dtype == bool:
            listed = np.flatnonzero(listed)
        places = [names.index(column) if isinstance(column, str) else int(column) for column in listed]
        if places:
            parts.append(transformed(graph, graph.gather(x, places), step))
    return graph.concat(parts)


def _pipeline(graph: Graph, x: int, pipeline: Pipeline) -> int:
    for _, step in pipeline.steps:
        x = x if step is None else transformed(graph, x, step)
    return x


TRANSFORMERS: dict[type, Callable[[Graph, int, Any], int]] = {
    AngleScaler: _angle,
    ColumnTransformer: _columns,
    ImagePooling: _linear,
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    OneHotEncoder: _one_hot,
    PCA: _pca,
    Pipeline: _pipeline,
    QubitReducer: lambda graph, x, reducer: x if reducer.pca_ is None else _pca(graph, x, reducer.pca_),
    RobustScaler: _robust,
    SimpleImputer: _imputer,
    StandardScaler: _standard,
    SumFeatures: _linear,
}
"""Function of (graph, x, transformer) that adds each kind of transformer."""
