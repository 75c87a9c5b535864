"""A classifier that splits its data over simulated clients and trains in a federation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import check_classification_targets, validate_data
from qml.estimators.variational.classifier import VariationalClassifier
from qml.federated.aggregators import Aggregator
from qml.federated.federation import Federation
from qml.federated.privacy import GaussianMechanism
from qml.federated.splits import SPLITS
from qml.federated.strategies import Strategy
from qml.federated.updates import SecureSum
from qml.settings import check_choice

__all__ = ["FederatedClassifier"]

Array = NDArray[np.float64]


def _has(method: str) -> Callable[[FederatedClassifier], bool]:
    """Return the check whether the model has a method."""

    def check(classifier: FederatedClassifier) -> bool:
        model = getattr(classifier, "estimator_", classifier.estimator)
        return getattr(model if model is not None else VariationalClassifier(), method, None) is not None

    return check


@dataclass(eq=False, repr=False)
class FederatedClassifier(ClassifierMixin, BaseEstimator):
    """Classifier whose training data are split over simulated clients, to see what a federation costs in accuracy.

    For rows that already lie at several clients, use `Federation`.

    Parameters
    ----------
    estimator : estimator or Pipeline, optional
        Classifier that trains a network, by default a `VariationalClassifier`; see `Federation.fit`.
    n_clients : int
    split : {"iid", "dirichlet", "quantity", "feature"}
        How the rows are split; see the functions ``iid_split``, `dirichlet_split` and so on.
    skew : float
        Concentration alpha of ``"dirichlet"`` and ``"quantity"``, where small means unequal, or noise of ``"feature"``.
    strategy, aggregator, rounds, local_epochs, client_fraction, quorum, privacy, secure, random_state
        As in `Federation`; the seed is also that of the split.

    Attributes
    ----------
    estimator_ : estimator
        The trained model.
    federation_ : Federation
        The federation, with its clients.
    history_ : list of RoundRecord
    epsilon_ : float
    classes_ : ndarray, shape (n_classes,)
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = FederatedClassifier(n_clients=3, local_epochs=3, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """

    estimator: Any = None
    n_clients: int = 5
    split: str = "iid"
    skew: float = 1.0
    _: KW_ONLY
    strategy: str | Strategy = "fedavg"
    aggregator: str | Aggregator = "mean"
    rounds: int = 20
    local_epochs: int = 1
    client_fraction: float = 1.0
    quorum: int = 1
    privacy: GaussianMechanism | None = None
    secure: SecureSum | None = None
    random_state: int | RandomState | None = None

    def fit(self, X: ArrayLike, y: ArrayLike, *, resume: str | PathLike[str] | None = None) -> Self:
        """Split the rows and train.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        resume : path, optional
            Checkpoint; see `Federation.fit`. It needs an integer ``random_state``, which decides the split.

        Returns
        -------
        self
        """
        check_choice("split", self.split, SPLITS)
        if resume is not None and not isinstance(self.random_state, int | np.integer):
            raise ValueError(f"resume needs an integer random_state, for the same split, got {self.random_state!r}")
        _, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        rng = check_random_state(self.random_state)
        rows = X if hasattr(X, "iloc") else np.asarray(X, np.float64)
        arguments = () if self.split == "iid" else (self.skew,)
        self.federation_ = Federation(
            SPLITS[self.split](rows, labels, self.n_clients, *arguments, random_state=rng),
            self.strategy,
            self.aggregator,
            rounds=self.rounds,
            local_epochs=self.local_epochs,
            client_fraction=self.client_fraction,
            quorum=self.quorum,
            privacy=self.privacy,
            secure=self.secure,
            random_state=rng,
        )
        model = VariationalClassifier() if self.estimator is None else self.estimator
        self.estimator_ = self.federation_.fit(model, resume=resume)
        self.classes_ = self.estimator_.classes_
        self.history_, self.epsilon_ = self.federation_.history_, self.federation_.epsilon_
        return self

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict classes, shape (n_samples,)."""
        return np.asarray(self._trained(X).predict(X))

    @available_if(_has("predict_proba"))
    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes)."""
        return np.asarray(self._trained(X).predict_proba(X))

    @available_if(_has("decision_function"))
    def decision_function(self, X: ArrayLike) -> Array:
        """Compute decision values, shape (n_samples,) for two classes, else (n_samples, n_classes)."""
        return np.asarray(self._trained(X).decision_function(X))

    def _trained(self, X: ArrayLike) -> Any:
        """Return the trained model, after a check of X."""
        check_is_fitted(self, "estimator_")
        validate_data(self, X, dtype=np.float64, reset=False)
        return self.estimator_
