"""Classifiers that train a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.metaestimators import available_if

from qml.estimators.targets import BackendClassifier, learn_classes
from qml.estimators.variational.circuit import VariationalEstimator
from qml.estimators.variational.trained import Samples, TrainedNetwork
from qml.losses import Loss, class_targets, gives_probabilities, loss_for_classes
from qml.weights import weighted_by_class
from simulator.backends.trait import Backend, Folder

__all__ = ["TrainedClassifier", "VariationalClassifier"]

Array = NDArray[np.float64]


def _gives_probabilities(classifier: TrainedClassifier) -> bool:
    if gives_probabilities(classifier.loss):
        return True
    raise AttributeError(f"probabilities need loss='cross_entropy', got loss={classifier.loss!r}")


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedClassifier(BackendClassifier, TrainedNetwork):
    """Base of the classifiers that train a network: one logit for two classes, one for each class otherwise."""

    loss: str | Loss = "cross_entropy"
    class_weight: Mapping[Any, float] | Literal["balanced"] | None = None

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """One epoch on these data; further calls go on from there, as does one after ``fit``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        classes : array-like, shape (n_classes,)
            All classes there are; needed in the first call, which also learns the scaling. Later calls need not repeat
            them and cannot change them.
        sample_weight : array-like, shape (n_samples,), optional

        Returns
        -------
        self
        """
        if not hasattr(self, "weights_") and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit.")
        if isinstance(self.class_weight, str):
            raise ValueError(f"class_weight={self.class_weight!r} needs all of the data at once; give a dict instead")
        if hasattr(self, "weights_") and classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ValueError(
                f"classes={classes!r} is not the same as on the last call to partial_fit or fit, was: {self.classes_!r}"
            )
        return self._partial_fit(X, y, sample_weight, classes)

    @available_if(_gives_probabilities)
    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Probability of each class, shape (n_samples, n_classes); needs ``loss="cross_entropy"``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuit, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        outputs = self._outputs(X, backend, resume)
        return softmax(outputs, axis=1) if outputs.shape[1] > 1 else expit(outputs * [-1.0, 1.0])

    @available_if(_gives_probabilities)
    def predict_log_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Logarithms of the probabilities, shape (n_samples, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuit, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        outputs = self._outputs(X, backend, resume)
        return log_softmax(outputs, axis=1) if outputs.shape[1] > 1 else log_expit(outputs * [-1.0, 1.0])

    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        learn_classes(self, samples.y, classes)
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _encode_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"y contains labels that are not among the classes {self.classes_}: {unseen}")
        return class_targets(self._training_loss(), np.searchsorted(self.classes_, y), len(self.classes_))

    def _training_loss(self) -> Loss:
        return loss_for_classes(self.loss, len(self.classes_))

    def _emphasised(self, samples: Samples) -> Samples:
        if self.class_weight is None:
            return samples
        indices = np.searchsorted(self.classes_, samples.y)
        return replace(samples, weight=weighted_by_class(self.class_weight, self.classes_, indices, samples.weight))

    def _labels(self, y: NDArray[Any]) -> NDArray[Any]:
        return y


@dataclass(eq=False, repr=False)
class VariationalClassifier(TrainedClassifier, VariationalEstimator):
    """Variational quantum classifier, binary and multiclass.

    Features are scaled into angles and encoded into a quantum state, a trainable circuit acts on it, expectation values
    are read out, and a linear map of these (trained with the circuit) gives one logit a class, or one for two classes.

    Parameters
    ----------
    feature_map : str or FeatureMap
        How features enter the circuit; names are in `qml.feature_maps.FEATURE_MAPS`.
    ansatz : str or Ansatz
        The trainable circuit; names are in `qml.ansatze.ANSATZE`.
    n_layers : int
        Layers of the ansatz.
    n_qubits : int, optional
        By default as many as the feature map asks for, but at least 4 and at most 8. If the features do not fit on the
        qubits, their leading principal components take their place.
    loss : {"cross_entropy", "hinge", "mse"} or Loss
        A custom loss receives outputs (n, 1) and targets 0 or 1 for two classes; for more, outputs (n, n_classes) and
        class indices.
    optimizer : str or Optimizer
        Names are in `qml.optimizers.OPTIMIZERS`.
    learning_rate : float, optional
        ``None`` leaves the optimizer its own.
    epochs : int
        Most passes over the data.
    batch_size : int, "full" or "auto"
        Samples a step. ``"auto"``: all of them up to 64, otherwise 32.
    schedule : {"cosine", "constant"}
        How the learning rate develops: falling to zero like half a cosine, which settles deep circuits, or not at all.
    early_stopping : bool
        Whether to keep part of the data aside, stop when the loss there no longer falls, and keep the best weights.
        Otherwise the weights with the lowest training loss are kept.
    validation_fraction : float
        Share of the samples kept aside for early stopping, in each class.
    patience : int
        Epochs without an improvement before early stopping.
    tol : float
        What counts as an improvement.
    class_weight : dict or "balanced", optional
        As in scikit-learn: positive factors of the sample weights.
    observables : str or sequence of Observable
        What is read out: ``"z+zz"`` is Z on each qubit and Z Z on each pair, see `readout_observables`.
    model : QuantumModel, optional
        A circuit of one's own, instead of feature map, ansatz, layers, qubits, observables and precision.
    scale_features : bool
        Whether to scale features into the range the feature map works in (for a model, a quarter turn to either side).
        Otherwise they are taken as they are, in radians.
    precision : {"double", "single"}
        Precision of the simulation.
    noise : NoiseModel, optional
        The circuit is simulated with it, in training and in prediction.
    backend : Backend, optional
        Where the circuit runs instead, in training and in prediction; gradients by parameter shift. Methods that
        predict take one for a single call (``"numba"`` is this engine). Never stored in model files.
    random_state : int, RandomState or None
        Decides the first weights, the minibatches, and what is kept aside.
    callback : callable, optional
        Called with a `TrainingProgress` after each epoch; returning True stops. Not stored in model files.
    verbose : bool
        Whether to show a progress bar.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    weights_ : float ndarray, shape (n_weights,)
        The circuit's, in radians, then the readout's.
    circuit_ : Circuit
    model_ : QuantumModel
        The circuit with its inputs and weights, without scaling and readout.
    readout_ : Dense
        From expectation values to outputs.
    network_ : Sequential
        The chain of both.
    scaling_ : Scaling
    loss_history_ : float ndarray, shape (n_iter_,)
        Mean training loss of each epoch.
    validation_scores_ : float ndarray, shape (n_iter_,), or None without early stopping
        Minus the mean loss on the samples kept aside, after each epoch.
    n_iter_ : int
        Epochs trained.
    best_epoch_ : int
        The epoch after which ``weights_`` were reached, counted from 1; 0 for the initial ones.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(epochs=30, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True
    """
