"""Gates defined by their arguments: matrices, phases, amplitudes, Pauli strings.

These functions are methods of `Circuit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulator import gates
from simulator.errors import CircuitError, GateError, counted
from simulator.operations.arguments import as_qubits
from simulator.operations.sequence import CircuitT
from simulator.parameters import Expression

__all__ = ["diagonal", "initialize", "pauli_rotation", "unitary"]


def unitary(circuit: CircuitT, matrix: ArrayLike, qubits: int | Sequence[int], check: bool = True) -> CircuitT:
    """Apply a unitary matrix, shape (2**k, 2**k); ``qubits[0]`` is the lowest bit of its index.

    Raises
    ------
    GateError
        If the shape does not fit the qubits, the matrix is not unitary or contains NaN.
        ``check=False`` accepts a matrix that is not unitary; results are then not normalised.
    """
    targets = as_qubits(qubits)
    shape = np.shape(matrix)
    if len(shape) == 2 and shape != (1 << len(targets),) * 2:
        size = 1 << len(targets)
        raise GateError(
            f"unitary: a matrix on {counted(len(targets), 'qubit')} has shape ({size}, {size}), got {shape}"
        )
    return circuit.append(gates.Fixed("unitary", matrix, check=check)(*targets))


def diagonal(circuit: CircuitT, phases: ArrayLike, qubits: int | Sequence[int]) -> CircuitT:
    """Apply ``diag(exp(i * phases))``, phases (2**k,) in radians; ``qubits[0]`` is the lowest bit."""
    targets = as_qubits(qubits)
    if np.ndim(phases) == 1 and np.size(phases) != 1 << len(targets):
        raise GateError(
            f"diagonal: {counted(len(targets), 'qubit')} need {1 << len(targets)} phases, got {np.size(phases)}"
        )
    return circuit.append(gates.Diagonal("diagonal", phases)(*targets))


def initialize(
    circuit: CircuitT,
    amplitudes: ArrayLike | Sequence[Any],
    qubits: int | Sequence[int] | None = None,
    normalize: bool = False,
) -> CircuitT:
    """Prepare amplitudes on qubits that no gate has acted on yet.

    Parameters
    ----------
    amplitudes : array_like of complex, or sequence of Expression, shape (2**k,)
        Expressions are real amplitudes; they are normalised when their values are known.
    qubits : sequence of k int, optional
        All qubits by default; ``qubits[0]`` is the lowest bit.
    normalize : bool
        Whether to normalise the amplitudes; otherwise a norm other than 1 is an error.

    Raises
    ------
    GateError
        If the number of amplitudes does not match the qubits, the norm is not 1, all are zero, or one is NaN.
    CircuitError
        If a gate already acts on one of the qubits.
    """
    targets = as_qubits(range(circuit.num_qubits) if qubits is None else qubits)
    symbolic = getattr(amplitudes, "dtype", np.dtype(object)).kind == "O" and any(
        isinstance(a, Expression) for a in np.asarray(amplitudes, object).ravel()
    )
    if np.ndim(amplitudes) == 1 and np.size(amplitudes) != 1 << len(targets):
        raise GateError(
            f"initialize: {counted(len(targets), 'qubit')} need {1 << len(targets)} amplitudes, "
            f"got {np.size(amplitudes)}"
        )
    if symbolic:
        operation = gates.AmplitudeEncoding(len(targets))(*amplitudes, *targets)  # type: ignore[misc]
    else:
        operation = gates.StatePreparation(amplitudes, normalize=normalize)(*targets)
    for earlier in circuit.operations:
        if not set(earlier.qubits).isdisjoint(operation.qubits):
            raise CircuitError(
                f"initialize must come first on qubits {operation.qubits}, "
                f"but {earlier.gate.name} acts on {earlier.qubits} before"
            )
    return circuit.append(operation)


def pauli_rotation(circuit: CircuitT, label: str, theta: float | Expression, qubits: int | Sequence[int]) -> CircuitT:
    """Apply ``exp(-i theta/2 P)`` for a Pauli string; the last character of its label is ``qubits[0]``.

    The letters of `PauliSum.terms` are in the order of the qubits, so they are reversed here.

    Examples
    --------
    A step of Trotter's formula, ``exp(-i t H)`` up to the order of the terms:

    >>> from simulator import Circuit, X, Y, Z
    >>> hamiltonian, t = Z(0) @ X(1) + 0.5 * Y(0), 0.1
    >>> circuit = Circuit(2)
    >>> for letters, qubits, coefficient in hamiltonian.terms:
    ...     circuit = circuit.pauli_rotation(letters[::-1], 2 * coefficient * t, qubits)
    >>> [operation.gate.name for operation in circuit]
    ['ry', 'rxz']
    """
    targets = as_qubits(qubits)
    gate = gates.PauliRotation(label)
    if len(targets) != gate.num_qubits:
        raise CircuitError(f"the Pauli string {label!r} takes {gate.num_qubits} qubits, got {targets}")
    return circuit.append(gate(theta, *targets))
