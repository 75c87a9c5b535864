"""Round 0: the clients agree on columns, classes and scaling, and receive the estimator that all begin with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline

from qml.estimators.local_training import begin
from qml.estimators.variational.trained import TrainedNetwork
from qml.federated.artificial_rows import artificial_rows, same_scaling
from qml.federated.clients import Client
from qml.federated.remote_sums import RemoteSum
from qml.federated.statistics import (
    AgreementError,
    Description,
    Statistics,
    agreed,
    described,
)
from qml.federated.updates import SecureSum

__all__ = ["Beginning", "Steps", "begin_together", "split_model"]


@dataclass(frozen=True, eq=False)
class Steps:
    """Fitted transformers, as a function of features."""

    transformers: list[tuple[str, Any]]

    def __call__(self, X: Any) -> Any:
        for _, transformer in self.transformers:
            X = transformer.transform(X)
        return X


class Beginning:
    """The estimator with shared scaling and initial weights, behind fitted transformers if it came in a pipeline.

    Parameters
    ----------
    estimator : TrainedNetwork
    transformers : list of (str, transformer)
    name : str
        Name of the estimator's step, in a pipeline.
    descriptions : list of Description
        What the clients told of the features that the estimator takes.
    """

    def __init__(
        self, estimator: Any, transformers: list[tuple[str, Any]], name: str, descriptions: list[Description]
    ) -> None:
        self.estimator, self.transformers, self.name = estimator, transformers, name
        self.descriptions = descriptions

    def transformed(self, X: Any) -> Any:
        """Return the features that the estimator takes."""
        return Steps(self.transformers)(X)

    def model(self, estimator: Any) -> Any:
        """Return a trained estimator in the form in which the model came."""
        return Pipeline([*self.transformers, (self.name, estimator)]) if self.transformers else estimator


def split_model(model: Any) -> tuple[list[tuple[str, Any]], str, Any]:
    """Return the transformers of a model, the name of its last step, and its estimator.

    Raises
    ------
    TypeError
        If the estimator is not one that trains a network.
    ValueError
        If a setting of it needs all rows in one place.
    """
    *steps, (name, estimator) = model.steps if isinstance(model, Pipeline) else [("", model)]
    if not isinstance(estimator, TrainedNetwork):
        raise TypeError(
            "a federation trains an estimator of qml that trains a network, such as VariationalClassifier, or a "
            "pipeline that ends with one, such as make_pipeline(NystroemFeatures(), NetworkClassifier(Dense())); got "
            f"{model!r}"
        )
    if estimator.early_stopping:
        raise ValueError("early_stopping holds out rows of one data set: use rounds= and validation_data instead")
    return [(key, step) for key, step in steps if step is not None and step != "passthrough"], name, estimator


def begin_together(
    model: Any,
    clients: Sequence[Client],
    seed: int,
    *,
    secure: SecureSum | RemoteSum | None = None,
    reference: tuple[Any, Any] | None = None,
    classes: Any = None,
) -> Beginning:
    """Run round 0.

    Parameters
    ----------
    model : TrainedNetwork or Pipeline
    clients : sequence of Client
    seed : int
        Seed for the initial weights.
    secure : SecureSum or RemoteSum, optional
        Secure aggregation of the means and second moments.
    reference : tuple (X, y), optional
        Public rows from which scaling and classes are learnt; then the clients tell neither moments nor ranges.
    classes : array-like, optional
        All classes; by default those of the clients together.

    Raises
    ------
    AgreementError
        If the clients cannot be trained together; the client that differs is named.
    """
    steps, name, estimator = split_model(model)
    classifier = bool(is_classifier(estimator))
    private = reference is None
    descriptions = [client.describe(classifier, private) for client in clients]
    public = None if reference is None else described("reference", *reference, classifier)
    statistics = agreed(descriptions, classes, public)
    transformers: list[tuple[str, Any]] = []
    X: Any
    y: Any
    X, y = (None, None) if reference is None else reference
    if steps:
        if private:
            statistics = _with_moments(statistics, clients, secure, stage=0)
            X, y, _ = artificial_rows(statistics, "normal", seed)
        for key, step in steps:
            fitted = clone(step)
            X = fitted.fit_transform(X, y)
            transformers.append((key, fitted))
        transform = Steps(transformers)
        descriptions = [client.describe(classifier, private, transform) for client in clients]
        public = None if reference is None else described("reference", X, y, classifier)
        statistics = agreed(descriptions, classes, public)
    if private:
        statistics = _with_moments(statistics, clients, secure, stage=1)
        started = _from_statistics(estimator, statistics, seed)
    else:
        started = begin(estimator, X, y, np.ones(len(y)), classes=statistics.classes, seed=seed)
    if getattr(started, "class_weight", None) == "balanced":
        started.class_weight = _balanced(statistics)
    for client in clients:
        client.begin(started)
    return Beginning(started, transformers, name, descriptions)


def _with_moments(
    statistics: Statistics, clients: Sequence[Client], secure: SecureSum | RemoteSum | None, stage: int
) -> Statistics:
    """Sum the clients' moments; each stage has its own round number, because masks must not be used twice."""
    if isinstance(secure, RemoteSum):

        def confirm(senders: Sequence[str]) -> None:
            if missing := sorted({client.name for client in clients} - set(senders)):
                raise AgreementError(f"round 0 needs the sums of all clients, and {missing} did not send theirs")

        return statistics.with_moments(secure.moments(statistics, round=-stage, confirm=confirm))
    vectors = {client.name: client.moments(statistics) for client in clients}
    if secure is None:
        return statistics.with_moments(np.sum(list(vectors.values()), axis=0))
    return statistics.with_moments(secure.sum(vectors, round=-stage))


def _from_statistics(estimator: Any, statistics: Statistics, seed: int) -> Any:
    """Begin from artificial rows; with the covariances only where the scaling depends on them, as components do."""

    def started(coupling: Any) -> Any:
        X, y, weight = artificial_rows(statistics, coupling, seed)
        return begin(estimator, X, y, weight, classes=statistics.classes, seed=seed)

    first = started("equal")
    if len(statistics.mean) == 1 or same_scaling(first, started("alternating")):
        return first
    return started("normal")


def _balanced(statistics: Statistics) -> dict[Any, float]:
    """Return the weights of balanced classes from the counts of all clients."""
    assert statistics.classes is not None
    assert statistics.counts is not None
    if not statistics.counts.all():
        missing = statistics.classes[statistics.counts == 0].tolist()
        raise AgreementError(f"class_weight='balanced' needs rows of each class, no client has any of {missing}")
    weights = statistics.n_samples / (len(statistics.classes) * statistics.counts)
    return dict(zip(statistics.classes.tolist(), weights.tolist(), strict=True))
