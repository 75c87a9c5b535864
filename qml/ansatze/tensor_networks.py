"""Tensor networks as circuits: matrix product states, trees and MERA, of one two-qubit block.

A block on a pair of qubits is a tensor; where blocks share a qubit, their tensors share an index. One layer is the
network; further layers apply it again with other weights.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from qml.ansatze.blocks import block_circuit, checked_block, place
from qml.ansatze.trait import Ansatz, check_at_least_two, checked_weights
from simulator.circuit import Circuit
from simulator.errors import CircuitError
from simulator.gates import Angle

__all__ = ["MERA", "MPS", "TTN"]

Pairs = list[tuple[int, int]]


@dataclass(frozen=True)
class _TensorNetwork(Ansatz):
    """Block on pairs of qubits, each with weights of its own."""

    block: str | Circuit = "so4"

    def __post_init__(self) -> None:
        object.__setattr__(self, "block", checked_block(self.block))

    @abstractmethod
    def pairs(self, num_qubits: int) -> Pairs:
        """Return the pairs of qubits that blocks act on, in order."""

    @abstractmethod
    def readout_qubits(self, num_qubits: int, num_layers: int = 1) -> tuple[int, ...]:
        """Return the qubits that the last blocks act on last, which a model reads out."""

    def num_weights(self, num_qubits: int, num_layers: int) -> int:
        """Weights of a block, times blocks, times layers."""
        return block_circuit(self.block).num_parameters * len(self.pairs(num_qubits)) * num_layers

    def layers(self, num_qubits: int, num_layers: int, weights: Sequence[Angle]) -> list[Circuit]:
        """Return one circuit per layer: the whole network."""
        angles = iter(checked_weights(self, num_qubits, num_layers, weights))
        block, out = block_circuit(self.block), []
        for _ in range(num_layers):
            circuit = Circuit(num_qubits)
            for pair in self.pairs(num_qubits):
                circuit = place(circuit, block, angles, pair)
            out.append(circuit)
        return out


@dataclass(frozen=True)
class MPS(_TensorNetwork):
    """Matrix product state: a block on each pair of neighbours, from the first to the last.

    PennyLane's ``MPS`` with blocks of two qubits. Weights are in the order (layer, pair, weight of the block).

    Parameters
    ----------
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit(MPS("ry_cx"), num_qubits=3, num_layers=2).draw(fold=110))
         ┌──────────┐     ┌──────────┐
    q_0: ┤ Ry(w[0]) ├──■──┤ Ry(w[4]) ├───────────────────■───────────────────
         ├──────────┤┌─┴─┐├──────────┤     ┌──────────┐┌─┴─┐┌──────────┐
    q_1: ┤ Ry(w[1]) ├┤ X ├┤ Ry(w[2]) ├──■──┤ Ry(w[5]) ├┤ X ├┤ Ry(w[6]) ├──■──
         ├──────────┤└───┘└──────────┘┌─┴─┐├──────────┤└───┘└──────────┘┌─┴─┐
    q_2: ┤ Ry(w[3]) ├─────────────────┤ X ├┤ Ry(w[7]) ├─────────────────┤ X ├
         └──────────┘                 └───┘└──────────┘                 └───┘

    References
    ----------
    Huggins, Patil, Mitchell, Whaley and Stoudenmire, arXiv:1803.11537.
    """

    def pairs(self, num_qubits: int) -> Pairs:
        """Return the pairs of neighbours."""
        check_at_least_two("MPS", num_qubits)
        return [(q, q + 1) for q in range(num_qubits - 1)]

    def readout_qubits(self, num_qubits: int, num_layers: int = 1) -> tuple[int, ...]:
        """Return the last qubit, which depends on all the others."""
        return (num_qubits - 1,)


@dataclass(frozen=True)
class TTN(_TensorNetwork):
    """Tree tensor network: blocks on pairs, then on pairs of their second qubits, up to the root.

    PennyLane's ``TTN`` with blocks of two qubits. Weights are in the order (layer, pair, weight of the block). The
    number of qubits is a power of two.

    Parameters
    ----------
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.

    Examples
    --------
    Read out at its root, it is the classifier of Grant et al.:

    >>> from qml import VariationalClassifier, ansatz_circuit
    >>> from simulator import Z
    >>> tree = TTN("ry_cx")
    >>> root = [Z(qubit) for qubit in tree.readout_qubits(num_qubits=4)]
    >>> classifier = VariationalClassifier(ansatz=tree, n_qubits=4, n_layers=1, observables=root)
    >>> print(ansatz_circuit(tree, num_qubits=4, num_layers=2).draw(fold=110))
         ┌──────────┐     ┌──────────┐
    q_0: ┤ Ry(w[0]) ├──■──┤ Ry(w[6]) ├───────────────────■────────────────────
         ├──────────┤┌─┴─┐├──────────┤     ┌──────────┐┌─┴─┐┌───────────┐
    q_1: ┤ Ry(w[1]) ├┤ X ├┤ Ry(w[4]) ├──■──┤ Ry(w[7]) ├┤ X ├┤ Ry(w[10]) ├──■──
         ├──────────┤└───┘├──────────┤  │  └──────────┘└───┘└───────────┘  │
    q_2: ┤ Ry(w[2]) ├──■──┤ Ry(w[8]) ├──┼────────────────■─────────────────┼──
         ├──────────┤┌─┴─┐├──────────┤┌─┴─┐┌──────────┐┌─┴─┐┌───────────┐┌─┴─┐
    q_3: ┤ Ry(w[3]) ├┤ X ├┤ Ry(w[5]) ├┤ X ├┤ Ry(w[9]) ├┤ X ├┤ Ry(w[11]) ├┤ X ├
         └──────────┘└───┘└──────────┘└───┘└──────────┘└───┘└───────────┘└───┘

    References
    ----------
    Grant et al., "Hierarchical quantum classifiers", arXiv:1804.03680.
    """

    def pairs(self, num_qubits: int) -> Pairs:
        """Return the pairs of the tree, from the leaves to the root."""
        _check_power_of_two("TTN", num_qubits)
        spans = [1 << level for level in range((num_qubits - 1).bit_length())]
        return [(q - 1, q + span - 1) for span in spans for q in range(span, num_qubits, 2 * span)]

    def readout_qubits(self, num_qubits: int, num_layers: int = 1) -> tuple[int, ...]:
        """Return the last qubit, the root."""
        return (num_qubits - 1,)


@dataclass(frozen=True)
class MERA(_TensorNetwork):
    """Multi-scale entanglement renormalization ansatz: a tree whose branches are disentangled on each level.

    PennyLane's ``MERA`` with blocks of two qubits. Weights are in the order (layer, pair, weight of the block). The
    number of qubits is a power of two.

    Parameters
    ----------
    block : str or Circuit
        One of ``qml.ansatze.BLOCKS``, or a circuit on 2 qubits whose parameters become weights.

    Examples
    --------
    >>> from qml import ansatz_circuit
    >>> print(ansatz_circuit(MERA("ry_cx"), num_qubits=4, num_layers=1).draw(fold=110))
         ┌──────────┐┌───┐┌──────────┐          ┌──────────┐
    q_0: ┤ Ry(w[1]) ├┤ X ├┤ Ry(w[6]) ├───────■──┤ Ry(w[8]) ├──■──
         ├──────────┤└─┬─┘├──────────┤┌───┐  │  ├──────────┤┌─┴─┐
    q_1: ┤ Ry(w[0]) ├──■──┤ Ry(w[5]) ├┤ X ├──┼──┤ Ry(w[9]) ├┤ X ├
         ├──────────┤     ├──────────┤└─┬─┘┌─┴─┐└──────────┘└───┘
    q_2: ┤ Ry(w[2]) ├──■──┤ Ry(w[7]) ├──┼──┤ X ├─────────────────
         ├──────────┤┌─┴─┐├──────────┤  │  └───┘
    q_3: ┤ Ry(w[3]) ├┤ X ├┤ Ry(w[4]) ├──■────────────────────────
         └──────────┘└───┘└──────────┘

    References
    ----------
    Vidal, arXiv:quant-ph/0610099; as a classifier, Grant et al., arXiv:1804.03680.
    """

    def pairs(self, num_qubits: int) -> Pairs:
        """Return the pairs from the finest level to the top."""
        _check_power_of_two("MERA", num_qubits)
        level = [(0, 1)]
        top_down = list(level)
        while len(level) < num_qubits // 2:
            fresh = range(2 * len(level), 4 * len(level), 2)
            branches = [pair for q, (a, b) in zip(fresh, level, strict=True) for pair in ((a, q), (q + 1, b))]
            following = branches[1:] + branches[:1]
            level = [(left[1], right[0]) for left, right in zip(branches, following, strict=True)]
            top_down += branches + level
        return top_down[::-1]

    def readout_qubits(self, num_qubits: int, num_layers: int = 1) -> tuple[int, ...]:
        """Return the two qubits of the block at the top."""
        return (0, 1)


def _check_power_of_two(name: str, num_qubits: int) -> None:
    check_at_least_two(name, num_qubits)
    if num_qubits & (num_qubits - 1):
        below = 1 << (num_qubits.bit_length() - 1)
        raise CircuitError(
            f"{name} needs a power of two of qubits, got {num_qubits}; take {below} or {2 * below} "
            f"(n_qubits={2 * below} of an estimator), or MPS, which takes any number"
        )
