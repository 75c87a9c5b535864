"""Circuits: gates on qubits, as an immutable value.

>>> bell = Circuit(2).h(0).cx(0, 1)
>>> bell
<Circuit of 2 qubits: 2 gates>
>>> bell + bell.inverse() == bell.power(1).compose(bell.inverse())
True
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import gates
from simulator.binding import Values, values_array, values_by_parameter
from simulator.errors import CircuitError, GateError, NoiseError, ParameterError, StateTooLargeError, UnknownNameError
from simulator.gate_methods import gate_method, unknown_gate
from simulator.gates import Gate, Operation
from simulator.measurements import as_condition, conditional, final_measurements, refuse_measurements
from simulator.parameters import Expression, Parameter, as_angle
from simulator.progress import shown

if TYPE_CHECKING:
    from simulator.noise import NoiseModel
    from simulator.observables import PauliSum

    Observables = PauliSum | Sequence[PauliSum]

__all__ = ["Circuit"]

FloatArray = NDArray[np.float64]

MAX_MATRIX_QUBITS = 13


class Circuit:
    """Gates on qubits, first applied first; immutable, every method returns another circuit.

    There is a method for every standard gate, ``circuit.rx(theta, 0).cx(0, 1)``: angles (radians, or affine
    expressions of `Parameter`) first, qubits last. Qubits are counted from 0 and little-endian as in Qiskit:
    qubit q is bit q of a basis state's index. Building by a chain of thousands of calls takes linear time.

    Parameters
    ----------
    num_qubits : int
        At least 1.
    operations : iterable of Operation, or int
        Made by calling gates: ``[gates.H(0), gates.RX(0.3, 1)]``. A whole number is taken for ``num_clbits``, as in
        ``Circuit(2, 2)``.
    num_clbits : int
        Number of classical bits, which measurements write to.

    Raises
    ------
    CircuitError
        If a qubit or classical bit is out of range, or something is not an operation.

    Examples
    --------
    >>> theta = Parameter("theta")
    >>> circuit = Circuit(2).ry(theta, 0).cx(0, 1).rz(2 * theta + 0.1, 1)
    >>> circuit.parameters
    (Parameter(theta),)
    >>> circuit.bind({theta: 0.3}).operations[2].angles
    (0.7,)
    """

    # A chain of calls shares one growing list: a circuit is the first `_length` entries of `_log`. `_turn`
    # holds one token as long as nothing was appended behind them; taking it (atomic) is the right to do so.
    __slots__ = (
        "__weakref__",
        "_hash",
        "_length",
        "_log",
        "_num_clbits",
        "_num_qubits",
        "_operations",
        "_parameters",
        "_turn",
    )

    _log: list[Operation]
    _operations: tuple[Operation, ...] | None
    _parameters: tuple[Parameter, ...] | None
    _hash: int | None

    def __init__(self, num_qubits: int, operations: Iterable[Operation] | int = (), num_clbits: int = 0) -> None:
        self._num_qubits = _checked_count(num_qubits)
        if not isinstance(operations, Iterable):
            if num_clbits:
                raise CircuitError(f"num_clbits is given twice: {operations} and {num_clbits}")
            num_clbits, operations = operations, ()
        self._num_clbits = _whole("Circuit", "num_clbits", num_clbits)
        if self._num_clbits < 0:
            raise CircuitError(f"a circuit has 0 or more classical bits, got {num_clbits}")
        self._start([self._checked(operation) for operation in operations])

    def _start(self, log: list[Operation]) -> None:
        self._log, self._length, self._turn = log, len(log), [True]
        self._operations = self._parameters = self._hash = None

    def _extended(self, operations: Iterable[Operation]) -> Circuit:
        """Append operations that are known to fit."""
        circuit = Circuit.__new__(Circuit)
        circuit._num_qubits, circuit._num_clbits = self._num_qubits, self._num_clbits
        log = self._log
        try:
            self._turn.pop()
        except IndexError:  # another circuit has grown from this one
            log = log[: self._length]
        log.extend(operations)
        circuit._start(log)
        return circuit

    def extended_by(self, operations: Iterable[Operation]) -> Circuit:
        """Add operations that are known to fit; for conversions that have made them from checked ones."""
        return self._extended(operations)

    def _made_of(self, operations: Iterable[Operation], num_qubits: int | None = None) -> Circuit:
        circuit = Circuit.__new__(Circuit)
        circuit._num_qubits, circuit._num_clbits = num_qubits or self._num_qubits, self._num_clbits
        circuit._start(list(operations))
        return circuit

    # What it is

    @property
    def num_qubits(self) -> int:
        """Number of qubits."""
        return self._num_qubits

    @property
    def num_clbits(self) -> int:
        """Number of classical bits."""
        return self._num_clbits

    @property
    def measures(self) -> bool:
        """Whether an operation measures, resets, or depends on classical bits."""
        return not all(operation.is_unitary for operation in self.operations)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """The operations, first applied first."""
        if self._operations is None:
            self._operations = tuple(self._log[: self._length])
        return self._operations

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The free parameters in order of first use; arrays of values are in this order.

        Those that one expression uses first are in order of their names, so that equal circuits, which may
        have written ``a + b`` and ``b + a``, agree.
        """
        if self._parameters is None:
            found: dict[Parameter, None] = {}
            for operation in self.operations:
                for angle in operation.angles:
                    if isinstance(angle, Parameter):
                        found[angle] = None
                    elif isinstance(angle, Expression):
                        found.update(dict.fromkeys(sorted(angle.terms, key=lambda parameter: parameter.sort_key)))
            self._parameters = tuple(found)
        return self._parameters

    @property
    def num_parameters(self) -> int:
        """Number of free parameters."""
        return len(self.parameters)

    def count_gates(self) -> dict[str, int]:
        """How often each gate occurs, by name, the most frequent first."""
        return dict(Counter(operation.gate.name for operation in self.operations).most_common())

    def depth(self) -> int:
        """Length of the longest chain of gates that share qubits or classical bits; a global phase has none."""
        level = [0] * (self.num_qubits + self.num_clbits)
        for operation in self.operations:
            clbits = {*operation.clbits, *(bit for test in operation.conditions for bit in test.clbits)}
            touched = [*operation.qubits, *(self.num_qubits + bit for bit in clbits)]
            if touched:
                reached = 1 + max(level[place] for place in touched)
                for place in touched:
                    level[place] = reached
        return max(level)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Circuit):
            return NotImplemented
        sizes, others = (self.num_qubits, self.num_clbits), (other.num_qubits, other.num_clbits)
        return self is other or (sizes == others and self.operations == other.operations)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash((self.num_qubits, self.num_clbits, self.operations))
        return self._hash

    def __copy__(self) -> Circuit:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Circuit:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return Circuit, (self.num_qubits, self.operations, self.num_clbits)

    def __repr__(self) -> str:
        bits = f" and {_counted(self.num_clbits, 'classical bit')}" if self.num_clbits else ""
        text = f"<Circuit of {_counted(self.num_qubits, 'qubit')}{bits}: {_counted(len(self), 'gate')}"
        return text + (f", {_counted(self.num_parameters, 'parameter')}>" if self.num_parameters else ">")

    def __str__(self) -> str:
        return str(self.draw())

    # How it grows

    def append(self, *operations: Operation) -> Circuit:
        """Add operations at the end, such as a gate of one's own: ``circuit.append(gate(0.3, 1))``."""
        return self._extended([self._checked(operation) for operation in operations])

    def unitary(self, matrix: ArrayLike, qubits: int | Sequence[int], check: bool = True) -> Circuit:
        """Apply a unitary matrix, shape (2**k, 2**k); ``qubits[0]`` is the lowest bit of its index.

        Raises
        ------
        GateError
            If the shape does not fit the qubits, the matrix is not unitary or contains NaN.
            ``check=False`` accepts a matrix that is not unitary; the results are then the caller's.
        """
        targets = _as_qubits(qubits)
        shape = np.shape(matrix)
        if len(shape) == 2 and shape != (1 << len(targets),) * 2:
            size = 1 << len(targets)
            raise GateError(
                f"unitary: a matrix on {_counted(len(targets), 'qubit')} has shape ({size}, {size}), got {shape}"
            )
        return self.append(gates.Fixed("unitary", matrix, check=check)(*targets))

    def diagonal(self, phases: ArrayLike, qubits: int | Sequence[int]) -> Circuit:
        """Apply ``diag(exp(i * phases))``, phases (2**k,) in radians; ``qubits[0]`` is the lowest bit."""
        targets = _as_qubits(qubits)
        if np.ndim(phases) == 1 and np.size(phases) != 1 << len(targets):
            raise GateError(
                f"diagonal: {_counted(len(targets), 'qubit')} need {1 << len(targets)} phases, got {np.size(phases)}"
            )
        return self.append(gates.Diagonal("diagonal", phases)(*targets))

    def initialize(
        self, amplitudes: ArrayLike | Sequence[Any], qubits: int | Sequence[int] | None = None, normalize: bool = False
    ) -> Circuit:
        """Prepare amplitudes on qubits that nothing has acted on yet.

        Parameters
        ----------
        amplitudes : array_like of complex, or sequence of Expression, shape (2**k,)
            Expressions stand for real amplitudes and are normalised when their values are known.
        qubits : sequence of k int, optional
            All qubits by default; ``qubits[0]`` is the lowest bit.
        normalize : bool
            Divide by the norm instead of refusing one that is not 1.

        Raises
        ------
        GateError
            If the number of amplitudes does not fit, the norm is not 1, all are zero, or one is NaN.
        CircuitError
            If a gate already acts on one of the qubits.
        """
        targets = _as_qubits(range(self.num_qubits) if qubits is None else qubits)
        symbolic = getattr(amplitudes, "dtype", np.dtype(object)).kind == "O" and any(
            isinstance(a, Expression) for a in np.asarray(amplitudes, object).ravel()
        )
        if np.ndim(amplitudes) == 1 and np.size(amplitudes) != 1 << len(targets):
            raise GateError(
                f"initialize: {_counted(len(targets), 'qubit')} need {1 << len(targets)} amplitudes, "
                f"got {np.size(amplitudes)}"
            )
        if symbolic:
            operation = gates.AmplitudeEncoding(len(targets))(*amplitudes, *targets)  # type: ignore[misc]
        else:
            operation = gates.StatePreparation(amplitudes, normalize=normalize)(*targets)
        for earlier in self.operations:
            if not set(earlier.qubits).isdisjoint(operation.qubits):
                raise CircuitError(
                    f"initialize must come first on qubits {operation.qubits}, "
                    f"but {earlier.gate.name} acts on {earlier.qubits} before"
                )
        return self.append(operation)

    def pauli_rotation(self, label: str, theta: float | Expression, qubits: int | Sequence[int]) -> Circuit:
        """Apply ``exp(-i theta/2 P)`` for a Pauli string; the last character of its label is ``qubits[0]``."""
        targets = _as_qubits(qubits)
        gate = gates.PauliRotation(label)
        if len(targets) != gate.num_qubits:
            raise CircuitError(f"the Pauli string {label!r} takes {gate.num_qubits} qubits, got {targets}")
        return self.append(gate(theta, *targets))

    def measure(self, qubit: int | Sequence[int], clbit: int | Sequence[int]) -> Circuit:
        """Measure qubits in the computational basis, each into its classical bit.

        Parameters
        ----------
        qubit, clbit : int, or sequences of int of one length

        Raises
        ------
        CircuitError
            If the circuit has no such qubit or classical bit.

        Examples
        --------
        >>> Circuit(2, 1).x(1).measure(1, 0).sample(shots=10, seed=0)
        {'1': 10}
        """
        qubits, clbits = _as_qubits(qubit), _as_qubits(clbit)
        if len(qubits) != len(clbits):
            raise CircuitError(f"measure takes one classical bit a qubit, got {len(qubits)} and {len(clbits)}")
        return self.append(*(gates.MEASURE(q, c) for q, c in zip(qubits, clbits, strict=True)))

    def measure_all(self) -> Circuit:
        """Measure every qubit into a new classical bit; those bits come after the ones there are, as in Qiskit."""
        first = self.num_clbits
        circuit = self._made_of(self.operations)
        circuit._num_clbits = first + self.num_qubits
        return circuit.measure(range(self.num_qubits), range(first, first + self.num_qubits))

    def reset(self, qubit: int | Sequence[int]) -> Circuit:
        """Bring qubits to 0, whatever they were."""
        return self.append(*(gates.RESET(q) for q in _as_qubits(qubit)))

    def if_test(
        self,
        condition: tuple[int | Sequence[int], int],
        body: Circuit | Iterable[Operation],
        qubits: Sequence[int] | None = None,
        clbits: Sequence[int] | None = None,
    ) -> Circuit:
        """Apply a body only if classical bits hold a value.

        Parameters
        ----------
        condition : (clbit, value), or ((clbit, ...), value)
            Of several bits the first is the lowest of the value.
        body : Circuit, or iterable of Operation
            A circuit is placed as by `compose`.
        qubits, clbits : sequence of int, optional
            Where the body's qubits and classical bits go; the first ones by default.

        Raises
        ------
        CircuitError
            If a bit is missing, the bits can not hold the value, or the body measures into them.

        Examples
        --------
        >>> corrected = Circuit(1, 1).h(0).measure(0, 0).if_test((0, 1), Circuit(1).x(0))
        >>> corrected.measure_all().sample(shots=100, seed=1)
        {'00': 46, '01': 54}
        """
        return self.if_else(condition, body, (), qubits, clbits)

    def if_else(
        self,
        condition: tuple[int | Sequence[int], int],
        true_body: Circuit | Iterable[Operation],
        false_body: Circuit | Iterable[Operation],
        qubits: Sequence[int] | None = None,
        clbits: Sequence[int] | None = None,
    ) -> Circuit:
        """Apply one body if classical bits hold a value and another if not; arguments as for `if_test`."""
        test = as_condition("if_test", condition)
        operations = [
            operation
            for branch, body in ((test, true_body), (replace(test, equal=not test.equal), false_body))
            for operation in conditional(branch, self._placed_body(body, qubits, clbits))
        ]
        return self.append(*operations)

    def _placed_body(
        self, body: Circuit | Iterable[Operation], qubits: Sequence[int] | None, clbits: Sequence[int] | None
    ) -> Sequence[Operation]:
        if isinstance(body, Circuit):
            return Circuit(self.num_qubits, self.num_clbits).compose(body, qubits, clbits).operations
        operations = tuple(self._checked(operation) for operation in body)
        if operations and (qubits is not None or clbits is not None):
            raise CircuitError("if_test places a circuit; operations say themselves which qubits they act on")
        return operations

    def compose(
        self, other: Circuit, qubits: Sequence[int] | None = None, clbits: Sequence[int] | None = None
    ) -> Circuit:
        """Apply another circuit after this one.

        Parameters
        ----------
        other : Circuit
            Not wider than this one.
        qubits, clbits : sequence of int, optional
            Where qubit k of ``other`` goes: ``qubits[k]``; and its classical bits. The first ones by default.
        """
        if not isinstance(other, Circuit):
            raise CircuitError(f"compose takes a Circuit, got {type(other).__name__}; append takes operations")
        if qubits is None:
            if other.num_qubits > self.num_qubits:
                raise CircuitError(
                    f"a circuit of {other.num_qubits} qubits does not fit on one of {self.num_qubits} qubits"
                )
            place: Sequence[int] = range(other.num_qubits)
        else:
            place = _distinct("compose", _as_qubits(qubits), other.num_qubits)
            self._check_range("compose", place)
        bits = _clbit_places(other.num_clbits, self.num_clbits, clbits)
        if qubits is None and not other.num_clbits:
            return self._extended(other.operations)
        return self._extended(_placed(operation, place, bits) for operation in other.operations)

    def __add__(self, other: Circuit) -> Circuit:
        if not isinstance(other, Circuit):
            return NotImplemented
        if other.num_qubits != self.num_qubits:
            raise CircuitError(
                f"+ joins circuits on the same qubits, got {self.num_qubits} and {other.num_qubits}; "
                "compose(other, qubits) places a smaller one"
            )
        return self.compose(other)

    # What it becomes

    def inverse(self) -> Circuit:
        """The circuit that undoes this one: inverse gates in reverse order."""
        return self._made_of(operation.inverse() for operation in reversed(self.operations))

    def controlled(self, num_controls: int = 1, control_values: Sequence[int] | None = None) -> Circuit:
        """Put the circuit under the control of further qubits.

        The controls are qubits 0 to ``num_controls - 1`` of the result, and every qubit of this circuit moves
        up by ``num_controls``, as in Qiskit.

        Parameters
        ----------
        num_controls : int
            At least 1.
        control_values : sequence of 0 or 1, optional
            The value each control must have; all ones by default.
        """
        count = _whole("controlled", "num_controls", num_controls)
        if count < 1:
            raise CircuitError(f"controlled takes at least 1 control, got {count}")
        if control_values is not None and len(control_values) != count:
            raise CircuitError(f"controlled takes one value a control, got {count} and {list(control_values)}")
        place, bits = range(count, count + self.num_qubits), range(self.num_clbits)
        moved = (_placed(operation, place, bits) for operation in self.operations)
        return self._made_of((op.controlled(range(count), control_values) for op in moved), self.num_qubits + count)

    def repeat(self, times: int) -> Circuit:
        """Apply the circuit ``times`` times in a row; 0 times is the empty circuit."""
        if _whole("repeat", "times", times) < 0:
            raise CircuitError(f"repeat takes a number of 0 or more, got {times}; power takes negative ones")
        return self._made_of(self.operations * int(times))

    def power(self, exponent: int) -> Circuit:
        """Raise the circuit to an integer power; a negative one repeats the inverse."""
        return self.repeat(exponent) if _whole("power", "exponent", exponent) >= 0 else self.inverse().repeat(-exponent)

    def remove_final_measurements(self) -> Circuit:
        """The circuit without its measurements, which must all be at the end, and without classical bits.

        Raises
        ------
        CircuitError
            If something happens to a qubit after it is measured, or depends on a classical bit.
        """
        split = final_measurements(self.operations)
        if split is None:
            raise CircuitError("the circuit measures, resets or branches in the middle: it is not a unitary")
        return Circuit(self.num_qubits, split[0])

    def bind(self, values: Mapping[Any, Any] | ArrayLike) -> Circuit:
        """Give parameters their values.

        Parameters
        ----------
        values : mapping or array_like
            A mapping from `Parameter`, `ParameterVector` or name to numbers, or to expressions of other
            parameters; those not named stay free. An array (P,) binds all, in the order of ``parameters``.

        Raises
        ------
        ParameterError
            If a parameter is not in the circuit, or a value is not a finite real number.
        """
        if isinstance(values, Mapping):
            given = values_by_parameter(self.parameters, values)
            chosen = {p: as_angle(value, f"the value of parameter {p}") for p, value in given.items()}
        else:
            array = self.values_array(values)
            if array.ndim != 1:
                raise ParameterError(f"bind takes one value a parameter, got a batch of shape {array.shape}")
            chosen = dict(zip(self.parameters, map(float, array), strict=True))
        return self._made_of(_bound(operation, chosen) for operation in self.operations)

    def values_array(self, values: Values) -> FloatArray:
        """Check values for all parameters and put them in the order of ``parameters``.

        Parameters
        ----------
        values : None, mapping or array_like
            ``None`` for a circuit without parameters; a mapping from `Parameter`, `ParameterVector` or name to
            numbers; or an array (P,), or (B, P) for a batch.

        Returns
        -------
        float64 ndarray, shape (P,) or (B, P)

        Raises
        ------
        ParameterError
            If a parameter has no value, a value is not a finite real number, or the shape does not fit.
        """
        return values_array(self.parameters, values)

    # What it computes

    def to_matrix(self, values: Mapping[Any, Any] | ArrayLike | None = None) -> NDArray[np.complex128]:
        """Dense unitary of a small circuit, shape (2**n, 2**n), global phase included.

        Raises
        ------
        StateTooLargeError
            Beyond 13 qubits, where the matrix takes more than 1 GiB.
        """
        n = self.num_qubits
        if n > MAX_MATRIX_QUBITS:
            raise StateTooLargeError(
                f"the matrix of {n} qubits takes {16 * 4**n / 2**30:.3g} GiB; to_matrix goes up to {MAX_MATRIX_QUBITS}"
            )
        refuse_measurements(self.operations, "the matrix")
        circuit = self.bind(self.values_array(values))
        columns = np.eye(1 << n, dtype=complex).reshape((2,) * n + (-1,))  # axis n - 1 - q is qubit q
        for op in circuit.operations:
            k = len(op.qubits)
            matrix = op.gate.matrix(*op.angles).reshape((2,) * (2 * k))  # type: ignore[arg-type]
            axes = [n - 1 - q for q in reversed(op.qubits)]
            columns = np.moveaxis(np.tensordot(matrix, columns, (range(k, 2 * k), axes)), range(k), axes)
        return columns.reshape(1 << n, 1 << n)

    def statevector(self, values: Values = None, *, precision: str = "double", progress: bool = False) -> NDArray[Any]:
        """Final state from ``|0...0>``.

        Parameters
        ----------
        values : None, mapping or array_like
            As for `values_array`.
        precision : {"double", "single"}
        progress : bool
            Show a bar, if it takes more than two seconds.

        Returns
        -------
        complex128 or complex64 ndarray, shape (2**n,), or (B, 2**n) for a batch
            Little-endian: bit q of an index is qubit q.

        Raises
        ------
        ParameterError
            If the values do not fit the parameters.
        StateTooLargeError
            Before anything is allocated, if the state does not fit in memory.
        """
        from simulator import statevector

        with shown(progress, "statevector"):
            return statevector.statevector(self, values, precision=precision)

    def probabilities(
        self, values: Values = None, *, precision: str = "double", progress: bool = False
    ) -> NDArray[Any]:
        """Probability of every basis state, shape (2**n,) or (B, 2**n); arguments as for `statevector`."""
        from simulator import statevector

        with shown(progress, "probabilities"):
            return statevector.probabilities(self, values, precision=precision)

    def sample(
        self,
        values: Values = None,
        *,
        shots: int = 1024,
        seed: Any = None,
        qubits: Sequence[int] | None = None,
        noise: NoiseModel | None = None,
        precision: str = "double",
        progress: bool = False,
    ) -> dict[str, int]:
        """Measure ``shots`` times and count the outcomes.

        A circuit with measurements is read out of its classical bits, any other by measuring its qubits at the end.
        Measurements in the middle, resets and conditions cost one trajectory a shot.

        Parameters
        ----------
        values : None, mapping or array_like
            As for `values_array`, one set.
        shots : int
            At least 1.
        seed : None, int or numpy.random.Generator
            The same seed gives the same counts, on any number of threads.
        qubits : sequence of int, optional
            Which qubits to measure, where the circuit itself does not; all by default.
        noise : NoiseModel, optional
            Follows the gates and misreads the bits.
        precision : {"double", "single"}
            Of the state that is sampled; with noise always double.
        progress : bool
            Show a bar, if it takes more than two seconds.

        Returns
        -------
        dict from bit string to count
            Qubit 0 (classical bit 0) is the last character, as in Qiskit; in increasing order.

        Raises
        ------
        ValueError
            If ``shots`` is not a positive whole number.
        """
        from simulator import sampling
        from simulator.noise.sampling import sample

        found = None
        with shown(progress, "sample"):
            if noise is None:
                found = sampling.sample_final(self, values, shots, seed, qubits, precision)
            if found is not None:
                outcomes, counts, width = found
                strings = sampling.bit_strings(outcomes, width)
            else:
                bits, counts = sample(self, values, shots, seed, noise, qubits)
                strings = ["".join(map(str, row)) for row in bits[:, ::-1].tolist()]
        return dict(zip(strings, counts.tolist(), strict=True))

    def sample_array(
        self,
        values: Values = None,
        *,
        shots: int = 1024,
        seed: Any = None,
        qubits: Sequence[int] | None = None,
        noise: NoiseModel | None = None,
        precision: str = "double",
        progress: bool = False,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`sample` as arrays: the outcomes (m,) in increasing order and their counts (m,).

        Bit k of an outcome is qubit ``qubits[k]``, or classical bit k; there are at most 62.
        """
        from simulator import sampling
        from simulator.noise.sampling import sample

        with shown(progress, "sample"):
            if noise is None:
                found = sampling.sample_final(self, values, shots, seed, qubits, precision)
                if found is not None:
                    return found[:2]
            bits, counts = sample(self, values, shots, seed, noise, qubits)
        if bits.shape[1] > sampling.MAX_BITS:
            raise CircuitError(f"outcomes of {bits.shape[1]} bits do not fit in 64-bit numbers; sample() has strings")
        return (bits << np.arange(bits.shape[1])).sum(axis=1), counts

    def expectation(
        self,
        observables: Observables,
        values: Values = None,
        *,
        precision: str = "double",
        noise: NoiseModel | None = None,
        trajectories: int | None = None,
        seed: Any = None,
        progress: bool = False,
    ) -> Any:
        """Expectation of one observable or of several in one pass.

        Parameters
        ----------
        observables : PauliSum or sequence of K PauliSum
        values : None, mapping or array_like
            As for `values_array`.
        precision : {"double", "single"}
        noise : NoiseModel, optional
            Follows the gates and misreads the qubits. With one, the circuit may measure, reset and branch.
        trajectories : int, optional
            With noise: the mean over that many random runs (`simulator.noise.estimate` has its error). By default
            the result is exact up to 12 qubits, from a density matrix, and from 1000 trajectories beyond.
        seed : None, int or numpy.random.Generator
            Of the trajectories.
        progress : bool
            Show a bar, if it takes more than two seconds.

        Returns
        -------
        float or float64 ndarray
            A number for one observable, (K,) for a sequence; a batch of values puts (B,) in front.

        Raises
        ------
        ObservableError
            If an observable acts on more qubits than the circuit has.
        ParameterError
            If the values do not fit the parameters.
        """
        if noise is not None:
            from simulator.noise import evaluation

            with shown(progress, "expectation"):
                return evaluation.expectation(self, observables, values, noise, trajectories, seed, precision)
        _without_noise(trajectories)
        from simulator import statevector

        with shown(progress, "expectation"):
            return statevector.expectation(self, observables, values, precision=precision)

    def gradient(
        self,
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
        """Derivatives of expectations with respect to the parameters.

        Parameters
        ----------
        observables : PauliSum or sequence of K PauliSum
        values : None, mapping or array_like
            As for `values_array`.
        method : {"adjoint", "parameter_shift", "finite_difference"}
            The first two are exact; the adjoint method takes one sweep whatever the number of parameters.
        precision : {"double", "single"}
            Of the adjoint method's states; with noise always double.
        noise, trajectories, seed, progress
            As for `expectation`. Exact from a density matrix, unbiased from trajectories.

        Returns
        -------
        float64 ndarray, shape (P,), or (K, P) for a sequence
            A batch of values puts (B,) in front.
        """
        if noise is not None:
            if method != "adjoint":
                raise UnknownNameError(f"with noise, gradients are made by method 'adjoint', got {method!r}")
            return self.expectation_and_gradient(
                observables, values, noise=noise, trajectories=trajectories, seed=seed, progress=progress
            )[1]
        _without_noise(trajectories)
        from simulator import gradients

        with shown(progress, "gradient"):
            return gradients.gradient(self, observables, values, method=method, precision=precision)

    def expectation_and_gradient(
        self,
        observables: Observables,
        values: Values = None,
        *,
        precision: str = "double",
        noise: NoiseModel | None = None,
        trajectories: int | None = None,
        seed: Any = None,
        progress: bool = False,
    ) -> tuple[Any, NDArray[np.float64]]:
        """Both `expectation` and `gradient` from one sweep."""
        if noise is not None:
            from simulator.noise import evaluation

            with shown(progress, "gradient"):
                return evaluation.expectation_and_gradient(self, observables, values, noise, trajectories, seed)
        _without_noise(trajectories)
        from simulator import gradients

        with shown(progress, "gradient"):
            return gradients.expectation_and_gradient(self, observables, values, precision)

    def density_matrix(
        self, values: Values = None, *, noise: NoiseModel | None = None, progress: bool = False
    ) -> NDArray[np.complex128]:
        """Final density matrix, shape (2**n, 2**n), or (B, 2**n, 2**n) for a batch of values.

        Measurements are taken as unread, and leave mixtures.

        Raises
        ------
        StateTooLargeError
            Before anything is allocated, if it does not fit in memory.
        """
        from simulator.noise import evaluation

        with shown(progress, "density matrix"):
            return evaluation.density_matrix(self, values, noise)

    # How it looks elsewhere

    def draw(self, output: str = "text", **options: Any) -> Any:
        """Draw with Qiskit's drawer.

        Parameters
        ----------
        output : {"text", "mpl", "latex", "latex_source"}
            "mpl" gives a matplotlib figure (extra ``[plot]``).
        **options
            Of ``qiskit.QuantumCircuit.draw``.
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.draw(self, output, **options)

    def to_qiskit(self) -> Any:
        """The same circuit as a ``qiskit.QuantumCircuit``, parameters and global phase included."""
        from simulator import qiskit_circuits

        return qiskit_circuits.to_qiskit(self)

    @staticmethod
    def from_qiskit(circuit: Any) -> Circuit:
        """Read a ``qiskit.QuantumCircuit``; barriers are left out.

        Raises
        ------
        CircuitError
            If it contains loops, or conditions other than classical bits being equal to a value.
        ParameterError
            If an angle is not affine in its parameters; `simulator.qiskit_circuits.from_qiskit_with_angle_map`
            takes such angles too.
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.from_qiskit(circuit)

    def to_qasm(self, version: int = 3) -> str:
        """OpenQASM 3 or 2 text, by Qiskit's exporter; version 2 has no free parameters."""
        from simulator import qiskit_circuits

        return qiskit_circuits.to_qasm(self, version)

    @staticmethod
    def from_qasm(text: str) -> Circuit:
        """Read OpenQASM 2 or 3, by Qiskit's parsers; only the standard include files are allowed.

        Raises
        ------
        CircuitError
            If the text is malformed (with line and column), includes another file, or contains what a circuit
            does not have (see `from_qiskit`).
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.from_qasm(text)

    # Gates by name

    def __getattr__(self, name: str) -> Callable[..., Circuit]:
        # only reached for names that do not exist; the type serves checkers, which do not see the gate methods
        raise unknown_gate(name, dir(type(self)))

    def _with(self, operation: Operation) -> Circuit:
        """Append an operation just made by a gate, which has checked all but the range of its qubits."""
        self._check_range(operation.gate.name, operation.qubits)
        return self._extended((operation,))

    def _checked(self, operation: Any) -> Operation:
        if not isinstance(operation, Operation):
            hint = f"; call it on its qubits: {operation.name}(...)" if isinstance(operation, Gate) else ""
            raise CircuitError(f"a circuit consists of operations, got {operation!r}{hint}")
        made = operation.gate(*operation.angles, *operation.qubits, *operation.clbits)
        self._check_range(made.gate.name, made.qubits)
        if made.clbits or operation.conditions:
            made = replace(made, conditions=operation.conditions)
            for clbit in (*made.clbits, *(bit for test in made.conditions for bit in test.clbits)):
                if clbit >= self._num_clbits:
                    count = _counted(self._num_clbits, "classical bit") if self._num_clbits else "no classical bits"
                    hint = f"; Circuit({self._num_qubits}, {clbit + 1}) has it"
                    raise CircuitError(f"{made.gate.name}: the circuit has {count}, not bit {clbit}{hint}")
        return made

    def _check_range(self, name: str, qubits: tuple[int, ...]) -> None:
        for qubit in qubits:
            if qubit >= self._num_qubits:
                count = _counted(self._num_qubits, "qubit")
                raise CircuitError(f"{name}: qubit {qubit} is out of range for a circuit of {count}")


def _without_noise(trajectories: int | None) -> None:
    if trajectories is not None:
        raise NoiseError("trajectories are random runs with noise: give noise=NoiseModel(...) too")


def _bound(operation: Operation, values: Mapping[Parameter, float | Expression]) -> Operation:
    if not any(isinstance(angle, Expression) for angle in operation.angles):
        return operation
    angles = tuple(angle.bind(values) if isinstance(angle, Expression) else angle for angle in operation.angles)
    if isinstance(operation.gate, gates.AmplitudeEncoding) and not any(isinstance(a, Expression) for a in angles):
        made = gates.StatePreparation(angles, normalize=True)(*operation.qubits)  # type: ignore[arg-type]
        return replace(made, conditions=operation.conditions) if operation.conditions else made
    return Operation(operation.gate, operation.qubits, angles, operation.clbits, operation.conditions)


def _placed(operation: Operation, qubits: Sequence[int], clbits: Sequence[int]) -> Operation:
    """The operation on other qubits and classical bits."""
    place = tuple(qubits[q] for q in operation.qubits)
    if not operation.clbits and not operation.conditions:
        return Operation(operation.gate, place, operation.angles)
    conditions = tuple(replace(test, clbits=tuple(clbits[c] for c in test.clbits)) for test in operation.conditions)
    return Operation(operation.gate, place, operation.angles, tuple(clbits[c] for c in operation.clbits), conditions)


def _clbit_places(count: int, available: int, clbits: Sequence[int] | None) -> Sequence[int]:
    """Where the classical bits of a circuit that is composed go."""
    if clbits is None:
        if count > available:
            raise CircuitError(
                f"a circuit with {_counted(count, 'classical bit')} does not fit on one with {available}"
            )
        return range(count)
    place = tuple(gates.trait.classical_bit("compose", bit) for bit in _as_qubits(clbits))
    if len(place) != count or len(set(place)) != count or any(bit >= available for bit in place):
        raise CircuitError(f"compose takes {count} distinct classical bits below {available}, got {place}")
    return place


def _as_qubits(qubits: Any) -> tuple[Any, ...]:
    """Qubits as a tuple; one alone needs no brackets. What they are is for the gate to check."""
    return tuple(qubits) if isinstance(qubits, Iterable) else (qubits,)


def _distinct(owner: str, qubits: tuple[Any, ...], count: int) -> tuple[int, ...]:
    """Check a placement of ``count`` qubits by the same rules, and in the same words, as a gate does."""
    return gates.Composite(owner, count, 0, ()).check_qubits(qubits)


def _checked_count(num_qubits: Any) -> int:
    if _whole("Circuit", "num_qubits", num_qubits) < 1:
        raise CircuitError(f"a circuit has at least 1 qubit, got {num_qubits}")
    return int(num_qubits)


def _whole(owner: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise CircuitError(f"{owner}: {name} must be a whole number, got {value!r}")
    return int(value)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


for _gate in gates.STANDARD.values():
    setattr(Circuit, _gate.name, gate_method(_gate))
