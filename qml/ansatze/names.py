"""Ansätze by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from qml.ansatze.convolutional import QCNN
from qml.ansatze.entangling import BasicEntangling, ControlledRotations, StronglyEntangling
from qml.ansatze.iqp import IQP
from qml.ansatze.n_local import NLocal
from qml.ansatze.particle_conserving import ParticleConservingU1, ParticleConservingU2
from qml.ansatze.random_layers import RandomLayers
from qml.ansatze.tensor_networks import MERA, MPS, TTN
from qml.ansatze.trait import Ansatz
from qml.ansatze.two_design import SimplifiedTwoDesign
from qml.settings import check_layers
from simulator.circuit import Circuit
from simulator.gates import Angle
from simulator.names import by_name
from simulator.parameters import ParameterVector

__all__ = ["ANSATZE", "ansatz_circuit", "get_ansatz"]

ANSATZE: dict[str, Callable[..., Ansatz]] = {
    "strongly_entangling": StronglyEntangling,
    "controlled_rotations": ControlledRotations,
    "basic": BasicEntangling,
    "real_amplitudes": NLocal,
    "efficient_su2": partial(NLocal, rotations=("ry", "rz")),
    "hardware_efficient": partial(NLocal, rotations=("rz", "rx", "rz"), entanglement="pairwise"),
    "simplified_two_design": SimplifiedTwoDesign,
    "random": RandomLayers,
    "particle_conserving_u1": ParticleConservingU1,
    "particle_conserving_u2": ParticleConservingU2,
    "mps": MPS,
    "ttn": TTN,
    "mera": MERA,
    "qcnn": QCNN,
    "iqp": IQP,
}
"""Ansätze by name; ``get_ansatz`` passes its options to them."""


def get_ansatz(ansatz: str | Ansatz, **options: Any) -> Ansatz:
    """Return the ansatz of a name, or the object itself.

    Parameters
    ----------
    ansatz : str or Ansatz
        One of ``ANSATZE``, in any case.
    **options
        Settings for the ansatz of that name, such as ``entanglement="circular"``.

    Raises
    ------
    UnknownNameError
        If the name is unknown, or the ansatz of that name has no such setting; the nearest names are suggested.
    TypeError
        If it is neither a name nor an ansatz, or options come with an object.
    """
    return by_name("ansatz", ansatz, ANSATZE, Ansatz, options)


def ansatz_circuit(
    ansatz: str | Ansatz, num_qubits: int, num_layers: int, weights: Sequence[Angle] | None = None
) -> Circuit:
    """Build all layers of an ansatz as one circuit.

    Parameters
    ----------
    ansatz : str or Ansatz
    num_qubits, num_layers : int
    weights : sequence of float or Expression, optional
        Weights of the circuit; by default a new ``ParameterVector("w", ...)``.

    Examples
    --------
    >>> ansatz_circuit("real_amplitudes", num_qubits=3, num_layers=2).num_parameters
    9
    """
    ansatz = get_ansatz(ansatz)
    if weights is None:
        check_layers("num_layers", num_layers)
        weights = ParameterVector("w", ansatz.num_weights(num_qubits, num_layers))
    circuit = Circuit(num_qubits)
    for layer in ansatz.layers(num_qubits, num_layers, weights):
        circuit = circuit.compose(layer)
    return circuit
