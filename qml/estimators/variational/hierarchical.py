"""Classifiers whose circuit narrows from all qubits to those that are read out: convolutional networks and trees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from qml.ansatze import QCNN, TTN
from qml.estimators.search_space import Trial
from qml.estimators.variational.circuit import SEARCHED_MAPS, EncodedCircuit
from qml.estimators.variational.classifier import TrainedClassifier
from qml.feature_maps import Encoding, FeatureMap
from qml.models.observables import Observable, readout_observables
from simulator.circuit import Circuit

__all__ = ["ConvolutionalClassifier", "TreeTensorClassifier"]


@dataclass(eq=False, repr=False)
class ConvolutionalClassifier(TrainedClassifier, EncodedCircuit):
    """Quantum convolutional neural network: convolutions and poolings halve the qubits until few are read out.

    A convolution is one two-qubit block, with the same weights everywhere; see `qml.ansatze.QCNN`. Parameters that are
    not described here are those of `VariationalClassifier`.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Encoding of the features. Quantum states as data, such as those of `qml.datasets.cluster_ising`, are encoded by
        ``"amplitude"``, with ``scale_features=False``.
    n_layers : int, optional
        Number of layers, each of which halves the number of active qubits. By default as many as leave a qubit for two
        classes, and for more the base-2 logarithm of their number, rounded up.
    n_qubits : int, optional
        As in `VariationalClassifier`.
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.
    observables : str or sequence of Observable
        Pauli strings are measured on the remaining qubits.
    reduction, loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, \
validation_fraction, patience, tol, class_weight, scale_features, entangled, precision, noise, backend, random_state, \
callback, verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    classes_, weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, validation_scores_, n_iter_, \
best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Cong, Choi and Lukin, arXiv:1810.03994; blocks, shared weights and encodings of classical data: Hur, Kim and Park,
    arXiv:2108.00661.

    Examples
    --------
    Two phases of a spin chain from their ground states:

    >>> from qml.datasets import cluster_ising
    >>> X, y = cluster_ising(80, num_qubits=6, random_state=0)
    >>> clf = ConvolutionalClassifier("amplitude", n_qubits=6, scale_features=False, random_state=0)
    >>> clf.fit(X[:40], y[:40]).readout_
    Dense(1, 1)
    >>> bool(clf.score(X[40:], y[40:]) > 0.8)
    True

    The circuit with a small block on four qubits, of which a layer leaves two:

    >>> small = ConvolutionalClassifier(n_layers=1, block="ry_cx", epochs=1).fit(X[:, :4], y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐┌──────────┐     ┌──────────┐                      ┌──────────┐┌──────────┐
    q_0: ┤ Ry(x[0]) ├┤ Ry(w[0]) ├──■──┤ Ry(w[0]) ├──■───────────────────┤ Rz(w[2]) ├┤ Rx(w[3]) ├
         ├──────────┤├──────────┤  │  └──────────┘┌─┴─┐┌──────────┐     └────┬─────┘└────┬─────┘
    q_1: ┤ Ry(x[1]) ├┤ Ry(w[1]) ├──┼──────────────┤ X ├┤ Ry(w[0]) ├──■───────■───────────o──────
         ├──────────┤├──────────┤  │              └───┘├──────────┤┌─┴─┐┌──────────┐┌──────────┐
    q_2: ┤ Ry(x[2]) ├┤ Ry(w[0]) ├──┼────────────────■──┤ Ry(w[1]) ├┤ X ├┤ Rz(w[2]) ├┤ Rx(w[3]) ├
         ├──────────┤├──────────┤┌─┴─┐┌──────────┐┌─┴─┐└──────────┘└───┘└────┬─────┘└────┬─────┘
    q_3: ┤ Ry(x[3]) ├┤ Ry(w[1]) ├┤ X ├┤ Ry(w[1]) ├┤ X ├──────────────────────■───────────o──────
         └──────────┘└──────────┘└───┘└──────────┘└───┘
    """

    feature_map: str | FeatureMap = "angle"
    n_layers: int | None = None
    n_qubits: int | None = None
    block: str | Circuit = "su4"
    _: KW_ONLY
    reduction: Literal["trained", "components"] = "trained"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "feature_map": trial.suggest_categorical("feature_map", SEARCHED_MAPS),
            "n_qubits": trial.suggest_int("n_qubits", 2, 8),
            "block": trial.suggest_categorical("block", ["su4", "ry_cx"]),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz", "x+y+z"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def _ansatz(self) -> QCNN:
        return QCNN(self.block)

    def _num_layers(self, num_qubits: int, n_outputs: int) -> int:
        if self.n_layers is not None:
            return self.n_layers
        num_layers, remaining, least = 1, (num_qubits + 1) // 2, max(1, (n_outputs - 1).bit_length())
        while remaining > 1 and (remaining + 1) // 2 >= least:
            num_layers, remaining = num_layers + 1, (remaining + 1) // 2
        return num_layers

    def _measured(self, num_qubits: int, num_layers: int) -> str | Sequence[Observable]:
        remaining = self._ansatz().readout_qubits(num_qubits, num_layers)
        return readout_observables(self.observables, num_qubits, remaining)


@dataclass(eq=False, repr=False)
class TreeTensorClassifier(TrainedClassifier, EncodedCircuit):
    """Tree tensor network as a circuit: blocks on pairs of qubits, then on pairs of these, up to the root.

    The root alone is read out; see `qml.ansatze.TTN`. Parameters that are not described here are those of
    `VariationalClassifier`.

    Parameters
    ----------
    feature_map : str or FeatureMap
        Encoding of the features; ``"amplitude"`` for the variant of Bowles et al.
    n_layers : int
        Number of times that the whole tree is applied, each with weights of its own.
    n_qubits : int, optional
        Power of two; by default the smallest of at least 4 and at most 8 that the feature map asks for.
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.
    observables : str or sequence of Observable
        Pauli strings are measured on the root.
    reduction, loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, \
validation_fraction, patience, tol, class_weight, scale_features, entangled, precision, noise, backend, random_state, \
callback, verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    classes_, weights_, circuit_, model_, readout_, network_, scaling_, loss_history_, validation_scores_, n_iter_, \
best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Grant et al., arXiv:1804.03680; Huggins, Patil, Mitchell, Whaley and Stoudenmire, arXiv:1803.11537; with amplitude
    encoding, Bowles, Ahmed and Schuld, arXiv:2403.07059.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True)
    >>> clf = TreeTensorClassifier(epochs=40, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True

    The circuit with a small block on four qubits:

    >>> small = TreeTensorClassifier(n_qubits=4, block="ry_cx", epochs=1).fit(X, y)
    >>> print(small.circuit_.draw(fold=110))
         ┌──────────┐┌──────────┐
    q_0: ┤ Ry(x[0]) ├┤ Ry(w[0]) ├──■───────────────────
         ├──────────┤├──────────┤┌─┴─┐┌──────────┐
    q_1: ┤ Ry(x[1]) ├┤ Ry(w[1]) ├┤ X ├┤ Ry(w[4]) ├──■──
         ├──────────┤├──────────┤└───┘└──────────┘  │
    q_2: ┤ Ry(x[2]) ├┤ Ry(w[2]) ├──■────────────────┼──
         ├──────────┤├──────────┤┌─┴─┐┌──────────┐┌─┴─┐
    q_3: ┤ Ry(x[3]) ├┤ Ry(w[3]) ├┤ X ├┤ Ry(w[5]) ├┤ X ├
         └──────────┘└──────────┘└───┘└──────────┘└───┘
    """

    feature_map: str | FeatureMap = "angle"
    n_layers: int = 1
    n_qubits: int | None = None
    block: str | Circuit = "su4"
    _: KW_ONLY
    observables: str | Sequence[Observable] = "x+y+z"
    reduction: Literal["trained", "components"] = "trained"

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "feature_map": trial.suggest_categorical("feature_map", SEARCHED_MAPS),
            "block": trial.suggest_categorical("block", ["su4", "ry_cx"]),
            "n_layers": trial.suggest_int("n_layers", 1, 3),
            "n_qubits": trial.suggest_categorical("n_qubits", [2, 4, 8]),
            "observables": trial.suggest_categorical("observables", ["z", "x+y+z"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def _ansatz(self) -> TTN:
        return TTN(self.block)

    def _measured(self, num_qubits: int, num_layers: int) -> str | Sequence[Observable]:
        return readout_observables(self.observables, num_qubits, self._ansatz().readout_qubits(num_qubits))

    def _choose_qubits(self, feature_map: FeatureMap) -> int:
        num_qubits = super()._choose_qubits(feature_map)
        exact = self.n_qubits is not None or isinstance(feature_map, Encoding)
        return num_qubits if exact else 1 << (num_qubits - 1).bit_length()
