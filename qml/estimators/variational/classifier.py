"""Classifiers that train a network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target

from qml.estimators.availability import available_unless
from qml.estimators.trained import Samples
from qml.estimators.trained_classes import TrainedOnClasses
from qml.estimators.variational.circuit import VariationalEstimator
from qml.estimators.variational.trained import TrainedNetwork
from qml.losses import Loss, class_targets, gives_probabilities, loss_for_classes
from simulator.backends.trait import Backend, Folder

__all__ = ["TrainedClassifier", "VariationalClassifier"]

Array = NDArray[np.float64]


def _no_probabilities(classifier: TrainedClassifier) -> str | None:
    if gives_probabilities(classifier._named_loss()):
        return None
    return (
        f"probabilities need loss='cross_entropy', got loss={classifier.loss!r}; fit with that loss, or use "
        "decision_function"
    )


@dataclass(eq=False, repr=False, kw_only=True)
class TrainedClassifier(TrainedOnClasses, TrainedNetwork):
    """Base of the classifiers that train a network: one logit for two classes, one for each class otherwise.

    With y of shape (n_samples, n_labels) and entries of 0 or 1, each label is present or not, independently of the
    others, and has one logit; ``classes_`` are then the numbers of the labels.
    """

    loss: str | Loss = "cross_entropy"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = self._takes_labels
        return tags

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these data, continuing from earlier calls or from ``fit``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        y : array-like, shape (n_samples,)
        classes : array-like, shape (n_classes,)
            All classes; required in the first call, which also learns the scaling. Later calls may omit them and cannot
            change them.
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

    @available_unless(_no_probabilities)
    def predict_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict class probabilities, shape (n_samples, n_classes); requires ``loss="cross_entropy"``.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuit, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        outputs = self._outputs(X, backend, resume)
        if self._has_labels:
            return np.asarray(expit(outputs))
        return softmax(outputs, axis=1) if outputs.shape[1] > 1 else expit(outputs * [-1.0, 1.0])

    @available_unless(_no_probabilities)
    def predict_log_proba(self, X: ArrayLike, *, backend: Backend | str | None = None, resume: Folder = None) -> Array:
        """Predict log-probabilities, shape (n_samples, n_classes).

        Parameters
        ----------
        X : array-like, shape (n_samples, n_features)
        backend : Backend or "numba", optional
            Backend that runs the circuit, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        outputs = self._outputs(X, backend, resume)
        if self._has_labels:
            return np.asarray(log_expit(outputs))
        return log_softmax(outputs, axis=1) if outputs.shape[1] > 1 else log_expit(outputs * [-1.0, 1.0])

    def _checked_columns(self, y: NDArray[Any]) -> NDArray[Any]:
        if type_of_target(y) != "multilabel-indicator":
            if y.ndim == 2 and y.shape[1] > 1:
                raise ValueError(
                    f"y should be a 1d array of classes, or an indicator matrix of 0 and 1 for several labels per "
                    f"sample, got an array of shape {y.shape}; for several targets of classes use scikit-learn's "
                    "MultiOutputClassifier"
                )
            return super()._checked_columns(y)
        if self.class_weight is not None:
            raise ValueError("class_weight is for one class per sample; with several labels use sample_weight")
        if not self._takes_labels:
            raise ValueError(f"several labels per sample need loss='cross_entropy' or 'mse', got loss={self.loss!r}")
        return y

    def _learn_targets(self, samples: Samples, classes: ArrayLike | None) -> int:
        self.n_labels_ = samples.y.shape[1] if samples.y.ndim > 1 else 0
        if self._has_labels:
            self.classes_ = np.arange(self.n_labels_)
            return self.n_labels_
        self._learn_classes(samples.y, classes)
        return 1 if len(self.classes_) == 2 else len(self.classes_)

    def _encode_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        if self._has_labels != (y.ndim > 1) or (self._has_labels and y.shape[1] != len(self.classes_)):
            raise ValueError(f"y of shape {y.shape} is not of the kind that the classifier was fitted to")
        if self._has_labels:
            return class_targets(self._training_loss(), y, 2)
        return class_targets(self._training_loss(), self._class_indices(y), len(self.classes_))

    def _training_loss(self) -> Loss:
        return self._training_loss_of(2 if self._has_labels else len(self.classes_))

    def _training_loss_of(self, num_classes: int) -> Loss:
        return loss_for_classes(self._named_loss(), num_classes)

    def _named_loss(self) -> str | Loss:
        """Return the loss or its name."""
        return self.loss

    @property
    def _takes_labels(self) -> bool:
        """Whether the loss is defined for several labels per sample."""
        return bool(getattr(self._training_loss_of(2), "takes_labels", False))

    @property
    def _has_labels(self) -> bool:
        """Whether y held several labels per sample."""
        return getattr(self, "n_labels_", 0) > 0  # files of version 0.1.0 have no such number

    def _decisions(self, outputs: Array) -> Array:
        return outputs if self._has_labels else super()._decisions(outputs)

    def _predicted(self, outputs: Array) -> NDArray[Any]:
        return (outputs > 0).astype(np.intp) if self._has_labels else super()._predicted(outputs)

    def _labels(self, y: NDArray[Any]) -> NDArray[Any] | None:
        return None if self._has_labels else super()._labels(y)


@dataclass(eq=False, repr=False)
class VariationalClassifier(TrainedClassifier, VariationalEstimator):
    """Variational quantum classifier, binary and multiclass.

    Features are scaled into angles and encoded into a quantum state, a trainable circuit acts on it, expectation values
    are read out, and a linear map (trained with the circuit) gives one logit per class, or one for two classes.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Encoding of the features in the circuit; names are listed in `qml.feature_maps.FEATURE_MAPS`.
    ansatz : str or Ansatz
        Trainable circuit; names are listed in `qml.ansatze.ANSATZE`.
    n_layers : int
        Number of layers of the ansatz.
    n_qubits : int, optional
        Number of qubits; by default as many as the feature map requires, but at least 4 and at most 8. If the features
        do not fit on the qubits, see ``reduction``.
    loss : {"cross_entropy", "hinge", "mse", "mae", "huber"} or Loss
        ``CrossEntropy(label_smoothing=0.2)`` of `qml.losses` often predicts better where all training samples are
        fitted. A custom loss receives outputs (n, 1) and targets 0 or 1 for two classes; for more, outputs
        (n, n_classes) and class indices.
    optimizer : str or Optimizer
        Optimizer; names are listed in `qml.optimizers.OPTIMIZERS`.
    learning_rate : float, optional
        Learning rate; ``None`` uses the optimizer's default. An optimizer that is an object keeps its own, as in
        ``Adam(learning_rate=0.02)``, unless this is set to another value than the default.
    weight_decay : float, "auto" or None
        Weight decay of the optimizer ``"adam"``: each step also shrinks every weight by the share
        ``learning_rate * weight_decay``. ``"auto"`` tries it on a quarter of the samples that are held out, which
        takes two and a half times as long; not with a backend or more than 2000 samples. ``None`` is the class's own
        default where the optimizer has a decay, and none otherwise.
    epochs : int
        Maximum number of epochs.
    batch_size : int, "full" or "auto"
        Number of samples per step. ``"auto"``: all of them up to 64, or if the optimizer chooses its steps, otherwise
        32.
    schedule : {"cosine", "constant", "warm_restarts", "one_cycle", "plateau"} or Schedule
        Schedule of the learning rate: by default half a cosine that decays to zero, which helps deep circuits converge.
        Ignored by optimizers that choose their steps.
    early_stopping : bool
        Whether to hold out part of the data, stop when the loss on it no longer decreases, and keep the weights with
        the lowest loss on it. Otherwise the weights with the lowest training loss are kept.
    validation_fraction : float
        Share of the samples of each class held out for early stopping.
    patience : int
        Number of epochs without improvement before training stops.
    tol : float
        Minimum change of the loss that counts as an improvement.
    class_weight : dict or "balanced", optional
        As in scikit-learn: positive factors of the sample weights.
    observables : str or sequence of Observable
        Observables to read out: ``"z+zz"`` is Z on each qubit and Z Z on each pair, see `readout_observables`.
    model : QuantumModel, optional
        Custom circuit, in place of feature map, ansatz, layers, qubits, observables and precision; of the feature map
        only the range of the scaled features remains.
    reduction : {"trained", "components"}
        What happens to features that do not fit on the qubits. ``"trained"``: all of them pass through a dense layer,
        trained with the circuit, that starts as their leading principal components. ``"components"``: these replace
        them, with a warning; ``explained_variance_ratio_`` is the share of the variance that is left.
    initialisation : {"ansatz", "small_angles", "gaussian_depth", "beta", "identity_blocks"} or Initialisation
        Rule for the initial weights of the ansatz, by default its own; the others are against barren plateaus.
        ``"identity_blocks"`` also changes the structure: every second layer mirrors the one before.
    scale_features : bool
        Whether to scale features into the range of the feature map. If False, features are angles in radians.
    entangled : bool
        Whether the circuit keeps its gates on two or more qubits; see `without_entanglement`.
    precision : {"double", "single"}
        Precision of the simulation.
    noise : NoiseModel, optional
        Noise model of the simulation, in training and in prediction.
    backend : Backend, optional
        Backend that runs the circuit in training and in prediction, with gradients by parameter shift. Methods that
        predict accept one for a single call (``"numba"`` is this engine). Not stored in model files.
    random_state : int, RandomState or None
        Seed for the initial weights, the minibatches, and the held-out samples.
    callback : callable or sequence of callable, optional
        Called with a `TrainingProgress` after each epoch; returning True stops. `qml.callbacks` has ready-made ones.
        Not stored in model files.
    verbose : bool
        Whether to show a progress bar.
    warm_start : bool
        Whether `fit` continues from the weights, scaling and classes of an earlier `fit`, for ``epochs`` more.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
    n_labels_ : int
        Number of labels per sample if y was an indicator matrix of shape (n_samples, n_labels); 0 otherwise.
    weights_ : float ndarray, shape (n_weights,)
        Weights of the circuit, in radians, then those of the readout.
    circuit_ : Circuit
    model_ : QuantumModel
        Model of the circuit, without scaling and readout.
    readout_ : Dense
        Layer from expectation values to outputs.
    network_ : Sequential
        Network of the circuit and the readout.
    scaling_ : Scaling
    loss_history_ : float ndarray, shape ``(n_iter_,)``
        Mean training loss of each epoch.
    validation_scores_ : float ndarray, shape ``(n_iter_,)``, or None without early stopping
        Negative mean loss on the held-out samples after each epoch.
    n_iter_ : int
        Number of epochs trained.
    best_epoch_ : int
        Epoch after which ``weights_`` were reached, counted from 1; 0 for the initial weights.
    n_features_in_ : int
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = VariationalClassifier(epochs=30, random_state=0).fit(X, y)
    >>> clf.score(X, y) > 0.9
    True

    The circuit with one layer, on two features:

    >>> small = VariationalClassifier(n_layers=1, n_qubits=2, epochs=1).fit(X[:, :2], y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐┌──────────┐┌──────────┐┌──────────┐     ┌───┐
    q_0: ┤ Ry(x[0]) ├┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├──■──┤ X ├
         ├──────────┤├──────────┤├──────────┤├──────────┤┌─┴─┐└─┬─┘
    q_1: ┤ Ry(x[1]) ├┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├┤ X ├──■──
         └──────────┘└──────────┘└──────────┘└──────────┘└───┘
    """
