"""The class `Circuit`, assembled from the functions of the other modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, final

from simulator.calculations.unitary import to_matrix
from simulator.circuit import conversion, expectations, running
from simulator.circuit.gate_methods import unknown_gate
from simulator.circuit.standard_gates import StandardGates
from simulator.display import preformatted, printable
from simulator.errors import CircuitError
from simulator.operations import binding, composition, conditions, entanglement, measurements, special_gates
from simulator.operations.sequence import OperationSequence
from simulator.parameters.angle_maps import AngleMap

__all__ = ["Circuit"]

MAX_DRAWN = 500
"""Maximum number of gates of a circuit that a notebook draws unasked, which takes about half a second."""


@final
class Circuit(StandardGates, OperationSequence):
    """Immutable sequence of gates on qubits: methods return a new circuit, so ``circuit = circuit.h(0)``.

    There is a method for every standard gate, ``circuit.rx(theta, 0).cx(0, 1)``: angles (radians, or affine
    expressions of `Parameter`) first, qubits last, in the order of application. A qubit may also be several, as in
    Qiskit: ``circuit.h(range(4)).cx([0, 1], [2, 3])``. Qubits are counted from 0 and little-endian as in Qiskit:
    qubit q is bit q of a basis state's index. Building by a chain of thousands of calls takes linear time.

    * Building, besides the gates: `append`, `unitary`, `diagonal`, `initialize`, `pauli_rotation`, `measure`,
      `measure_all`, `reset`, `if_test`, `if_else`, `compose`.
    * Transforming: `inverse`, `controlled`, `repeat`, `power`, `remove_final_measurements`, `without_entanglement`,
      `bind`, `values_array`.
    * Computing: `to_matrix`, `statevector`, `probabilities`, `density_matrix`, `sample`, `sample_array`,
      `expectation`, `gradient`, `expectation_and_gradient`.
    * Exchanging: `draw`, `to_qiskit`, `from_qiskit`, `from_qiskit_with_angle_map`, `to_qasm`, `from_qasm`.
    * Inspecting: `num_qubits`, `num_clbits`, `operations`, `parameters`, `num_parameters`, `measures`, `count_gates`,
      `depth`.
    * Converting, from operations that are known to fit and are not checked again: `extended_by`, `with_operations`.

    Parameters
    ----------
    num_qubits : int
        At least 1.
    operations : iterable of Operation, or int
        Results of calling gates: ``[gates.H(0), gates.RX(0.3, 1)]``. An integer is taken as ``num_clbits``, as in
        ``Circuit(2, 2)``.
    num_clbits : int
        Number of classical bits, which measurements write to.

    Raises
    ------
    CircuitError
        If a qubit or classical bit is out of range, or something is not an operation.

    Examples
    --------
    >>> from simulator import Circuit, Parameter
    >>> theta = Parameter("theta")
    >>> circuit = Circuit(2).ry(theta, 0).cx(0, 1).rz(2 * theta + 0.1, 1)
    >>> circuit.parameters
    (Parameter(theta),)
    >>> circuit.bind({theta: 0.3}).operations[2].angles
    (0.7,)
    """

    __slots__ = ()

    # A function assigned in the class body becomes a method: `inverse(circuit)` is `circuit.inverse()`.

    # Building, in addition to `append` and a method for every standard gate
    unitary = special_gates.unitary
    diagonal = special_gates.diagonal
    initialize = special_gates.initialize
    pauli_rotation = special_gates.pauli_rotation
    measure = measurements.measure
    measure_all = measurements.measure_all
    reset = measurements.reset
    if_test = conditions.if_test
    if_else = conditions.if_else
    compose = composition.compose

    # Transforming
    inverse = composition.inverse
    controlled = composition.controlled
    repeat = composition.repeat
    power = composition.power
    remove_final_measurements = measurements.remove_final_measurements
    without_entanglement = entanglement.without_entanglement
    bind = binding.bind
    values_array = binding.values_array

    # Computing
    to_matrix = to_matrix
    statevector = running.statevector
    probabilities = running.probabilities
    density_matrix = running.density_matrix
    sample = running.sample
    sample_array = running.sample_array
    expectation = expectations.expectation
    gradient = expectations.gradient
    expectation_and_gradient = expectations.expectation_and_gradient

    # Exchanging: to other formats
    draw = conversion.draw
    to_qiskit = conversion.to_qiskit
    to_qasm = conversion.to_qasm

    # Exchanging: from other formats

    @classmethod
    def from_qiskit(cls, circuit: Any) -> Self:
        """Convert a ``qiskit.QuantumCircuit``; barriers are dropped.

        Raises
        ------
        CircuitError
            If it contains loops, or conditions other than classical bits being equal to a value.
        ParameterError
            If an angle is not affine in its parameters; `from_qiskit_with_angle_map` takes such angles too.
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.from_qiskit(cls, circuit)

    @classmethod
    def from_qiskit_with_angle_map(cls, circuit: Any) -> tuple[Self, AngleMap]:
        """Convert a ``qiskit.QuantumCircuit`` whose angles may be any expression, such as ``sin(x)`` or ``x * y``.

        Returns
        -------
        circuit : Circuit
            Circuit in which each angle that is not affine is a separate parameter.
        angles : AngleMap
            Map from values of Qiskit's parameters to values of this circuit's parameters, and of derivatives back.

        Raises
        ------
        CircuitError
            As `from_qiskit`.
        ParameterError
            If an angle is not a real function of its parameters.
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.from_qiskit_with_angle_map(cls, circuit)

    @classmethod
    def from_qasm(cls, text: str) -> Self:
        """Read OpenQASM 2 or 3, by Qiskit's parsers; only the standard include files are allowed.

        Raises
        ------
        CircuitError
            If the text is malformed (with line and column), includes another file, or contains an unsupported
            operation (see `from_qiskit`).
        """
        from simulator import qiskit_circuits

        return qiskit_circuits.from_qasm(cls, text)

    def __add__(self, other: Circuit) -> Circuit:
        if not isinstance(other, Circuit):
            return NotImplemented
        if other.num_qubits != self.num_qubits:
            raise CircuitError(
                f"+ joins circuits on the same qubits, got {self.num_qubits} and {other.num_qubits}; "
                "compose(other, qubits) places a smaller one"
            )
        return self.compose(other)

    def __str__(self) -> str:
        return printable("\n".join(self.draw().lines()))

    def _repr_html_(self) -> str:
        return preformatted(str(self) if len(self) <= MAX_DRAWN else repr(self))

    if not TYPE_CHECKING:  # a class with __getattr__ has every method, for type checkers

        def __getattr__(self, name):
            raise unknown_gate(name, dir(type(self)))
