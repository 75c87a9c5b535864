"""Hypothesis strategies for circuits and Pauli sums."""

import math

import numpy as np
from hypothesis import strategies as st

from simulator import Circuit, Parameter, ParameterVector, PauliSum, gates

ANGLES = st.floats(-2 * math.pi, 2 * math.pi)


def unitary(seed, size):
    """A random unitary: the Q of a complex Gaussian matrix."""
    rng = np.random.default_rng(seed)
    return np.linalg.qr(rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size)))[0]


@st.composite
def operations(draw, num_qubits, angles=ANGLES):
    """An operation: a standard gate, perhaps with more controls, or one of the other kinds."""
    kind = draw(st.sampled_from(["standard"] * 6 + ["controlled", "unitary", "diagonal", "pauli", "rotation"]))
    seed = draw(st.integers(0, 2**16))
    rng = np.random.default_rng(seed)
    size = draw(st.integers(1, min(2, num_qubits)))
    if kind == "unitary":
        gate = gates.Fixed("unitary", unitary(seed, 1 << size))
    elif kind == "diagonal":
        gate = gates.Diagonal("diagonal", rng.uniform(-3, 3, 1 << size))
    elif kind == "pauli":
        gate = gates.PauliRotation(draw(st.text("IXYZ", min_size=1, max_size=num_qubits)))
    elif kind == "rotation":
        generator = unitary(seed, 1 << size)
        gate = gates.Rotation("of_ours", generator + generator.conj().T)
    else:
        fitting = [g for g in gates.STANDARD.values() if g.num_qubits <= num_qubits]
        gate = draw(st.sampled_from(fitting))
        room = num_qubits - gate.num_qubits
        if kind == "controlled" and room:
            values = draw(st.lists(st.integers(0, 1), min_size=1, max_size=min(2, room)))
            gate = gate.controlled(len(values), values)
    qubits = draw(st.permutations(range(num_qubits)))[: gate.num_qubits]
    return gate(*(draw(angles) for _ in range(gate.num_params)), *qubits)


@st.composite
def circuits(draw, max_qubits=4, max_gates=8, num_qubits=None):
    """A circuit without parameters."""
    width = draw(st.integers(1, max_qubits)) if num_qubits is None else num_qubits
    return Circuit(width, draw(st.lists(operations(width), max_size=max_gates)))


@st.composite
def parametrised_circuits(draw, max_qubits=3, max_gates=6):
    """A circuit whose angles are affine expressions of the same few parameters."""
    vector = ParameterVector("x", 3)
    pool = [Parameter("theta"), Parameter("phi"), *vector]
    factors = st.sampled_from([1.0, -1.0, 2.0, 0.5])
    terms = st.tuples(factors, st.sampled_from(pool))
    affine = st.builds(lambda rows, shift: sum((c * p for c, p in rows), shift), st.lists(terms, max_size=2), ANGLES)
    width = draw(st.integers(1, max_qubits))
    return Circuit(width, draw(st.lists(operations(width, angles=affine), min_size=1, max_size=max_gates)))


@st.composite
def pauli_sums(draw, num_qubits=3, max_terms=6):
    """A Pauli sum, in which strings may repeat or cancel before they are merged."""
    masks = st.integers(0, 2**num_qubits - 1)
    rows = draw(st.lists(st.tuples(masks, masks, st.integers(-8, 8)), max_size=max_terms))
    x, z, c = zip(*rows, strict=True) if rows else ((), (), ())
    return PauliSum(np.array(x, int), np.array(z, int), np.array(c) / 4)
