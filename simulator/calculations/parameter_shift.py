"""Parameter-shift rule, evaluated for all gates and samples as one batch of a single circuit.

Backends that can only measure run the same circuit at shifted angles. Here every rotation has a separate parameter, so
that one circuit suffices: it is transpiled once, and all shifts are values of its parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.errors import ParameterError, QumbaError
from simulator.gates import Operation
from simulator.operations.sequence import CircuitT
from simulator.parameters import Expression, Parameter, ParameterVector
from simulator.range_reduction import affine, reduced_number

__all__ = ["ShiftedCircuit", "expanded", "shifted_circuit"]

FloatArray = NDArray[np.float64]


class ShiftedCircuit(Generic[CircuitT]):
    """Circuit with one parameter per rotation, and the values at which its expectations give all derivatives.

    Parameters
    ----------
    circuit : Circuit
    parameters : sequence of Parameter, optional
        Parameters to differentiate with respect to; all by default. Only rotations that depend on these are shifted.

    Attributes
    ----------
    circuit : Circuit
        Circuit with the same gates, composites expanded; its parameters are the angles.
    num_points : int
        Number of points per gradient: the point itself, and two per shift.

    Raises
    ------
    QumbaError
        If a gate that is not a rotation depends on one of the parameters.
    ParameterError
        If a parameter is not one of the circuit's.

    References
    ----------
    Wierichs, Izaac, Wang, Lin, arXiv:2107.12390: the rule for any spectrum, see `Rotation.shift_rule`.

    Examples
    --------
    >>> from simulator import Circuit, Parameter, Z
    >>> theta = Parameter("theta")
    >>> shifted = ShiftedCircuit(Circuit(1).ry(2 * theta, 0))
    >>> points = shifted.values(np.array([[0.2]]))
    >>> expectations = shifted.circuit.expectation([Z(0)], points)
    >>> np.allclose(shifted.gradient(expectations), -2 * np.sin(0.4))
    True
    """

    def __init__(self, circuit: CircuitT, parameters: Sequence[Parameter] | None = None) -> None:
        number = {parameter: k for k, parameter in enumerate(circuit.parameters)}
        wanted = circuit.parameters if parameters is None else tuple(parameters)
        for parameter in wanted:
            if parameter not in number:
                raise ParameterError(f"the circuit has no parameter {parameter}")
        listed = list(expanded(circuit.operations))
        angles = ParameterVector("angle", sum(isinstance(a, Expression) for op in listed for a in op.angles) or 1)
        rows: list[FloatArray] = []
        constants: list[float] = []
        repeats: list[bool] = []
        shifts: list[tuple[int, float, float]] = []  # angle, shift, weight
        operations = []
        for operation in listed:
            replaced: list[gates.Angle] = []
            for angle in operation.angles:
                if not isinstance(angle, Expression):
                    replaced.append(angle)
                    continue
                k = len(rows)
                row = np.zeros(len(number))
                for parameter, factor in angle.terms.items():
                    row[number[parameter]] = factor
                if not angle.terms.keys().isdisjoint(wanted):
                    shifts.extend((k, *term) for term in _rule(operation))
                rows.append(row)
                repeats.append(isinstance(operation.gate, gates.Rotation) and operation.gate.repeats)
                constants.append(reduced_number(angle.constant) if repeats[k] else angle.constant)
                replaced.append(angles[k])
            operations.append(Operation(operation.gate, operation.qubits, tuple(replaced)) if replaced else operation)
        self.circuit = circuit.with_operations(operations)
        self._rows = np.array(rows).reshape(len(rows), len(number))
        self._constants, self._repeats = np.array(constants), np.array(repeats, bool)
        self._parameters = circuit.parameters
        # the circuit lists its parameters by first use, which is the order in which the angles were numbered
        self._angles = np.array([k for k, _, _ in shifts], np.intp)
        self._shifts = np.array([shift for _, shift, _ in shifts])
        weights = np.array([weight for _, _, weight in shifts])
        columns = [number[parameter] for parameter in wanted]
        self._factors = weights[:, None] * self._rows[self._angles][:, columns].reshape(len(shifts), len(columns))
        self.num_points = 1 + 2 * len(shifts)

    def values(self, values: FloatArray) -> FloatArray:
        """Return the values of the angles at which to measure.

        Parameters
        ----------
        values : float ndarray, shape (n_sets, n_parameters), radians
            Values of the original circuit's parameters.

        Returns
        -------
        float ndarray, shape (n_sets * num_points, n_angles), radians
            For each set the point itself, then each shift forward and backward.
        """
        base = affine(self._constants, self._rows, values, self._repeats, self._parameters)
        out = np.repeat(base[:, None, :], self.num_points, axis=1)
        pair = 1 + 2 * np.arange(len(self._shifts))
        out[:, pair, self._angles] += self._shifts
        out[:, pair + 1, self._angles] -= self._shifts
        return out.reshape(len(base) * self.num_points, base.shape[1])

    def expectations(self, measured: FloatArray) -> FloatArray:
        """Select the expectations at the unshifted points, shape (n_sets, n_observables)."""
        return measured[:: self.num_points]

    def gradient(self, measured: FloatArray) -> FloatArray:
        """Compute derivatives with respect to the selected parameters.

        Parameters
        ----------
        measured : float ndarray, shape (n_sets * num_points, n_observables)
            Expectations at the points returned by `values`.

        Returns
        -------
        float ndarray, shape (n_sets, n_observables, n_wanted)
        """
        points = measured.reshape(len(measured) // self.num_points, self.num_points, measured.shape[1])
        differences = points[:, 1::2] - points[:, 2::2]
        return np.asarray(np.tensordot(differences, self._factors, axes=(1, 0)))


def shifted_circuit(circuit: CircuitT, parameters: tuple[Parameter, ...] | None = None) -> ShiftedCircuit[CircuitT]:
    """Return a cached `ShiftedCircuit`, so that its circuit is transpiled once instead of once per training step."""
    return _shifted_circuit(circuit, parameters)


_shifted_circuit = lru_cache(maxsize=32, typed=True)(ShiftedCircuit)


def _rule(operation: Operation) -> list[tuple[float, float]]:
    gate = operation.gate
    if not isinstance(gate, gates.Rotation):
        raise QumbaError(f"parameter shift needs rotations; {gate.name} is not a rotation")
    shifts, weights = gate.shift_rule
    return list(zip(shifts.tolist(), weights.tolist(), strict=True))


def expanded(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Iterate over the operations with composites replaced by their parts, at all depths."""
    for operation in operations:
        if isinstance(operation.gate, gates.Composite):
            yield from expanded(operation.gate.expand(operation.qubits, operation.angles))
        else:
            yield operation
