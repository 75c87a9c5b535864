"""Born machine: a circuit whose measurement probabilities model a distribution of bit strings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from os import PathLike
from typing import Any, Literal, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import DensityMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.ansatze import INITIAL_SPREAD, Ansatz, ansatz_circuit, get_ansatz
from qml.checked_data import validate_data
from qml.estimators.own_objective.bit_strings import BitStrings
from qml.estimators.own_objective.born_objective import DataDistribution, ExactObjective, SampledObjective, frequencies
from qml.estimators.own_objective.divergences import (
    Divergence,
    MaximumMeanDiscrepancy,
    NegativeLogLikelihood,
    checked_probabilities,
    total_variation,
)
from qml.estimators.search_space import Trial
from qml.estimators.trained import Samples, TrainedEstimator
from qml.estimators.twins import Entangled
from qml.feature_maps import Encoding
from qml.models.evaluation import check_noise
from qml.settings import check_backend, check_choice, check_layers, check_whole
from qml.training import TrainingResult
from qml.training.description import description, digest
from qml.training.identity import circuit_digest
from qml.weights import checked_sample_weight
from simulator.backends.numba_backend import NumbaBackend
from simulator.backends.trait import DEFAULT_SHOTS, Backend, Folder
from simulator.circuit import Circuit
from simulator.noise import NoiseModel
from simulator.parameters import ParameterVector
from simulator.program.program import Program

__all__ = ["BornMachine"]

Array = NDArray[np.float64]

MAX_BITS = 24
"""Maximum number of bits: all 2**n probabilities are held."""


@dataclass(eq=False, repr=False)
class BornMachine(Entangled, DensityMixin, TrainedEstimator):
    """Generative model of bit strings: the measurement probabilities ``|<x|psi(weights)>|**2`` of a trained circuit.

    Column q of X is the bit of qubit q. Parameters that are not described here are those of `VariationalClassifier`.

    Parameters
    ----------
    ansatz : str, Ansatz or Circuit
        Trained circuit; names are listed in `qml.ansatze.ANSATZE`, ``"iqp"`` among them. All parameters of a custom
        circuit are weights.
    n_layers : int
        Number of layers of the ansatz.
    n_bits : int, optional
        If set, X has one column of integers from 0 to ``2**n_bits - 1``, with bit q for qubit q. By default X has a
        column of zeros and ones for each bit.
    binarize : float, optional
        Threshold above which a number in X is a one; by default anything but zeros and ones is an error.
    loss : {"mmd", "nll"}
        ``"mmd"``: squared maximum mean discrepancy, see `MaximumMeanDiscrepancy`. ``"nll"``: mean negative
        log-likelihood, which needs exact probabilities.
    bandwidths : sequence of float
        Standard deviations of the Gaussian kernels of the discrepancy; distances are square roots of numbers of bits.
    shots : int, optional
        Number of samples for each circuit in training, with gradients by parameter shift; by default probabilities and
        gradients are exact, or, with a backend, there are 1024.
    batch_size : int, "full" or "auto"
        Number of rows per step; ``"auto"`` is all of them, as the time of a step does not depend on it.
    early_stopping : bool
        Whether to hold out part of the rows and keep the weights with the lowest loss on them.
    entangled : bool
        Whether to keep the circuit's gates on two or more qubits; see `without_entanglement`.
    noise : NoiseModel, optional
        Noise model of the simulation; training with it takes ``shots``.
    backend : Backend, optional
        Backend that runs the circuit in training and in `sample`. Not stored in model files.
    optimizer, learning_rate, epochs, schedule, validation_fraction, patience, tol, random_state, callback, \
verbose, warm_start
        As in `VariationalClassifier`.

    Attributes
    ----------
    circuit_ : Circuit
        Circuit with the weights as its parameters.
    weights_ : float ndarray, shape (n_weights,), radians
    probabilities_ : float ndarray, shape (2**n_bits,)
        Probability of each bit string in the trained circuit on this engine, with its noise; bit q of the index is
        column q.
    loss_history_, validation_scores_, n_iter_, best_epoch_, n_features_in_, feature_names_in_
        As in `VariationalClassifier`.

    References
    ----------
    Liu and Wang, arXiv:1804.04168; IQP circuits: Recio-Armengol, Ahmed and Bowles, arXiv:2503.02934.

    Examples
    --------
    >>> from qml.datasets import bars_and_stripes_patterns
    >>> X = bars_and_stripes_patterns(2, 2)
    >>> born = BornMachine(epochs=150, random_state=0).fit(X)
    >>> born.total_variation(X) < 0.1
    True
    >>> born.sample(3, random_state=0).shape
    (3, 4)

    A circuit of two bits:

    >>> small = BornMachine("iqp", n_layers=1, epochs=1).fit(X[:, :2])
    >>> print(small.circuit_.draw(fold=110))
         ┌───┐┌──────────┐           ┌───┐
    q_0: ┤ H ├┤ Rz(w[0]) ├─■─────────┤ H ├
         ├───┤├──────────┤ │ZZ(w[2]) ├───┤
    q_1: ┤ H ├┤ Rz(w[1]) ├─■─────────┤ H ├
         └───┘└──────────┘           └───┘
    """

    ansatz: str | Ansatz | Circuit = "strongly_entangling"
    n_layers: int = 4
    _: KW_ONLY
    n_bits: int | None = None
    binarize: float | None = None
    loss: Literal["mmd", "nll"] = "mmd"
    bandwidths: Sequence[float] = (0.5, 1.0, 2.0)
    shots: int | None = None
    learning_rate: float | None = 0.1
    epochs: int = 200
    noise: NoiseModel | None = None
    backend: Backend | str | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "ansatz": trial.suggest_categorical("ansatz", ["strongly_entangling", "real_amplitudes", "iqp"]),
            "n_layers": trial.suggest_int("n_layers", 1, 8),
            "entangled": trial.suggest_categorical("entangled", [True, False]),
        }

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        resume: str | PathLike[str] | None = None,
        *,
        validation_data: tuple[ArrayLike, Any] | None = None,
    ) -> Self:
        """Learn the weights from bit strings; ``y`` is ignored, the other parameters are those of other estimators.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_bits), or (n_samples, 1) of integers
        y : ignored
        sample_weight : array-like, shape (n_samples,), optional
            A weight of k counts like k equal rows.
        resume : path, optional
            Path of a checkpoint, as in ``VariationalClassifier.fit``.
        validation_data : tuple (X, None), optional
            Bit strings that are not trained on, as in ``VariationalClassifier.fit``.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If X holds anything but bits, a setting is invalid, or the checkpoint belongs to a different run.
        """
        return super().fit(X, y, sample_weight, resume, validation_data=validation_data)

    def sample(
        self,
        n_samples: int = 1,
        random_state: int | RandomState | None = None,
        *,
        backend: Backend | str | None = None,
        resume: Folder = None,
    ) -> NDArray[np.int64]:
        """Draw bit strings, shape (n_samples, n_bits), or integers, shape (n_samples, 1).

        Parameters
        ----------
        n_samples : int
        random_state : int, RandomState or None
            Seed for the draws on this engine, and for their order.
        backend : Backend or "numba", optional
            Backend that runs the circuit, in place of the estimator's.
        resume : path, optional
            Folder in which a remote backend stores its jobs, so that an interrupted call can be resumed.
        """
        check_is_fitted(self, "probabilities_")
        check_whole("n_samples", n_samples)
        rng = np.random.default_rng(check_random_state(random_state).randint(2**31))
        remote = check_backend(self.backend if backend is None else backend)
        if remote is None:
            codes = rng.choice(len(self.probabilities_), n_samples, p=self.probabilities_)
        else:
            shares = frequencies(remote, self.circuit_, self.weights_[None], n_samples, rng, resume)[0]
            codes = rng.permutation(np.repeat(np.arange(len(shares)), np.rint(shares * n_samples).astype(np.intp)))
        return self._bit_strings.rows(codes, self.circuit_.num_qubits)

    def score_samples(self, X: ArrayLike) -> Array:
        """Compute the log-likelihood of each row, shape (n_samples,); ``-inf`` for a string of probability 0."""
        with np.errstate(divide="ignore"):
            return np.log(self.probabilities_of(X))

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Compute the mean log-likelihood of the rows; ``y`` is ignored."""
        return float(self.score_samples(X).mean())

    def probabilities_of(self, X: ArrayLike) -> Array:
        """Look up the probability of each row, shape (n_samples,)."""
        return self.probabilities_[self._fitted_codes(X)]  # type: ignore[no-any-return]

    def mmd(self, X: ArrayLike) -> float:
        """Compute the squared maximum mean discrepancy of the model from rows, or from 2**n_bits probabilities."""
        check_is_fitted(self, "probabilities_")
        return self._kernel().value(self.probabilities_, self._distribution(X))

    def total_variation(self, X: ArrayLike) -> float:
        """Compute the total variation distance of the model from rows, or from 2**n_bits probabilities."""
        check_is_fitted(self, "probabilities_")
        return total_variation(self.probabilities_, self._distribution(X))

    def _distribution(self, X: ArrayLike) -> Array:
        """Return the distribution of rows, or the probabilities themselves."""
        size = len(self.probabilities_)
        if np.ndim(X) == 1:
            return checked_probabilities(X, size)
        codes = self._fitted_codes(X)
        return np.bincount(codes, minlength=size) / len(codes)

    def _fitted_codes(self, X: ArrayLike) -> NDArray[np.int64]:
        check_is_fitted(self, "probabilities_")
        return self._bit_strings.codes(validate_data(self, X, dtype=np.float64, order="C", reset=False))

    @property
    def _bit_strings(self) -> BitStrings:
        return BitStrings(self.n_bits, self.binarize)

    def _checked_samples(self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None, reset: bool) -> Samples:
        self._check_settings()
        rows = validate_data(self, X, dtype=np.float64, order="C", reset=reset)
        num_bits = self._bit_strings.num_bits(rows.shape[1])
        if num_bits > MAX_BITS:
            raise ValueError(
                f"all 2**n probabilities are held, for at most {MAX_BITS} bits; X has {num_bits}: reduce them"
            )
        weight = checked_sample_weight(sample_weight, rows)
        samples = Samples(rows, self._bit_strings.codes(rows), weight)
        return samples if weight.all() else samples.take(np.flatnonzero(weight))

    def _start(self, samples: Samples, seed: int, classes: ArrayLike | None = None) -> None:
        self._seed = seed
        num_bits = self._bit_strings.num_bits(samples.X.shape[1])
        rng = np.random.default_rng(seed)
        if isinstance(self.ansatz, Circuit):
            whole, parameters = self.ansatz, self.ansatz.parameters
            initial = rng.normal(0.0, INITIAL_SPREAD, len(parameters))
        else:
            ansatz = get_ansatz(self.ansatz)
            parameters = tuple(ParameterVector("w", ansatz.num_weights(num_bits, self.n_layers)))
            whole = ansatz_circuit(ansatz, num_bits, self.n_layers, parameters)
            initial = ansatz.initial_weights(num_bits, self.n_layers, rng)
        if whole.num_qubits != num_bits:
            raise ValueError(f"the circuit has {whole.num_qubits} qubits, expected one for each of {num_bits} bits")
        self.circuit_ = whole if self.entangled else whole.without_entanglement()
        if not self.circuit_.parameters:
            raise ValueError(f"there is nothing to train: the circuit has no parameters, entangled={self.entangled}")
        of_parameter = dict(zip(parameters, initial.tolist(), strict=True))
        self._begin(np.array([of_parameter[parameter] for parameter in self.circuit_.parameters]))

    def _objective(
        self, samples: Samples, aside: Samples | None = None, jobs: Folder = None
    ) -> ExactObjective | SampledObjective:
        data = DataDistribution(samples.y, samples.weight / samples.weight.mean(), self.circuit_.num_qubits)
        validation: Any = None if aside is None else self._objective(aside, None, jobs)
        backend = check_backend(self.backend)
        if self.shots is None and backend is None:
            program = Program(self.circuit_, (), weights=self.circuit_.parameters)
            return ExactObjective(data, validation, program=program, loss=self._divergence())
        return SampledObjective(
            data,
            validation,
            circuit=self.circuit_,
            loss=self._kernel(),
            shots=DEFAULT_SHOTS if self.shots is None else self.shots,
            backend=self._engine() if backend is None else backend,
            seed=(self._seed, 3),
            jobs=jobs,
        )

    def _identity(self, objective: ExactObjective | SampledObjective) -> dict[str, Any]:
        out: dict[str, Any] = {
            "circuit": circuit_digest(Encoding(self.circuit_, (), weights=self.circuit_.parameters)),
            "initial weights": digest(self._last_weights),
        }
        if isinstance(objective, SampledObjective):
            out["noise"] = description(self.noise) if self.noise is not None else None
        return out | objective.identity()

    def _keep(self, result: TrainingResult, further: bool) -> None:
        super()._keep(result, further)
        probabilities = np.maximum(self._engine().probabilities(self.circuit_, self.weights_[None])[0], 0.0)
        self.probabilities_ = probabilities / probabilities.sum()

    def _engine(self) -> NumbaBackend:
        return NumbaBackend(noise=self.noise)

    def _kernel(self) -> MaximumMeanDiscrepancy:
        return MaximumMeanDiscrepancy(tuple(self.bandwidths), self.circuit_.num_qubits)

    def _divergence(self) -> Divergence:
        return self._kernel() if self.loss == "mmd" else NegativeLogLikelihood()

    def _batch_size(self, n_samples: int) -> int:
        return n_samples if self.batch_size == "auto" else super()._batch_size(n_samples)

    def _check_settings(self) -> None:
        super()._check_settings()
        check_layers("n_layers", self.n_layers)
        check_whole("n_bits", self.n_bits, instead=[None])
        check_whole("shots", self.shots, least=2, instead=[None])
        check_choice("loss", self.loss, ("mmd", "nll"))
        sizes = np.asarray(self.bandwidths, np.float64)
        if sizes.ndim != 1 or not sizes.size or not (np.isfinite(sizes) & (sizes > 0)).all():
            raise ValueError(f"bandwidths expects one or more positive numbers, got {self.bandwidths!r}")
        if self.binarize is not None and (self.n_bits is not None or not np.isfinite(self.binarize)):
            raise ValueError(f"binarize expects a number, for X with a column per bit, got {self.binarize!r}")
        check_noise(self.noise, self.backend)
        if self.noise is not None and self.shots is None:
            raise ValueError("with noise there are no exact gradients of probabilities: set shots, such as shots=1024")
        if self.loss == "nll" and (self.shots is not None or check_backend(self.backend) is not None):
            raise ValueError("loss='nll' needs exact probabilities: use loss='mmd' with shots or a backend")
