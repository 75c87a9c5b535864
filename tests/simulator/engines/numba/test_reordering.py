"""Bringing a stored state into the circuit's order in place; and how much memory a state takes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.engines.numba import buffers, reordering

ROOT = Path(__file__).parents[4]


def invertible(num_qubits, steps):
    """The columns of a product of CNOTs."""
    columns = [1 << q for q in range(num_qubits)]
    for a, b in steps:
        if a % num_qubits != b % num_qubits:
            columns[a % num_qubits] ^= columns[b % num_qubits]
    return columns


def indices(columns, offset):
    """Where each basis state is stored."""
    index = np.array([offset])
    for column in columns:
        index = np.concatenate([index, index ^ column])
    return index


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.integers(6, 12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60),
    st.integers(0, 2**12 - 1),
    st.sampled_from([(3, np.float64), (4, np.float32)]),
    st.integers(0, 12),
)
def test_any_order_is_undone_in_place(num_qubits, steps, offset, lanes_and_dtype, bits):
    (lanes, dtype), width = lanes_and_dtype, 1 << lanes_and_dtype[0]
    columns, offset = invertible(num_qubits, steps), offset % 2**num_qubits
    rng = np.random.default_rng(0)
    stored = rng.integers(-9, 9, 2**num_qubits) + 1j * rng.integers(-9, 9, 2**num_qubits)
    psi = buffers.allocate(2 << num_qubits, dtype)
    vectors = psi.reshape(-1, 2, width)
    vectors[:, 0], vectors[:, 1] = stored.real.reshape(-1, width), stored.imag.reshape(-1, width)
    specs = reordering.passes(columns, offset, lanes, min(bits, num_qubits))
    found = reordering.to_complex(psi, specs, lanes, 1j)
    assert np.shares_memory(found, psi)
    np.testing.assert_array_equal(found, 1j * stored[indices(columns, offset)])


@pytest.mark.parametrize("num_qubits", [20, 30])
def test_few_passes_are_enough(num_qubits):
    rng = np.random.default_rng(1)
    mixed = invertible(num_qubits, rng.integers(0, num_qubits, (200, 2)).tolist())
    assert len(reordering.passes(mixed, 0, 3, 15)) <= 1 - (15 - num_qubits) // 9
    reversed_ = [1 << q for q in reversed(range(num_qubits))]
    assert len(reordering.passes(reversed_, 1, 3, 15)) <= 2
    assert len(reordering.passes([1 << q for q in range(num_qubits)], 0, 3, 15)) == 1


MOST_STATES = 1.2  # a copy would make it 2; the rest are blocks and compiled code, some 7 MiB
MEASURE = """
from simulator import Circuit, Z
def layers(n):
    circuit = Circuit(n)
    for q in range(n):
        circuit = circuit.ry(0.1 * q, q)
    for q in range(n):
        circuit = circuit.cx(q, (q + 1) % n)
    for q in range(n):
        circuit = circuit.rx(0.3 * q, q)
    return circuit
def work(n):
    layers(n).{call}
def memory(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) * 1024
work(17)
open("/proc/self/clear_refs", "w").write("5")  # forget the peak, which compiling made
before = memory("VmRSS")
work(23)
print((memory("VmHWM") - before) / 2**(23 + {bytes}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process its peak and forgets it")
@pytest.mark.parametrize(
    ("call", "log_bytes"),
    [
        ("statevector()", 4),
        ("statevector(precision='single')", 3),
        ("sample(shots=1000, seed=1)", 4),
        ("expectation(Z(3) @ Z(15))", 4),
    ],
)
def test_a_large_state_is_held_once(call, log_bytes):
    command = [sys.executable, "-c", MEASURE.format(call=call, bytes=log_bytes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert 0.9 < float(done.stdout) < MOST_STATES
