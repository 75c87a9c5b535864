"""Noisy circuits as differentiable functions: exact by density matrices, or averaged over trajectories."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates, progress
from simulator.caching import cached_property
from simulator.errors import NoiseError, QumbaError
from simulator.memory import check_count
from simulator.noise import density
from simulator.noise.frames import FrameProgram, FrameTrajectories, NotPauliError
from simulator.noise.jumps import JumpProgram, Noisy, noisy_operations
from simulator.noise.model import NoiseModel, checked_noise
from simulator.noise.readout import read_through
from simulator.observables import PauliSum
from simulator.operations.binding import bind
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter
from simulator.program.program import check_precision
from simulator.program.values import as_array
from simulator.range_reduction import EXACT, reduced_number

FloatArray = NDArray[np.float64]
Cotangent = Callable[[FloatArray, slice], FloatArray]

EXACT_QUBITS = 12  # maximum number of qubits for density matrices, unless trajectories are requested
DEFAULT_TRAJECTORIES = 1000


@dataclass(frozen=True)
class Estimate:
    """Means over trajectories with their standard errors.

    Attributes
    ----------
    value, standard_error : float or float64 ndarray
        The mean, and the standard deviation of the mean: 0 for exact values, NaN for a single trajectory, which does
        not show how much trajectories differ.
    """

    value: Any
    standard_error: Any


class NoisyProgram:
    """Immutable noisy circuit with observables, safe to pickle and to share.

    Parameters
    ----------
    circuit : Circuit
    observables : sequence of PauliSum
    inputs, weights : sequence of Parameter
        Parameters that vary per sample, and parameters that all samples share, as for
        `simulator.program.program.Program`.
    noise : NoiseModel
        Noise model; expectations include readout errors, as every Pauli is read with its qubit's error.
    trajectories : int, optional
        Number of trajectories. By default density matrices, which are exact, are used up to 12 qubits, and 1000
        trajectories beyond.
    seed : None, int or numpy.random.Generator
        Seed for the trajectories, which are drawn once: the same for all samples and calls.
    precision : {"double", "single"}
        Precision of trajectories of Pauli noise; everything else is in double precision.

    Raises
    ------
    NoiseError
        If ``trajectories`` is not a positive integer, or a channel does not match a gate.
    ObservableError
        If an observable acts on more qubits than the circuit has.
    """

    def __init__(
        self,
        circuit: OperationSequence,
        observables: Sequence[PauliSum],
        inputs: Sequence[Parameter] = (),
        weights: Sequence[Parameter] | None = None,
        *,
        noise: NoiseModel,
        trajectories: int | None = None,
        seed: Any = None,
        precision: str = "double",
    ) -> None:
        noise = checked_noise(noise)
        check_precision(precision)
        self.circuit, self.observables, self.inputs = circuit, tuple(observables), tuple(inputs)
        if weights is None:
            input_set = set(self.inputs)
            weights = [p for p in circuit.parameters if p not in input_set]
        self.weights, self.noise, self.precision = tuple(weights), noise, precision
        branches = any(operation.conditions for operation in circuit.operations)
        if trajectories is None and (branches or circuit.num_qubits > EXACT_QUBITS):
            trajectories = DEFAULT_TRAJECTORIES
        self.trajectories = None if trajectories is None else checked_trajectories(trajectories)
        self.seed = _fixed_seed(seed)
        for observable in self.observables:
            observable.check_fits(circuit.num_qubits)

    @cached_property
    def method(self) -> Any:
        """Method of computation: a `DensityProgram`, `FrameTrajectories`, or None to run bound circuits one by one."""
        key = (self.circuit, self.observables, self.inputs, self.weights, self.noise)
        if self.trajectories is None:
            return _density(*key)
        program = _frames(*key, self.precision)
        return None if program is None else FrameTrajectories(program, self.trajectories, self.seed)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "method"}

    def bound(self, x: FloatArray, weights: FloatArray) -> OperationSequence:
        """Bind the circuit to one sample's values."""
        values = dict(zip((*self.inputs, *self.weights), [*x.tolist(), *weights.tolist()], strict=True))
        return bind(self.circuit, {p: values[p] for p in self.circuit.parameters})


@functools.lru_cache(maxsize=32)
def _density(
    circuit: OperationSequence, observables: Any, inputs: Any, weights: Any, noise: NoiseModel
) -> density.DensityProgram:
    return density.DensityProgram(circuit, _read(circuit, observables, noise), inputs, weights, noise)


@functools.lru_cache(maxsize=32)
def _frames(
    circuit: OperationSequence, observables: Any, inputs: Any, weights: Any, noise: NoiseModel, precision: str
) -> FrameProgram | None:
    """Create the program of signed angles, or None if the circuit or its noise does not allow it."""
    if circuit.measures:
        return None
    try:
        return FrameProgram(circuit, _read(circuit, observables, noise), inputs, weights, noise, precision)
    except NotPauliError:
        return None


def _read(circuit: OperationSequence, observables: Sequence[PauliSum], noise: NoiseModel) -> list[PauliSum]:
    flips = noise.readout_flips(circuit.num_qubits)
    return [read_through(observable, flips) for observable in observables]


def expectations(program: NoisyProgram, X: FloatArray, weights: FloatArray) -> FloatArray:
    """Compute noisy expectations for many samples, shape (n_samples, n_observables).

    Parameters
    ----------
    program : NoisyProgram
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    """
    return estimates(program, X, weights)[0]


def estimates(program: NoisyProgram, X: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Compute noisy expectations and their standard errors, as in `Estimate`, each (n_samples, n_observables)."""
    X, weights = as_array(X), as_array(weights)
    if not len(X) or not program.observables:
        return np.zeros((len(X), len(program.observables))), np.zeros((len(X), len(program.observables)))
    method = program.method
    if isinstance(method, density.DensityProgram):
        values = density.expectations(method, X, weights)
        return values, np.zeros_like(values)
    if isinstance(method, FrameTrajectories):
        return method.values(X, weights)
    observables = _read(program.circuit, program.observables, program.noise)
    count = program.trajectories or DEFAULT_TRAJECTORIES
    means, errors = [], []
    for x in progress.steps(list(X)):
        samples = JumpProgram(program.bound(x, weights), program.noise).run(count, program.seed, observables)[0]
        means.append(samples.mean(axis=0))
        errors.append(samples.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.full_like(means[-1], np.nan))
    return np.array(means), np.array(errors)


def adjoint_sweep(
    program: NoisyProgram, X: FloatArray, weights: FloatArray, cotangent: FloatArray | Cotangent, inputs: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Compute noisy expectations and derivatives of any function of them, as `gradients.adjoint_sweep`.

    Derivatives are exact with density matrices and unbiased with trajectories: by the adjoint method on each trajectory
    for Pauli noise, and by the parameter-shift rule for other noise or if the circuit measures.

    Parameters
    ----------
    program : NoisyProgram
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    cotangent : float64 ndarray, shape (n_samples, n_observables), or callable
    inputs : bool
        Whether to differentiate with respect to X as well.

    Returns
    -------
    values : float64 ndarray, shape (n_samples, n_observables)
    by_weights : float64 ndarray, shape (n_weights,)
    by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None
    """
    X, weights = as_array(X), as_array(weights)
    if not len(X) or not program.observables:
        no_values = np.zeros((len(X), len(program.observables)))
        return no_values, np.zeros(len(weights)), np.zeros(X.shape) if inputs else None
    method = program.method
    if isinstance(method, density.DensityProgram):
        values, by_parameter = density.adjoint_sweep(method, X, weights, cotangent)
    elif isinstance(method, FrameTrajectories):
        values, by_parameter = method.adjoint_sweep(X, weights, cotangent)
    else:
        values = expectations(program, X, weights)
        v = np.asarray(cotangent(values, slice(0, len(X))) if callable(cotangent) else cotangent, float)
        by_parameter = np.stack([_shifted(program, x, weights, row) for x, row in zip(X, v, strict=True)])
    split = len(program.inputs)
    return values, by_parameter[:, split:].sum(axis=0), by_parameter[:, :split] if inputs else None


def _shifted(program: NoisyProgram, x: FloatArray, weights: FloatArray, cotangent: FloatArray) -> FloatArray:
    """Compute derivatives with respect to inputs and weights, shape (P,), by the parameter-shift rule."""
    parameters = (*program.inputs, *program.weights)
    number = {p: k for k, p in enumerate(parameters)}
    binding = dict(zip(parameters, [*x.tolist(), *weights.tolist()], strict=True))
    free = [item for noisy in noisy_operations(program.circuit, program.noise) for item in _expanded(noisy)]
    fixed = [(_bound(operation, binding), channels) for operation, channels in free]
    observables = _read(program.circuit, program.observables, program.noise)
    count = program.trajectories or DEFAULT_TRAJECTORIES
    out = np.zeros(len(parameters))
    for position, (operation, channels) in enumerate(progress.steps(free)):
        angle = next((a for a in operation.angles if isinstance(a, Expression)), None)
        if angle is None:
            continue
        if not isinstance(operation.gate, gates.Rotation):
            raise QumbaError(f"parameter shift needs rotations; {operation.gate.name} is not a rotation")
        present, base = fixed[position][0].angles[0], angle
        if operation.gate.repeats and abs(present) > EXACT:  # type: ignore[arg-type]
            base = reduced_number(present)  # type: ignore[arg-type, assignment]  # otherwise rounding of the large angle would hide the shift
        derivative = 0.0
        for shift, weight in zip(*operation.gate.shift_rule, strict=True):
            for sign in (1.0, -1.0):
                moved = _bound(operation._replace(angles=(base + sign * shift,)), binding)
                items = [*fixed[:position], (moved, channels), *fixed[position + 1 :]]
                samples = JumpProgram(program.circuit, program.noise, items).run(count, program.seed, observables)[0]
                derivative += sign * weight * float(samples.mean(axis=0) @ cotangent)
        for parameter, factor in angle.terms.items():
            out[number[parameter]] += factor * derivative
    return out


def _expanded(item: Noisy) -> list[Noisy]:
    """Expand a composite into its steps; its channels follow the last step."""
    operation, channels = item
    if not isinstance(operation.gate, gates.Composite):
        return [item]
    steps = operation.gate.expand(operation.qubits, operation.angles)
    listed = [gates.Operation(s.gate, s.qubits, s.angles, (), operation.conditions) for s in steps]
    last = len(listed) - 1
    return [part for k, step in enumerate(listed) for part in _expanded((step, channels if k == last else ()))]


def _bound(operation: gates.Operation, values: Mapping[Parameter, float]) -> gates.Operation:
    angles = tuple(a.bind(values) if isinstance(a, Expression) else a for a in operation.angles)
    return gates.Operation(operation.gate, operation.qubits, angles, operation.clbits, operation.conditions)


def checked_trajectories(trajectories: Any) -> int:
    """Convert ``trajectories`` to an int, or raise a NoiseError, or a StateTooLargeError if they do not fit."""
    if isinstance(trajectories, bool) or not isinstance(trajectories, int | np.integer) or trajectories < 1:
        raise NoiseError(f"trajectories is an integer of at least 1, got {trajectories!r}")
    check_count("noise", "trajectories", int(trajectories), 8)
    return int(trajectories)


def _fixed_seed(seed: Any) -> int:
    """Reduce a seed to an integer, so that the program can be pickled and is reproducible."""
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return int(seed)
    return int(np.random.default_rng(seed).integers(1 << 62))
