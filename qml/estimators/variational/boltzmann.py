"""Quantum Boltzmann machine as a classifier."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples
from qml.estimators.trained_classes import TrainedOnClasses
from qml.estimators.variational.classifier import TrainedClassifier
from qml.features.scaling import Scaling, fit_standardisation
from qml.layers import Dense, Gibbs, Sequential
from qml.settings import check_choice, check_whole

__all__ = ["BoltzmannClassifier"]

AUTOMATIC_QUBITS = 4
"""Default number of qubits; the time of a step grows by about 8 with each."""

MAX_SEARCHED_ROWS = 300
"""Maximum number of rows for which a search tries Boltzmann machines by default."""

VISIBLE = ("single", "half", "all")


@dataclass(eq=False, repr=False)
class BoltzmannClassifier(TrainedClassifier):
    """Quantum Boltzmann machine classifier: a Gibbs state whose fields are trained linear functions of the features.

    ``H(x) = sum_i a_i(x) Z_i + sum_i b_i(x) X_i + sum_{i<j} c_ij(x) Z_i Z_j``, with a trained weight for each feature
    and a trained constant in each a, b and c. A class is an outcome of the visible qubits in the state
    ``exp(-H(x)) / tr exp(-H(x))``, which is computed exactly, as are the derivatives: see `qml.layers.Gibbs`.
    Preparing such states on hardware is another matter. Parameters that are not described here are those of
    `VariationalClassifier`.

    From a sample to the probabilities of the classes, with one visible and two hidden qubits::

                 ┌───────┐ a(x), b(x), c(x) ┌─────────────┐
        x ───────┤ Dense ├──────────────────┤             ├─ q_0, visible: P(0), P(1) are the classes
        features └───────┘ one field for    │ exp(-H)/tr  ├─ q_1, hidden
                           each term of H   │             ├─ q_2, hidden
                                            └─────────────┘

    Parameters
    ----------
    n_qubits : int, optional
        Number of qubits, visible and hidden: 4 by default, or as many as the classes require. At most 10, unless
        ``entangled=False``.
    visible : {"single", "half", "all"}
        Qubits that are read out. ``"single"``: one group of ``ceil(log2(n_classes))`` qubits. ``"half"`` and ``"all"``:
        as many such groups as fit into that share of the qubits; class probabilities are averaged over them.
    scale_features : bool
        Whether to bring features to mean 0 and standard deviation 1.
    entangled : bool
        Whether the Hamiltonian has the terms on pairs; see `without_entanglement`.
    loss, optimizer, learning_rate, weight_decay, epochs, batch_size, schedule, early_stopping, validation_fraction, \
patience, tol, class_weight, random_state, callback, verbose, warm_start
        As in `VariationalClassifier`.
    noise, backend : None
        There is no circuit; anything else raises ValueError.

    Attributes
    ----------
    network_ : Sequential
        The linear functions, then the Gibbs state.
    classes_, weights_, scaling_, loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, \
feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Amin, Andriyash, Rolfe, Kulchytskyy and Melko, arXiv:1601.02036; Zoufal, Lucchi and Woerner, arXiv:2006.06004; with
    this Hamiltonian Bowles, Ahmed and Schuld, arXiv:2403.07059.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> clf = BoltzmannClassifier(epochs=30, random_state=0).fit(X[::2], y[::2])
    >>> bool(clf.score(X[1::2], y[1::2]) > 0.9)
    True
    """

    n_qubits: int | None = None
    visible: Literal["single", "half", "all"] = "single"
    _: KW_ONLY

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "n_qubits": trial.suggest_int("n_qubits", 2, 5),
            "visible": trial.suggest_categorical("visible", ["single", "half", "all"]),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def search_obstacle(self, n_rows: int, n_features: int) -> str | None:
        if n_rows > MAX_SEARCHED_ROWS:
            return f"a Gibbs state for each of {n_rows:,} rows is too slow to search; the limit is {MAX_SEARCHED_ROWS}"
        return super().search_obstacle(n_rows, n_features)

    def _network(self, n_features: int, n_outputs: int) -> Sequential:
        n_classes = len(self.classes_)
        group = (n_classes - 1).bit_length()
        num_qubits = max(AUTOMATIC_QUBITS, group) if self.n_qubits is None else self.n_qubits
        share = {"single": group, "half": num_qubits // 2, "all": num_qubits}[self.visible]
        gibbs = Gibbs(num_qubits, n_classes, max(1, share // group), interacting=self.entangled)
        return Sequential(Dense(n_features, gibbs.num_inputs), gibbs)

    @property
    def _takes_labels(self) -> bool:
        return False  # an outcome of the visible qubits is one class

    def _checked_columns(self, y: NDArray[Any]) -> NDArray[Any]:
        return TrainedOnClasses._checked_columns(self, y)

    def _fit_scaling(self, samples: Samples) -> Scaling:
        return fit_standardisation(samples.X, samples.weight)

    def _check_settings(self) -> None:
        super()._check_settings()
        check_whole("n_qubits", self.n_qubits, instead=[None])
        check_choice("visible", self.visible, VISIBLE)
