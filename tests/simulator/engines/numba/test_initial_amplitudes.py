"""Large states that begin with explicit amplitudes: read by the first stage, or reordered while they are copied."""

import numpy as np
import pytest

from simulator import Circuit, Z
from simulator.engines.choice import using
from simulator.engines.numba import reordering
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from tests.simulator import reference
from tests.simulator.engines.numba.test_reordering import indices, invertible
from tests.simulator.engines.test_engine import TOLERANCE

BLOCKED = Options(batch_qubits=0, big_qubits=0, block_bits=7, part_bits=5)
NUM_QUBITS = 10
LAYERS = {
    "no gates": "",
    "diagonal": "z",
    "one stage": "r",
    "several stages": "h",
    "flips": "x",
    "cnots": "c",
    "cnots between stages": "rcr",
}
MATRICES = {
    "z": np.diag([1, np.exp(0.3j)]),
    "r": np.array([[np.cos(0.2), -1j * np.sin(0.2)], [-1j * np.sin(0.2), np.cos(0.2)]]),
    "h": np.array([[1, 1], [1, -1]]) / np.sqrt(2),
    "x": np.array([[0, 1], [1, 0]]),
    "c": np.eye(4)[[0, 3, 2, 1]],
}


def layer(circuit, letter):
    """The circuit with a layer of gates, and the steps of the reference."""
    n, steps = circuit.num_qubits, []
    for q in range(4 if letter == "r" else n):
        qubits = (q, (q + 3) % n) if letter == "c" else (q,)
        name, angles = {"z": ("p", [0.3]), "r": ("rx", [0.4]), "h": ("h", []), "x": ("x", []), "c": ("cx", [])}[letter]
        circuit = getattr(circuit, name)(*angles, *qubits)
        steps.append((MATRICES[letter], qubits))
    return circuit, steps


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("letters", LAYERS.values(), ids=LAYERS)
def test_layers_on_given_amplitudes(letters, precision):
    rng = np.random.default_rng(11)
    psi = rng.normal(size=1 << NUM_QUBITS) + 1j * rng.normal(size=1 << NUM_QUBITS)
    psi /= np.linalg.norm(psi)
    circuit, steps = Circuit(NUM_QUBITS).initialize(psi, range(NUM_QUBITS)), []
    for letter in letters:
        circuit, more = layer(circuit, letter)
        steps += more
    expected = reference.statevector(steps, NUM_QUBITS, psi)
    sign = 1 - 2 * (np.arange(1 << NUM_QUBITS) >> 8 & 1)
    with using(NumbaEngine(BLOCKED)):
        np.testing.assert_allclose(circuit.statevector(precision=precision), expected, atol=TOLERANCE[precision])
        value = circuit.expectation(Z(8), precision=precision)
    np.testing.assert_allclose(value, np.sum(sign * np.abs(expected) ** 2), atol=10 * TOLERANCE[precision])


@pytest.mark.parametrize("bits", [6, 10])
def test_one_pass_copies_amplitudes_in_any_order(bits):
    rng = np.random.default_rng(12)
    amplitudes = rng.normal(size=1 << NUM_QUBITS) + 1j * rng.normal(size=1 << NUM_QUBITS)
    columns, offset = invertible(NUM_QUBITS, rng.integers(0, NUM_QUBITS, (60, 2)).tolist()), 0b1011001101
    specs = reordering.pass_elsewhere(columns, offset, 3, bits)
    out = reordering.to_complex(np.empty(2 << NUM_QUBITS), specs, 3, 1j, amplitudes)
    np.testing.assert_array_equal(out, 1j * amplitudes[indices(columns, offset)])
