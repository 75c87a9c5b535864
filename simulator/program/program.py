"""A circuit with its observables, lowered and ready to run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import range_reduction
from simulator.caching import cached_property
from simulator.errors import CircuitError, ObservableError, ParameterError, unknown_name
from simulator.observables import PauliSum
from simulator.operations.measurements import refuse_measurements
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Parameter, ParameterVector
from simulator.program.idle import out_of_reach, without_idle
from simulator.program.levels import Level, Rotation
from simulator.program.lowering import Lowered, lower
from simulator.program.starts import Start

DTYPES: dict[str, type[np.floating[Any]]] = {"double": np.float64, "single": np.float32}


def check_precision(precision: str) -> None:
    """Raise an UnknownNameError unless the precision is one of ``DTYPES``."""
    if precision not in DTYPES:
        raise unknown_name("precision", precision, DTYPES)


class Program:
    """A lowered circuit with observables, which an engine runs on any number of samples.

    Immutable, safe to share between threads, and independent of the machine: an engine stores its own derived data.
    Two programs are equal only if they are the same object.

    Parameters
    ----------
    circuit : Circuit
    observables : sequence of PauliSum
        May be empty if only states are computed.
    inputs : sequence of Parameter
        Parameters whose values differ from sample to sample.
    weights : sequence of Parameter, optional
        Parameters whose values all samples share; by default all parameters that are not inputs.
    precision : {"double", "single"}
        Precision of the states: complex128 or complex64.

    Raises
    ------
    ParameterError
        If a parameter of the circuit is in neither list, or in both.
    CircuitError
        If the circuit measures, resets or branches.
    ObservableError
        If an observable acts on more qubits than the circuit has, or its coefficients leave the range of ``precision``.
    """

    def __init__(
        self,
        circuit: OperationSequence,
        observables: Sequence[PauliSum] = (),
        inputs: Sequence[Parameter] = (),
        weights: Sequence[Parameter] | None = None,
        precision: str = "double",
    ) -> None:
        input_set = set(inputs)
        derived = weights is None and len(input_set) == len(inputs)
        if weights is None:
            weights = [p for p in circuit.parameters if p not in input_set] if input_set else circuit.parameters
        self.circuit: OperationSequence | None = circuit
        self._set(circuit.num_qubits, observables, inputs, weights, precision)
        refuse_measurements(circuit.operations, "a state, expectation or gradient")
        if not derived and (self.weights != circuit.parameters or self.inputs):
            _check_parameters(circuit, self.inputs, self.weights)

    @classmethod
    def of_lowered(
        cls,
        lowered: Lowered,
        observables: Sequence[PauliSum] = (),
        inputs: Sequence[Parameter] = (),
        weights: Sequence[Parameter] = (),
        precision: str = "double",
    ) -> Program:
        """Create a program from an already lowered circuit; its ``circuit`` is None.

        Parameters
        ----------
        lowered : Lowered
            Parameter k of its angles is input k, then weight k - n_inputs.
        observables : sequence of PauliSum
            Observables in the circuit's basis, as for `Program`.
        inputs, weights : sequence of Parameter
        precision : {"double", "single"}

        Raises
        ------
        ObservableError
            If an observable acts on more qubits than the circuit has.
        """
        program = cls.__new__(cls)
        program.circuit = None
        program._set(lowered.num_qubits, observables, inputs, weights, precision)
        program.lowered = lowered
        return program

    @classmethod
    def from_states(
        cls,
        circuit: OperationSequence,
        observables: Sequence[PauliSum],
        weights: Sequence[Parameter],
        precision: str = "double",
    ) -> Program:
        """Create a program that begins in another state for each sample.

        Its inputs are the initial amplitudes, normalised, in order: the real and the imaginary part of each in turn.

        Parameters
        ----------
        circuit, observables, weights, precision : as for `Program`
        """
        amplitudes = ParameterVector("amplitude", 2 << circuit.num_qubits)
        program = cls(circuit, observables, tuple(amplitudes), weights, precision)
        program.begins_in_inputs = True
        return program

    begins_in_inputs = False
    """Whether the inputs are the initial amplitudes."""

    def _set(
        self,
        num_qubits: int,
        observables: Sequence[PauliSum],
        inputs: Sequence[Parameter],
        weights: Sequence[Parameter],
        precision: str,
    ) -> None:
        check_precision(precision)
        self.num_qubits, self.observables, self.precision = num_qubits, tuple(observables), precision
        self.inputs, self.weights = tuple(inputs), tuple(weights)
        for observable in self.observables:
            observable.check_fits(num_qubits)
            if precision != "double":
                _check_range(observable)

    @property
    def dtype(self) -> type[np.floating[Any]]:
        """Element type of the states' real and imaginary parts."""
        return DTYPES[self.precision]

    @cached_property
    def lowered(self) -> Lowered:
        """The circuit as levels of rotations; parameter k is input k, then weight k - n_inputs."""
        assert self.circuit is not None
        lowered = lower(self.circuit, {p: k for k, p in enumerate((*self.inputs, *self.weights))})
        if self.begins_in_inputs:
            lowered.starts.append(Start(tuple(range(self.num_qubits)), None, are_inputs=True))
        return lowered

    @cached_property
    def strings(self) -> list[tuple[int, int, int, float]]:
        """Strings of the observables in the stored basis: x, z, observable, coefficient."""
        out = []
        for k, observable in enumerate(self.observables):
            terms = zip(observable.x_masks.tolist(), observable.z_masks.tolist(), observable.coefficients, strict=True)
            for x, z, coefficient in terms:
                stored_x, stored_z, sign = self.lowered.stored_string(x, z)
                out.append((stored_x, stored_z, k, sign * float(coefficient)))
        return out

    @cached_property
    def starts(self) -> list[Start]:
        """Initial amplitudes of the circuit."""
        return self.lowered.starts

    @cached_property
    def schedule(self) -> tuple[list[list[Rotation]], list[Level]]:
        """Initial single-qubit rotations of each stored qubit, and the remaining levels."""
        levels = self.lowered.levels
        if self.observables:
            levels = without_idle(levels, [(x, z) for x, z, _, _ in self.strings], self.num_qubits)
        if self.starts:
            return [[] for _ in range(self.num_qubits)], levels
        return _split_product(levels, self.num_qubits)

    def term(self, number: int, factor: float, X: NDArray[np.float64], weights: NDArray[np.float64]) -> Any:
        """Contribution of a parameter to an angle, modulo 4 pi: per row of X for an input, a scalar for a weight.

        Raises
        ------
        ParameterError
            If the product overflows.
        """
        split = len(self.inputs)
        if number < split:
            return range_reduction.term(factor, X[:, number], self.inputs[number])
        return range_reduction.term(factor, weights[number - split], self.weights[number - split])

    def check_angles(self, X: NDArray[np.float64], weights: NDArray[np.float64]) -> None:
        """Raise a ParameterError if a factor times a finite value overflows in an angle."""
        for level in self.lowered.levels:
            for member in level.members:
                if isinstance(member, Rotation):
                    for number, factor in member.angle.factors.items():
                        self.term(number, factor, X, weights)

    def check_undone(self, inputs: bool) -> None:
        """Raise a CircuitError if undoing gates from the end does not lead back to all that is differentiated.

        Parameters
        ----------
        inputs : bool
            Whether to differentiate with respect to the inputs as well as the weights.
        """
        condition, numbers = self._out_of_reach
        if not numbers:
            return
        parameters = [*self.inputs, *self.weights]
        names = [str(parameters[number]) for number in numbers if inputs or number >= len(self.inputs)]
        if names:
            raise CircuitError(
                f"the adjoint method undoes all gates after those of a parameter, here {', '.join(names[:4])}, and the "
                f"matrices among them that are not unitary have a condition number of {condition:.3g}, which takes "
                "more than half of the digits; take method='parameter_shift' or 'finite_difference' of `gradient`"
            )

    @cached_property
    def _out_of_reach(self) -> tuple[float, list[int]]:
        """Condition number of the matrices that are not unitary, and the parameters for which it is too large."""
        return out_of_reach(self.schedule[1], self.num_qubits, float(np.finfo(self.dtype).eps) ** -0.5)

    def derives_amplitudes(self, inputs: bool) -> bool:
        """Whether derivatives by the weights, and by the inputs if these are wanted, reach initial amplitudes."""
        numbers = [k for start in self.starts for angle in start.angles for k in angle.factors]
        return any(inputs or k >= len(self.inputs) for k in numbers)

    def __getstate__(self) -> dict[str, Any]:
        names = ["circuit", "observables", "inputs", "weights", "precision", "num_qubits"]
        if self.begins_in_inputs:
            names.append("begins_in_inputs")
        if self.circuit is None:
            names.append("lowered")  # a lowered circuit is recomputed if there is a circuit
        return {name: self.__dict__[name] for name in names}

    def __repr__(self) -> str:
        return (
            f"Program({self.num_qubits} qubits, {len(self.observables)} observables, {len(self.inputs)} inputs, "
            f"{len(self.weights)} weights, {self.precision} precision)"
        )


def _check_range(observable: PauliSum) -> None:
    """Raise an ObservableError if the coefficients of an observable leave the range of single precision."""
    with np.errstate(over="ignore"):
        size = float(np.abs(observable.coefficients).sum())
    least, most = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
    if size and not least <= size <= most:
        raise ObservableError(
            f"in single precision, the magnitudes of an observable's coefficients have a sum from {least:.1e} to "
            f"{most:.1e}, got {size:.3g}; multiply the observable by a constant, or take precision='double'"
        )


def _check_parameters(circuit: OperationSequence, inputs: Sequence[Parameter], weights: Sequence[Parameter]) -> None:
    assigned = [*inputs, *weights]
    distinct = set(assigned)
    if len(distinct) != len(assigned):
        twice = sorted({p.name for p in assigned if assigned.count(p) > 1})
        raise ParameterError(f"a parameter is an input or a weight, once; given twice: {', '.join(twice)}")
    missing = [p.name for p in circuit.parameters if p not in distinct]
    if missing:
        raise ParameterError(f"parameters of the circuit that are neither inputs nor weights: {', '.join(missing)}")


def _split_product(levels: list[Level], num_qubits: int) -> tuple[list[list[Rotation]], list[Level]]:
    """Split off the rotations of single stored qubits that act before the qubit is entangled with others."""
    chains: list[list[Rotation]] = [[] for _ in range(num_qubits)]
    joined, everything = 0, (1 << num_qubits) - 1
    remaining = []
    for level in levels:
        if joined == everything or level.kind == "dense":
            for member in level.members if joined != everything else ():
                joined |= member.support[0] | member.support[1]
            remaining.append(level)
            continue
        members = []
        touched = joined
        blocking_grows = level.kind == "rotations"
        for member in level.members:
            x, z, _ = member
            support = x | z
            blocking = touched if blocking_grows else joined
            if support & (support - 1) == 0 and not support & blocking:
                chains[support.bit_length() - 1].append(member)
            else:
                members.append(member)
                touched |= support
        joined = touched
        if members:
            remaining.append(Level(level.kind, members, level.ordered))
    return chains, remaining
