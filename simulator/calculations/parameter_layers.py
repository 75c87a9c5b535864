"""Layers of a circuit's parametrised gates, the blocks of a block-diagonal metric."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.calculations.parameter_shift import expanded
from simulator.operations.sequence import OperationSequence
from simulator.parameters import Expression, Parameter

__all__ = ["parameter_layers"]


def parameter_layers(circuit: OperationSequence, parameters: Sequence[Parameter]) -> NDArray[np.intp]:
    """Number the layer of each parameter: gates of one layer do not depend on each other.

    A gate with a parameter is in the layer after the last one whose gates its qubits depend on, directly or through
    other gates.

    Parameters
    ----------
    circuit : Circuit
    parameters : sequence of Parameter
        Parameters of interest; gates that depend on others only do not count.

    Returns
    -------
    int ndarray, shape (len(parameters),)
        Layer of the first gate that depends on the parameter; -1 if there is none.

    References
    ----------
    Stokes, Izaac, Killoran, Carleo, arXiv:1909.02108.

    Examples
    --------
    >>> from simulator import Circuit, ParameterVector
    >>> w = ParameterVector("w", 4)
    >>> parameter_layers(Circuit(2).ry(w[0], 0).ry(w[1], 1).cx(0, 1).rz(w[2], 1).rz(w[3], 0), w)
    array([0, 0, 1, 1])
    """
    numbers = {parameter: k for k, parameter in enumerate(parameters)}
    out = np.full(len(numbers), -1)
    past = [-1] * circuit.num_qubits  # last layer with a gate that the qubit's state depends on
    for operation in expanded(circuit.operations):
        latest = max((past[q] for q in operation.qubits), default=-1)
        listed = [
            numbers[parameter]
            for angle in operation.angles
            if isinstance(angle, Expression)
            for parameter in angle.terms
            if parameter in numbers
        ]
        if listed:
            latest += 1
            for number in listed:
                out[number] = latest if out[number] < 0 else out[number]
        for q in operation.qubits:
            past[q] = latest
    return out
