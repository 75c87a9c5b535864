"""Quantum convolutional neural network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from qml.ansatze.blocks import block_circuit, checked_block, place
from qml.ansatze.trait import Ansatz, checked_weights
from qml.settings import check_whole
from simulator import gates
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle

__all__ = ["QCNN"]

POOLING = (gates.CRZ, gates.RX.controlled(control_values=[0]))
"""Gates from a qubit that is left to its neighbour that stays: a rotation for each of the two measurement outcomes."""

FULLY_CONNECTED = (gates.RZ, gates.RY, gates.RZ)
"""Rotations of the last active qubit."""


@dataclass(frozen=True)
class QCNN(Ansatz):
    """Quantum convolutional neural network: layers of convolution and pooling, after which half of the qubits remain.

    A convolution is one block on all pairs of neighbours on the ring of active qubits, with the same weights: first the
    pair that closes the ring, then even pairs, then odd ones. Pooling rotates every other active qubit depending on its
    right neighbour, which is not used any more: controlled rotations have the same effect as a measurement of the
    neighbour and a rotation that depends on its outcome. Of an odd number the last qubit stays. When one qubit is
    left, a layer is a rotation RZ RY RZ of it. Weights are in the order (layer; block, two of the pooling).

    Parameters
    ----------
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.

    Examples
    --------
    A model reads out the qubits that remain:

    >>> from qml import VariationalClassifier, ansatz_circuit
    >>> from simulator import Z
    >>> qcnn = QCNN("ry_cx")
    >>> qcnn.readout_qubits(num_qubits=8, num_layers=2)
    (0, 4)
    >>> remaining = [Z(qubit) for qubit in qcnn.readout_qubits(8, 2)]
    >>> classifier = VariationalClassifier(ansatz=qcnn, n_qubits=8, n_layers=2, observables=remaining)
    >>> print(ansatz_circuit(qcnn, num_qubits=4, num_layers=2).draw(fold=110))
         ┌──────────┐     ┌──────────┐                      ┌──────────┐┌──────────┐┌──────────┐     ┌──────────┐»
    q_0: ┤ Ry(w[0]) ├──■──┤ Ry(w[0]) ├──■───────────────────┤ Rz(w[2]) ├┤ Rx(w[3]) ├┤ Ry(w[4]) ├──■──┤ Rz(w[6]) ├»
         ├──────────┤  │  └──────────┘┌─┴─┐┌──────────┐     └────┬─────┘└────┬─────┘└──────────┘  │  └────┬─────┘»
    q_1: ┤ Ry(w[1]) ├──┼──────────────┤ X ├┤ Ry(w[0]) ├──■───────■───────────o────────────────────┼───────┼──────»
         ├──────────┤  │              └───┘├──────────┤┌─┴─┐┌──────────┐┌──────────┐┌──────────┐┌─┴─┐     │      »
    q_2: ┤ Ry(w[0]) ├──┼────────────────■──┤ Ry(w[1]) ├┤ X ├┤ Rz(w[2]) ├┤ Rx(w[3]) ├┤ Ry(w[5]) ├┤ X ├─────■──────»
         ├──────────┤┌─┴─┐┌──────────┐┌─┴─┐└──────────┘└───┘└────┬─────┘└────┬─────┘└──────────┘└───┘            »
    q_3: ┤ Ry(w[1]) ├┤ X ├┤ Ry(w[1]) ├┤ X ├──────────────────────■───────────o───────────────────────────────────»
         └──────────┘└───┘└──────────┘└───┘                                                                      »
    «     ┌──────────┐
    «q_0: ┤ Rx(w[7]) ├
    «     └────┬─────┘
    «q_1: ─────┼──────
    «          │
    «q_2: ─────o──────
    «
    «q_3: ────────────
    «

    References
    ----------
    Cong, Choi and Lukin, arXiv:1810.03994; blocks, weights and pooling as in Hur, Kim and Park, arXiv:2108.00661.
    """

    block: str | Circuit = "su4"

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", checked_block(self.block))

    def readout_qubits(self, num_qubits: int, num_layers: int) -> tuple[int, ...]:
        """Return the qubits that are active after the last layer."""
        for name, value in (("num_qubits", num_qubits), ("num_layers", num_layers)):
            check_whole(name, value, error=CircuitError)
        return tuple(range(num_qubits))[:: 1 << num_layers]

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Weights of the block and of the pooling, in each layer; three in a layer on one qubit."""
        pooled = min(num_layers, (num_qubits - 1).bit_length())
        block = block_circuit(self.block).num_parameters + len(POOLING)
        return pooled * block + (num_layers - pooled) * len(FULLY_CONNECTED)

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        block, active, out = block_circuit(self.block), list(range(num_qubits)), []
        for _ in range(num_layers):
            circuit = Circuit(num_qubits)
            if len(active) == 1:
                circuit = circuit.append(*[rotation(next(angles), active[0]) for rotation in FULLY_CONNECTED])
            else:
                shared = [next(angles) for _ in block.parameters]
                for pair in _ring(active):
                    circuit = place(circuit, block, iter(shared), pair)
                pooling = [(gate, next(angles)) for gate in POOLING]
                for leaving, staying in zip(active[1::2], active[::2], strict=False):
                    circuit = circuit.append(*[gate(angle, leaving, staying) for gate, angle in pooling])
            active = active[::2]
            out.append(circuit)
        return out


def _ring(active: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of neighbours: the closing one, even ones, odd ones; two qubits have one pair."""
    neighbours = list(pairwise(active))
    closing = [(active[0], active[-1])] if len(active) > 2 else []
    return closing + neighbours[::2] + neighbours[1::2]
