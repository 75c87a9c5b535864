"""A noisy circuit as a differentiable function: exact by density matrices, or a mean over trajectories."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates, progress
from simulator.errors import NoiseError, QumbaError
from simulator.noise import density
from simulator.noise.frames import FrameProgram, FrameTrajectories, NotPauliError
from simulator.noise.jumps import JumpProgram, Noisy, noisy_operations
from simulator.noise.model import NoiseModel
from simulator.noise.readout import read_through
from simulator.observables import PauliSum
from simulator.operations.binding import bind
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter
from simulator.program.values import as_array
from simulator.range_reduction import EXACT, reduced_number

FloatArray = NDArray[np.float64]
Cotangent = Callable[[FloatArray, slice], FloatArray]

EXACT_QUBITS = 12  # density matrices up to here, unless trajectories are asked for
DEFAULT_TRAJECTORIES = 1000


@dataclass(frozen=True)
class Estimate:
    """Means over trajectories.

    Attributes
    ----------
    value, standard_error : float or float64 ndarray
        The mean, and the standard deviation of the mean; 0 where the value is exact.
    """

    value: Any
    standard_error: Any


class NoisyProgram:
    """A circuit with noise and observables; immutable, safe to pickle and to share.

    Parameters
    ----------
    circuit : Circuit
    observables : sequence of PauliSum
    inputs, weights : sequence of Parameter
        As for `simulator.program.program.Program`: what differs from sample to sample, and what does not.
    noise : NoiseModel
        Readout errors are part of the expectations: every Pauli is read through its qubit's confusion.
    trajectories : int, optional
        By default density matrices are used up to 12 qubits, which are exact; else 1000 trajectories.
    seed : None, int or numpy.random.Generator
        Trajectories are drawn once: the same for all samples, and at every call.
    precision : {"double", "single"}
        Of trajectories of Pauli noise; everything else is in double precision.

    Raises
    ------
    NoiseError
        If ``trajectories`` is not a positive integer, or a channel does not fit a gate.
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
        if not isinstance(noise, NoiseModel):
            raise NoiseError(f"noise is a NoiseModel, such as NoiseModel(after_2q=depolarizing(0.01)), got {noise!r}")
        self.circuit, self.observables, self.inputs = circuit, tuple(observables), tuple(inputs)
        if weights is None:
            given = set(self.inputs)
            weights = [p for p in circuit.parameters if p not in given]
        self.weights, self.noise, self.precision = tuple(weights), noise, precision
        branches = any(operation.conditions for operation in circuit.operations)
        if trajectories is None and (branches or circuit.num_qubits > EXACT_QUBITS):
            trajectories = DEFAULT_TRAJECTORIES
        self.trajectories = None if trajectories is None else checked_trajectories(trajectories)
        self.seed = _fixed_seed(seed)
        for observable in self.observables:
            observable.check_fits(circuit.num_qubits)

    @functools.cached_property
    def method(self) -> Any:
        """What computes: a `DensityProgram`, `FrameTrajectories`, or this program's bound circuits one by one."""
        key = (self.circuit, self.observables, self.inputs, self.weights, self.noise)
        if self.trajectories is None:
            return _density(*key)
        program = _frames(*key, self.precision)
        return None if program is None else FrameTrajectories(program, self.trajectories, self.seed)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "method"}

    def bound(self, x: FloatArray, weights: FloatArray) -> OperationSequence:
        """The circuit at one sample's values."""
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
    """The program of signed angles, or None if the circuit or its noise is not of that kind."""
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
    """Noisy expectations for many samples, shape (n_samples, n_observables).

    Parameters
    ----------
    program : NoisyProgram
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    """
    return estimates(program, X, weights)[0]


def estimates(program: NoisyProgram, X: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """`expectations` and their standard errors (0 where they are exact), each (n_samples, n_observables)."""
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
        found = JumpProgram(program.bound(x, weights), program.noise).run(count, program.seed, observables)[0]
        means.append(found.mean(axis=0))
        errors.append(found.std(axis=0, ddof=1 if count > 1 else 0) / np.sqrt(count))
    return np.array(means), np.array(errors)


def adjoint_sweep(
    program: NoisyProgram, X: FloatArray, weights: FloatArray, cotangent: FloatArray | Cotangent, inputs: bool = False
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Noisy expectations and the derivatives of any function of them; as `gradients.adjoint_sweep`.

    Exact with density matrices. With trajectories unbiased: of Pauli noise by the adjoint method on each trajectory,
    of other noise, and where the circuit measures, by the parameter-shift rule.

    Parameters
    ----------
    program : NoisyProgram
    X : float64 ndarray, shape (n_samples, n_inputs)
    weights : float64 ndarray, shape (n_weights,)
    cotangent : float64 ndarray, shape (n_samples, n_observables), or callable
    inputs : bool
        Whether to derive by X too.

    Returns
    -------
    values : float64 ndarray, shape (n_samples, n_observables)
    by_weights : float64 ndarray, shape (n_weights,)
    by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None
    """
    X, weights = as_array(X), as_array(weights)
    if not len(X) or not program.observables:
        nothing = np.zeros((len(X), len(program.observables)))
        return nothing, np.zeros(len(weights)), np.zeros(X.shape) if inputs else None
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
    """Derivatives by inputs and weights, by the parameter-shift rule of each rotation in turn, shape (P,)."""
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
            raise QumbaError(f"parameter shift needs rotations; {operation.gate.name} is none")
        present, base = fixed[position][0].angles[0], angle
        if operation.gate.repeats and abs(present) > EXACT:  # type: ignore[arg-type]
            base = reduced_number(present)  # type: ignore[arg-type, assignment]  # else its rounding hides the shift
        derivative = 0.0
        for shift, weight in zip(*operation.gate.shift_rule, strict=True):
            for sign in (1.0, -1.0):
                moved = _bound(replace(operation, angles=(base + sign * shift,)), binding)
                items = [*fixed[:position], (moved, channels), *fixed[position + 1 :]]
                found = JumpProgram(program.circuit, program.noise, items).run(count, program.seed, observables)[0]
                derivative += sign * weight * float(found.mean(axis=0) @ cotangent)
        for parameter, factor in angle.terms.items():
            out[number[parameter]] += factor * derivative
    return out


def _expanded(item: Noisy) -> list[Noisy]:
    """A composite as its steps; what follows it follows the last of them."""
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
    """``trajectories`` as an int, or a NoiseError."""
    if isinstance(trajectories, bool) or not isinstance(trajectories, int | np.integer) or trajectories < 1:
        raise NoiseError(f"trajectories is an integer of at least 1, got {trajectories!r}")
    return int(trajectories)


def _fixed_seed(seed: Any) -> int:
    """A number that stands for the seed, so that the program can be pickled and computes the same every time."""
    if isinstance(seed, int | np.integer) and not isinstance(seed, bool):
        return int(seed)
    return int(np.random.default_rng(seed).integers(1 << 62))
