"""Operations on qubits that are not unitary: measurement and reset."""

from __future__ import annotations

from typing import Any

from simulator.errors import CircuitError
from simulator.gates.trait import ComplexMatrix, Gate, Operation, classical_bit


class Irreversible(Gate):
    """An operation on one qubit without matrix, inverse or control."""

    controls = ()
    num_targets = 1
    num_params = 0
    is_diagonal = False
    is_reversible = False

    def target_matrix(self, *angles: float) -> ComplexMatrix:
        raise CircuitError(f"{self.name} is not a unitary and has no matrix")

    def inverse(self, *angles: Any) -> tuple[Gate, tuple[Any, ...]]:
        raise CircuitError(f"{self.name} cannot be undone and has no inverse")

    def _with_controls(self, name: str, controls: tuple[int, ...]) -> Gate:
        raise CircuitError(f"{self.name} cannot be controlled by a qubit; if_test makes it depend on a classical bit")

    def _identity(self) -> tuple[Any, ...]:
        return self.name, "irreversible"


class Measure(Irreversible):
    """Measurement of a qubit in the computational basis; the outcome is written to a classical bit."""

    name = "measure"

    def __call__(self, *arguments: Any) -> Operation:
        """Create the operation ``MEASURE(qubit, clbit)``.

        Raises
        ------
        CircuitError
            If the number of arguments is not two, or one is not an index.
        """
        if len(arguments) != 2:
            raise CircuitError(f"measure takes a qubit and a classical bit, got {len(arguments)} arguments")
        qubit, clbit = arguments
        return Operation(self, self.check_qubits((qubit,)), clbits=(classical_bit(self.name, clbit),))


class Reset(Irreversible):
    """Reset of a qubit to 0."""

    name = "reset"


MEASURE = Measure()
RESET = Reset()
