"""Classifiers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils.metaestimators import available_if

from qml.ansatze import Ansatz
from qml.estimators.targets import BackendClassifier, learn_classes
from qml.estimators.variational.trained import Samples, VariationalEstimator
from qml.feature_maps import FeatureMap
from qml.losses import BinaryCrossEntropy, CrossEntropy, Hinge, Loss, SquaredError, get_loss
from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from qml.training.progress import Callback
from qml.weights import weighted_by_class
from simulator.backends.trait import Backend, Folder
from simulator.noise import NoiseModel

__all__ = ["VariationalClassifier"]

Array = NDArray[np.float64]


def _gives_probabilities(classifier: VariationalClassifier) -> bool:
    if isinstance(get_loss(classifier.loss), BinaryCrossEntropy | CrossEntropy):
        return True
    raise AttributeError(f"probabilities need loss='cross_entropy', got loss={classifier.loss!r}")


class VariationalClassifier(BackendClassifier, VariationalEstimator):
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
        One of your own gets outputs (n, 1) and targets 0 or 1 for two classes; for more, outputs (n, n_classes) and
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
        Of the simulation.
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
    readout_ : LinearReadout
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

    def __init__(
        self,
        feature_map: str | FeatureMap = "angle",
        ansatz: str | Ansatz = "strongly_entangling",
        n_layers: int = 4,
        n_qubits: int | None = None,
        *,
        loss: str | Loss = "cross_entropy",
        optimizer: Any = "adam",
        learning_rate: float | None = 0.05,
        epochs: int = 100,
        batch_size: int | Literal["auto", "full"] = "auto",
        schedule: Literal["constant", "cosine"] = "cosine",
        early_stopping: bool = False,
        validation_fraction: float = 0.15,
        patience: int = 20,
        tol: float = 0.0,
        class_weight: Mapping[Any, float] | Literal["balanced"] | None = None,
        observables: str | Sequence[Observable] = "z+zz",
        model: QuantumModel | None = None,
        scale_features: bool = True,
        precision: Literal["double", "single"] = "double",
        noise: NoiseModel | None = None,
        backend: Backend | str | None = None,
        random_state: int | RandomState | None = None,
        callback: Callback | None = None,
        verbose: bool = False,
    ) -> None:
        self.feature_map = feature_map
        self.ansatz = ansatz
        self.n_layers = n_layers
        self.n_qubits = n_qubits
        self.loss = loss
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.schedule = schedule
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.tol = tol
        self.class_weight = class_weight
        self.observables = observables
        self.model = model
        self.scale_features = scale_features
        self.precision = precision
        self.noise = noise
        self.backend = backend
        self.random_state = random_state
        self.callback = callback
        self.verbose = verbose

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

    def decision_function(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Logits: shape (n_samples,), positive for ``classes_[1]``; of more than two classes (n_samples, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Where the circuit runs, instead of where the estimator's own parameters say.
        resume : path, optional
            A folder in which a remote backend keeps its jobs, to go on after an interruption.
        """
        outputs = self._outputs(X, backend, resume)
        return outputs[:, 0] if len(self.classes_) == 2 else outputs

    def predict(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> NDArray[Any]:
        """The most likely class of each sample, shape (n_samples,).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Where the circuit runs, instead of where the estimator's own parameters say.
        resume : path, optional
            A folder in which a remote backend keeps its jobs, to go on after an interruption.
        """
        indices = _indices(self._outputs(X, backend, resume))  # first: it checks that the estimator is fitted
        return self.classes_[indices]

    @available_if(_gives_probabilities)
    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Probability of each class, shape (n_samples, n_classes); needs ``loss="cross_entropy"``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Where the circuit runs, instead of where the estimator's own parameters say.
        resume : path, optional
            A folder in which a remote backend keeps its jobs, to go on after an interruption.
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
            Where the circuit runs, instead of where the estimator's own parameters say.
        resume : path, optional
            A folder in which a remote backend keeps its jobs, to go on after an interruption.
        """
        outputs = self._outputs(X, backend, resume)
        return log_softmax(outputs, axis=1) if outputs.shape[1] > 1 else log_expit(outputs * [-1.0, 1.0])

    def _predictions(self, values: Array) -> NDArray[Any]:
        return self.classes_[_indices(self._read_out(values))]

    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        learn_classes(self, samples.y, classes)
        self._class_indices(samples.y)  # labels outside the classes are refused before anything is learnt
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _encode_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        indices = self._class_indices(y)
        loss = self._training_loss()
        if isinstance(loss, SquaredError):
            if len(self.classes_) > 2:
                return 2.0 * (indices[:, None] == np.arange(len(self.classes_))) - 1.0
            return 2.0 * indices - 1.0
        if isinstance(loss, Hinge) and len(self.classes_) == 2:
            return 2 * indices - 1
        return indices

    def _training_loss(self) -> Loss:
        loss = get_loss(self.loss)
        if isinstance(loss, BinaryCrossEntropy | CrossEntropy):
            return BinaryCrossEntropy() if len(self.classes_) == 2 else CrossEntropy()
        return loss

    def _emphasised(self, samples: Samples) -> Samples:
        if self.class_weight is None:
            return samples
        indices = self._class_indices(samples.y)
        return replace(samples, weight=weighted_by_class(self.class_weight, self.classes_, indices, samples.weight))

    def _class_indices(self, y: NDArray[Any]) -> NDArray[np.intp]:
        """Position of each label in ``classes_``."""
        unseen = np.setdiff1d(y, self.classes_)
        if len(unseen):
            raise ValueError(f"y contains labels that are not among the classes {self.classes_}: {unseen}")
        return np.searchsorted(self.classes_, y)

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return y


def _indices(outputs: Array) -> NDArray[np.intp]:
    return outputs.argmax(axis=1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(np.intp)
