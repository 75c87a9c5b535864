"""Expectations of observables and their gradients.

These functions are methods of `Circuit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import NoiseError, UnknownNameError
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum
from simulator.operations.binding import Values
from simulator.operations.sequence import OperationSequence
from simulator.progress import shown

Observables = PauliSum | Sequence[PauliSum]

__all__ = ["expectation", "expectation_and_gradient", "gradient"]


def expectation(
    circuit: OperationSequence,
    observables: Observables,
    values: Values = None,
    *,
    precision: str = "double",
    noise: NoiseModel | None = None,
    trajectories: int | None = None,
    seed: Any = None,
    progress: bool = False,
) -> Any:
    """Compute the expectation of one observable, or of several in one pass.

    Parameters
    ----------
    observables : PauliSum or sequence of K PauliSum
    values : None, mapping or array_like
        Values of the parameters, as for `values_array`.
    precision : {"double", "single"}
    noise : NoiseModel, optional
        Noise after the gates and readout error. With noise, the circuit may measure, reset and branch.
    trajectories : int, optional
        Number of random trajectories that the result is averaged over, with noise only (`simulator.noise.estimate`
        also returns the error). By default the result is computed from a density matrix up to 12 qubits, exactly,
        and from 1000 trajectories beyond.
    seed : None, int or numpy.random.Generator
        Seed for the trajectories.
    progress : bool
        Whether to show a progress bar if the call takes more than two seconds.

    Returns
    -------
    float or float64 ndarray
        A number for one observable, (K,) for a sequence; a batch of values adds a leading axis (B,).

    Raises
    ------
    ObservableError
        If an observable acts on more qubits than the circuit has.
    ParameterError
        If the values do not match the parameters.
    """
    if noise is not None:
        from simulator.noise import evaluation

        with shown(progress, "expectation"):
            return evaluation.expectation(circuit, observables, values, noise, trajectories, seed, precision)
    _without_noise(trajectories)
    from simulator.calculations import statevector

    with shown(progress, "expectation"):
        return statevector.expectation(circuit, observables, values, precision=precision)


def gradient(
    circuit: OperationSequence,
    observables: Observables,
    values: Values = None,
    *,
    method: str = "adjoint",
    precision: str = "double",
    noise: NoiseModel | None = None,
    trajectories: int | None = None,
    seed: Any = None,
    progress: bool = False,
) -> NDArray[np.float64]:
    """Differentiate expectations with respect to the parameters.

    Parameters
    ----------
    observables : PauliSum or sequence of K PauliSum
    values : None, mapping or array_like
        Values of the parameters, as for `values_array`.
    method : {"adjoint", "parameter_shift", "finite_difference"}
        The first two are exact; the adjoint method takes one sweep for any number of parameters.
    precision : {"double", "single"}
        Precision of the adjoint method's states; always double with noise.
    noise, trajectories, seed, progress
        As for `expectation`. Exact from a density matrix, unbiased from trajectories.

    Returns
    -------
    float64 ndarray, shape (P,), or (K, P) for a sequence
        A batch of values adds a leading axis (B,).
    """
    if noise is not None:
        if method != "adjoint":
            raise UnknownNameError(f"with noise, gradients are made by method 'adjoint', got {method!r}")
        return expectation_and_gradient(
            circuit,
            observables,
            values,
            precision=precision,
            noise=noise,
            trajectories=trajectories,
            seed=seed,
            progress=progress,
        )[1]
    _without_noise(trajectories)
    from simulator.calculations import gradients

    with shown(progress, "gradient"):
        return gradients.gradient(circuit, observables, values, method=method, precision=precision)


def expectation_and_gradient(
    circuit: OperationSequence,
    observables: Observables,
    values: Values = None,
    *,
    precision: str = "double",
    noise: NoiseModel | None = None,
    trajectories: int | None = None,
    seed: Any = None,
    progress: bool = False,
) -> tuple[Any, NDArray[np.float64]]:
    """Compute `expectation` and `gradient` from one sweep."""
    if noise is not None:
        from simulator.noise import evaluation
        from simulator.program.program import check_precision

        check_precision(precision)
        with shown(progress, "gradient"):
            return evaluation.expectation_and_gradient(circuit, observables, values, noise, trajectories, seed)
    _without_noise(trajectories)
    from simulator.calculations import gradients

    with shown(progress, "gradient"):
        return gradients.expectation_and_gradient(circuit, observables, values, precision)


def _without_noise(trajectories: int | None) -> None:
    if trajectories is not None:
        raise NoiseError("trajectories are random runs with noise: give noise=NoiseModel(...) too")
