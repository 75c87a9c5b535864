"""Which qubits are entangled with which: the patterns of Qiskit's circuit library, by the same names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from simulator.errors import CircuitError
from simulator.names import choose

__all__ = ["PATTERNS", "Entanglement", "entangled_groups"]

PATTERNS = ("full", "linear", "reverse_linear", "circular", "sca", "pairwise")

Entanglement = str | Sequence[Sequence[int]]


def entangled_groups(
    entanglement: Entanglement, num_qubits: int, group_size: int = 2, layer: int = 0
) -> list[tuple[int, ...]]:
    """Return the groups of qubits that one layer entangles, in order.

    Parameters
    ----------
    entanglement : str or sequence of groups of qubits
        ``"full"`` (every group), ``"linear"`` (neighbours), ``"reverse_linear"``, ``"circular"`` (neighbours on a ring,
        the closing group first), ``"sca"`` (shifted, circular, alternating), ``"pairwise"`` (even pairs, then odd
        ones), or the groups themselves.
    num_qubits : int
    group_size : int
        Qubits in a group. Nothing is entangled when there are fewer qubits than that.
    layer : int
        Only ``"sca"`` differs from layer to layer.

    Returns
    -------
    list of tuple of int

    Raises
    ------
    UnknownNameError
        If there is no such pattern.
    CircuitError
        If given groups do not fit the qubits, or a pattern does not exist for this group size.

    Examples
    --------
    >>> entangled_groups("circular", 4)
    [(3, 0), (0, 1), (1, 2), (2, 3)]
    """
    if not isinstance(entanglement, str):
        return _checked_groups(entanglement, num_qubits, group_size)
    entanglement = choose("entanglement", entanglement, PATTERNS)
    if group_size > num_qubits:
        return []
    if entanglement == "full":
        return list(combinations(range(num_qubits), group_size))
    neighbours = [tuple(range(first, first + group_size)) for first in range(num_qubits - group_size + 1)]
    if entanglement == "linear":
        return neighbours
    if entanglement == "reverse_linear":
        return neighbours[::-1]
    if entanglement == "pairwise":
        if group_size != 2:
            raise CircuitError(f"pairwise entanglement is for groups of 2 qubits, got groups of {group_size}")
        return neighbours[::2] + neighbours[1::2]
    ring = neighbours
    if num_qubits > group_size:
        last = range(num_qubits - group_size + 1, num_qubits)
        ring = [tuple((first + k) % num_qubits for k in range(group_size)) for first in last] + neighbours
    if entanglement == "circular":
        return ring
    shift = layer % len(ring)
    shifted = ring[-shift:] + ring[:-shift] if shift else ring
    return [group[::-1] for group in shifted] if layer % 2 else shifted


def _checked_groups(groups: Sequence[Sequence[int]], num_qubits: int, group_size: int) -> list[tuple[int, ...]]:
    out = []
    for group in groups:
        qubits = tuple(group)
        if len(qubits) != group_size or len(set(qubits)) != group_size:
            raise CircuitError(f"entanglement expects groups of {group_size} distinct qubits, got {qubits}")
        if not all(0 <= qubit < num_qubits for qubit in qubits):
            raise CircuitError(f"entanglement {qubits} does not fit {num_qubits} qubits")
        out.append(qubits)
    return out
