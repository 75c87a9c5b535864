"""Time series in a quantum reservoir with memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, Self

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import Ridge
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from qml.checked_data import validate_data
from qml.estimators.fixed_features.ising import draw_couplings, ising_hamiltonian
from qml.estimators.fixed_features.memory import ReservoirMemory, few_threads
from qml.estimators.fixed_features.series import checked_inputs, checked_targets, without_added_axes
from qml.estimators.saved import Saved
from qml.estimators.search_space import Searchable, Trial
from qml.estimators.targets import mean_and_deviation, r_squared, scaled
from qml.features.scaling import Scaling, fit_scaling
from qml.models.observables import Observable, readout_observables
from qml.settings import check_flags, check_non_negative, check_whole

__all__ = ["ReservoirForecaster"]

Array = NDArray[np.float64]

MAX_QUBITS = 8
"""The readout of Z and Z Z on 8 qubits at 10 virtual nodes takes 377 MB; a further qubit, five times that."""

POPULATIONS = (0.0, np.pi)
"""Range of the input angles, in radians: RY turns it into a population between 0 and 1."""


@dataclass(eq=False, repr=False)
class ReservoirForecaster(Saved, Searchable, BaseEstimator):
    """Quantum reservoir computer for time series: a disordered Ising model with memory, and ridge regression.

    At each step, the input qubits (one per input) are reset to RY(angle)|0>, while the others keep their mixed state.
    All then evolve under ``H = sum_(i<j) J_ij X_i X_j + h sum_i Z_i`` for a fixed time, during which observables are
    read out ``virtual_nodes`` times. Density matrices are evolved exactly. A linear model on these features is trained;
    the dynamics, drawn once, is not.

    Two steps of a series with one input, on one input qubit and two memory qubits::

             ┌─────┐┌─────────────┐┌─────────┐┌─────┐┌───────────────┐┌─────────┐
        q_0: ┤ |0> ├┤ Ry(angle_t) ├┤         ├┤ |0> ├┤ Ry(angle_t+1) ├┤         ├──
             └─────┘└─────────────┘│         │└─────┘└───────────────┘│         │
        q_1: ──────────────────────┤ e^(-iH) ├────────────────────────┤ e^(-iH) ├──
                                   │         │                        │         │
        q_2: ──────────────────────┤         ├────────────────────────┤         ├──
                                   └────╥────┘                        └────╥────┘
                                        ║                                  ║
                               features of step t               features of step t+1

    The order of the rows is the order of time: each prediction depends on the rows before it. The class is therefore
    not one of scikit-learn's regressors, which may be given permuted or selected rows: shuffled folds are meaningless
    here, `sklearn.model_selection.TimeSeriesSplit` keeps the order.

    Parameters
    ----------
    n_qubits : int
        Number of qubits, inputs included; at most 8.
    virtual_nodes : int
        Number of readouts per step.
    washout : int
        Number of first steps that are not learnt from, while the reservoir forgets its initial state.
    horizon : int
        Number of steps ahead that are predicted, where ``fit`` is given a series and no targets.
    coupling : float
        Width of the distribution of the couplings J_ij, uniform around 0.
    field : float
        Strength h of the field.
    evolution_time : float
        Duration of a step, in units of the inverse of coupling and field.
    observables : str or sequence of Observable
        Observables to read out: ``"z"`` is Z on each qubit, ``"z+zz"`` also Z Z on each pair, see
        `readout_observables`.
    alpha : float
        Strength of the regularisation, as in scikit-learn's `Ridge`, for targets of standard deviation 1.
    scale_features : bool
        Whether to scale each input to mean 0 and standard deviation 1, and bend it into the angles from 0 to pi by an
        arctangent. If False, inputs are angles in radians: a population s is ``2 * arcsin(sqrt(s))``.
    random_state : int, RandomState or None
        Seed for the couplings.

    Attributes
    ----------
    couplings_ : float ndarray, shape (n_pairs,)
        J_ij, in the order of ``itertools.combinations``.
    readout_ : Ridge
    scaling_ : Scaling
    target_mean_, target_scale_ : float ndarray, shape (n_targets,)
    state_ : complex ndarray, shape (n_series, 2**m, 2**m)
        Density matrix of the m memory qubits at the end of each series of ``fit``.
    features_ : float ndarray, shape (n_series, n_features)
        Features of the last step of each series of ``fit``.
    n_features_in_ : int
        Number of inputs.
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    References
    ----------
    Fujii and Nakajima, "Harnessing disordered ensemble quantum dynamics for machine learning", arXiv:1602.08159.

    Examples
    --------
    >>> series = np.sin(0.2 * np.arange(300))
    >>> model = ReservoirForecaster(n_qubits=4, random_state=0).fit(series[:250])
    >>> bool(np.abs(model.forecast(20) - series[250:270]).max() < 0.1)
    True
    """

    n_qubits: int = 6
    virtual_nodes: int = 10
    _: KW_ONLY
    washout: int = 50
    horizon: int = 1
    coupling: float = 1.0
    field: float = 0.5
    evolution_time: float = 2.0
    observables: str | Sequence[Observable] = "z+zz"
    alpha: float = 1e-7
    scale_features: bool = True
    random_state: int | RandomState | None = None

    def search_space(self, trial: Trial) -> dict[str, Any]:
        return super().search_space(trial) | {
            "n_qubits": trial.suggest_int("n_qubits", 3, 6),
            "virtual_nodes": trial.suggest_int("virtual_nodes", 2, 16, log=True),
            "coupling": trial.suggest_float("coupling", 0.1, 3.0, log=True),
            "field": trial.suggest_float("field", 0.1, 3.0, log=True),
            "evolution_time": trial.suggest_float("evolution_time", 0.3, 10.0, log=True),
            "observables": trial.suggest_categorical("observables", ["z", "z+zz"]),
            "alpha": trial.suggest_float("alpha", 1e-09, 0.01, log=True),
        }

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Run a series through the reservoir and fit the linear model.

        Parameters
        ----------
        X : array-like, shape (n_steps,), (n_steps, n_inputs) or (n_series, n_steps, n_inputs)
            Inputs in the order of time.
        y : array-like, shape of X without its last axis, or with ``n_targets`` in place of ``n_inputs``
            Target of each step. By default the inputs themselves, ``horizon`` steps later.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the series is not longer than the washout, has more inputs than qubits, or holds NaN; or if a setting is
            invalid.
        """
        self._check_settings()
        series, ndim = self._checked_series(X, reset=True)
        self._forecasts = y is None
        targets = self._targets(series, y, ndim)
        self._single_target = ndim == 1 if y is None else np.ndim(y) == max(ndim - 1, 1)
        usable = targets.shape[1] - self.washout
        if usable < 2:
            horizon = f" and horizon={self.horizon}" if y is None else ""
            needed = self.washout + 2 + (self.horizon if y is None else 0)
            raise ValueError(
                f"a series of {series.shape[1]} steps is too short for washout={self.washout}{horizon}: at least "
                f"{needed} steps are needed; give a longer series or a smaller washout"
            )
        rng = np.random.default_rng(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        self.couplings_ = draw_couplings(self.n_qubits, self.coupling, rng)
        self.scaling_ = self._learnt_scaling(series)
        memory = self._memory()
        features, self.state_ = memory.run(self._angles(series), memory.initial_state(len(series)))
        self.features_ = features[:, -1].copy()
        learnt = slice(self.washout, targets.shape[1])
        rows = features[:, learnt].reshape(-1, memory.num_features)
        wanted = targets[:, learnt].reshape(len(rows), -1)
        self.target_mean_, self.target_scale_ = mean_and_deviation(wanted, np.ones(len(rows)))
        with few_threads(1 << self.n_qubits):
            self.readout_ = Ridge(alpha=self.alpha, solver="svd").fit(rows, scaled(self, wanted))
        return self

    def predict(self, X: ArrayLike, *, continued: bool = False) -> Array:
        """Predict the target of each step of a series.

        Parameters
        ----------
        X : array-like, as in `fit`
            Inputs in the order of time.
        continued : bool
            Whether the series goes on where that of ``fit`` ended. Otherwise the reservoir starts anew, and has not yet
            forgotten its initial state in the first ``washout`` predictions.

        Returns
        -------
        float ndarray, shape (n_steps,), (n_steps, n_targets) or (n_series, n_steps, n_targets)
        """
        check_is_fitted(self, "readout_")
        series, ndim = self._checked_series(X, reset=False)
        predictions = self._read_out(self._features(series, continued))
        return without_added_axes(predictions, ndim, self._single_target)

    def forecast(self, n_steps: int, X: ArrayLike | None = None) -> Array:
        """Continue a series: each prediction is fed back as the next input.

        Parameters
        ----------
        n_steps : int
        X : array-like, as in `fit`, optional
            Series to continue, from which the reservoir is started anew; by default that of ``fit``.

        Returns
        -------
        float ndarray, shape (n_steps,), (n_steps, n_inputs) or (n_series, n_steps, n_inputs)

        Raises
        ------
        ValueError
            If the model does not predict the next input, because it was fitted to targets or with another horizon, or
            if the series is not longer than the washout.
        """
        check_is_fitted(self, "readout_")
        check_whole("n_steps", n_steps)
        if not self._forecasts or self.horizon != 1:
            fitted = f"horizon={self.horizon}" if self._forecasts else "targets"
            raise ValueError(
                f"forecast feeds each prediction back as the next input, which needs a model fitted by fit(series) "
                f"with horizon=1, got one fitted with {fitted}; predict gives its predictions"
            )
        memory = self._memory()
        if X is None:
            state, features, ndim = self.state_, self.features_, self._ndim
        else:
            series, ndim = self._checked_series(X, reset=False)
            if series.shape[1] <= self.washout:
                raise ValueError(
                    f"a series of {series.shape[1]} steps is too short to be continued with washout={self.washout}: at "
                    f"least {self.washout + 1} steps are needed"
                )
            every, state = memory.run(self._angles(series), memory.initial_state(len(series)))
            features = every[:, -1]
        out = np.empty((len(state), n_steps, self.n_features_in_))
        for step in range(n_steps):
            out[:, step] = self._read_out(features)
            following, state = memory.run(self._angles(out[:, step : step + 1]), state)
            features = following[:, 0]
        return without_added_axes(out, ndim, self._single_target)

    def score(self, X: ArrayLike, y: ArrayLike | None = None, *, continued: bool = False) -> float:
        """Compute R^2 of the predictions; unless ``continued``, of those after the washout.

        Parameters
        ----------
        X, y : array-like, as in `fit`
        continued : bool
            As in `predict`.
        """
        check_is_fitted(self, "readout_")
        series, ndim = self._checked_series(X, reset=False)
        if (y is None) != self._forecasts:
            expected = "a series alone" if self._forecasts else "a series and its targets"
            raise ValueError(f"the model was fitted to {expected}: score takes the same")
        targets = self._targets(series, y, ndim)
        compared = slice(0 if continued else self.washout, targets.shape[1])
        if targets[:, compared].shape[1] < 2:
            raise ValueError(
                f"R^2 needs at least 2 predictions, and a series of {series.shape[1]} steps has fewer after "
                f"washout={self.washout}"
            )
        predictions = self._read_out(self._features(series, continued)[:, compared])
        n_targets = predictions.shape[-1]
        return r_squared(targets[:, compared].reshape(-1, n_targets), predictions.reshape(-1, n_targets))

    def without_entanglement(self) -> Self:
        """Return an unfitted clone whose qubits are not coupled, so that its memory learns nothing of the inputs."""
        return clone(self).set_params(coupling=0.0)

    def _check_settings(self) -> None:
        check_flags(self)
        check_whole("n_qubits", self.n_qubits, least=2)
        if self.n_qubits > MAX_QUBITS:
            raise ValueError(f"n_qubits expects at most {MAX_QUBITS}, for exact density matrices, got {self.n_qubits}")
        check_whole("virtual_nodes", self.virtual_nodes)
        check_whole("washout", self.washout, least=0)
        check_whole("horizon", self.horizon)
        for name in ("coupling", "field", "evolution_time", "alpha"):
            check_non_negative(name, getattr(self, name))

    def _checked_series(self, X: ArrayLike, reset: bool) -> tuple[Array, int]:
        """Return inputs of shape (n_series, n_steps, n_inputs), and the number of dimensions that they came with."""
        ndim = np.ndim(X)
        if ndim in (1, 3):
            series = checked_inputs(X)
            n_inputs = series.shape[-1]
            if reset:
                self.n_features_in_ = n_inputs
            elif n_inputs != self.n_features_in_:
                raise ValueError(f"X has {n_inputs} inputs, but the model was fitted with {self.n_features_in_}")
        else:
            series = validate_data(self, X, dtype=np.float64, reset=reset)
        if self.n_features_in_ >= self.n_qubits:
            raise ValueError(
                f"{self.n_features_in_} inputs take as many qubits, and at least one more is the memory: got "
                f"n_qubits={self.n_qubits}; use more qubits or fewer inputs"
            )
        if reset:
            self._ndim = ndim
        return series if ndim == 3 else series[np.newaxis], ndim

    def _targets(self, series: Array, y: ArrayLike | None, ndim: int) -> Array:
        """Return the targets of each step, or without any the inputs later."""
        return series[:, self.horizon :] if y is None else checked_targets(y, series, ndim)

    def _learnt_scaling(self, series: Array) -> Scaling:
        rows = series.reshape(-1, self.n_features_in_)
        if self.scale_features:
            return fit_scaling(rows, np.ones(len(rows)), self.n_features_in_, POPULATIONS)
        return Scaling.identity(self.n_features_in_)

    def _angles(self, series: Array) -> Array:
        return self.scaling_(series.reshape(-1, self.n_features_in_)).reshape(series.shape)

    def _memory(self) -> ReservoirMemory:
        return ReservoirMemory(
            ising_hamiltonian(self.n_qubits, self.couplings_, self.field),
            self.n_features_in_,
            self.evolution_time,
            self.virtual_nodes,
            readout_observables(self.observables, self.n_qubits),
        )

    def _features(self, series: Array, continued: bool) -> Array:
        """Run series through the reservoir, from its initial state or from where those of ``fit`` ended."""
        memory = self._memory()
        if continued and len(series) != len(self.state_):
            raise ValueError(f"the model was fitted to {len(self.state_)} series, got {len(series)} to continue them")
        state = self.state_ if continued else memory.initial_state(len(series))
        return memory.run(self._angles(series), state)[0]

    def _read_out(self, features: Array) -> Array:
        """Compute predictions, shape (..., n_targets)."""
        outputs = features @ self.readout_.coef_.reshape(-1, features.shape[-1]).T + self.readout_.intercept_
        predictions: Array = outputs * self.target_scale_ + self.target_mean_
        return predictions
