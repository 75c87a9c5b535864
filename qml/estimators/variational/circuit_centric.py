"""The circuit-centric classifier: copies of an amplitude encoding and controlled rotations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from qml.ansatze import Ansatz, ControlledRotations
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.variational.circuit import EncodedCircuit
from qml.estimators.variational.classifier import TrainedClassifier
from qml.feature_maps import AmplitudeMap, FeatureMap
from qml.features.scaling import Scaling, fit_standardisation
from qml.models.observables import Observable
from qml.settings import check_whole

__all__ = ["CircuitCentricClassifier"]

MAX_AUTOMATIC_QUBITS = 6
"""Maximum default number of qubits of all copies together, by cross-validation on data sets of Bowles et al.

With 10 qubits, which take 31 features without a dense layer before them, the classifier was slower and less accurate.
"""


@dataclass(eq=False, repr=False)
class CircuitCentricClassifier(TrainedClassifier, EncodedCircuit):
    """Circuit-centric classifier: copies of the features as amplitudes, then rotations and controlled rotations.

    The features, brought to mean 0 and standard deviation 1 and followed by a constant, are the amplitudes of each of
    several registers; the tensor product of these makes expectation values polynomials of higher degree in the
    features. Parameters that are not described here are those of `VariationalClassifier`.

    Parameters
    ----------
    n_layers : int
        Number of layers of `qml.ansatze.ControlledRotations`.
    n_copies : int
        Number of registers.
    n_qubits : int, optional
        Number of qubits of all registers together; by default as many as the features need, but at most 6. Features
        that do not fit pass through a trained dense layer.
    constant : float
        Amplitude, before the division by the norm, that follows the features. With 0, only the direction of the
        features counts, and a row of zeros becomes the first basis state.
    observables : str or sequence of Observable
        Observables to read out; the paper reads out one qubit, ``[Z(0)]``.
    scale_features : bool
        Whether to bring features to mean 0 and standard deviation 1.
    loss : {"cross_entropy", "hinge", "mse", "mae", "huber"} or Loss
        The paper minimises the squared error, ``"mse"``; cross-entropy is as accurate on data sets of Bowles et al.
    reduction, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, \
validation_fraction, patience, tol, class_weight, entangled, precision, noise, backend, random_state, callback, \
verbose
        As in `VariationalClassifier`. Amplitudes on several qubits cannot be separated, so `without_entanglement` needs
        a register for each qubit.

    Attributes
    ----------
    classes_, weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, validation_scores_, n_iter_, \
best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Schuld, Bocharov, Svore and Wiebe, arXiv:1804.00633; compared with others by Bowles, Ahmed and Schuld,
    arXiv:2403.07059.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = CircuitCentricClassifier(n_layers=3, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True

    The circuit for three features and the constant, with one copy and one layer:

    >>> small = CircuitCentricClassifier(n_layers=1, n_copies=1, epochs=1).fit(X[:, :3], y)
    >>> print(small.circuit_.draw(fold=110))
         ┌─────────────────────┐┌──────────┐┌──────────┐┌──────────┐                                    »
    q_0: ┤0                    ├┤ Rz(w[0]) ├┤ Ry(w[1]) ├┤ Rz(w[2]) ├─────■───────────■───────────■──────»
         │  amplitude_encoding │├──────────┤├──────────┤├──────────┤┌────┴─────┐┌────┴─────┐┌────┴─────┐»
    q_1: ┤1                    ├┤ Rz(w[3]) ├┤ Ry(w[4]) ├┤ Rz(w[5]) ├┤ Rz(w[6]) ├┤ Ry(w[7]) ├┤ Rz(w[8]) ├»
         └─────────────────────┘└──────────┘└──────────┘└──────────┘└──────────┘└──────────┘└──────────┘»
    «     ┌──────────┐┌───────────┐┌───────────┐
    «q_0: ┤ Rz(w[9]) ├┤ Ry(w[10]) ├┤ Rz(w[11]) ├
    «     └────┬─────┘└─────┬─────┘└─────┬─────┘
    «q_1: ─────■────────────■────────────■──────
    «
    """

    n_layers: int = 2
    n_copies: int = 2
    n_qubits: int | None = None
    _: KW_ONLY
    constant: float = 1.0
    observables: str | Sequence[Observable] = "z"
    reduction: Literal["trained", "components"] = "trained"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        n_copies = trial.suggest_int("n_copies", 1, 3)
        return super().search_space(trial) | {
            "n_layers": trial.suggest_int("n_layers", 1, 5),
            "n_copies": n_copies,
            "n_qubits": n_copies * trial.suggest_int("qubits_per_copy", 1, 3),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz", "x+y+z"]),
        }

    def _ansatz(self) -> Ansatz:
        return ControlledRotations()

    def _feature_map(self) -> AmplitudeMap:
        return AmplitudeMap(copies=self.n_copies, constant=self.constant)

    def _choose_qubits(self, feature_map: FeatureMap) -> int:
        if self.n_qubits is not None:
            return self.n_qubits
        most = max(MAX_AUTOMATIC_QUBITS // self.n_copies, 1)
        return self.n_copies * min(feature_map.num_qubits(self.n_features_in_) // self.n_copies, most)

    def _scaling_for_map(self, samples: Samples) -> Scaling:
        scaling = super()._scaling_for_map(samples)
        return fit_standardisation(samples.X, samples.weight) if scaling.factor.ndim == 1 else scaling

    def _check_settings(self) -> None:
        check_whole("n_copies", self.n_copies)
        self._feature_map()
        super()._check_settings()
