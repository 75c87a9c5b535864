"""States that do not fit are refused before anything is allocated."""

import numpy as np
import pytest

from simulator import (
    Circuit,
    NoiseModel,
    Parameter,
    ParameterVector,
    StateTooLargeError,
    X,
    Z,
    memory,
    reduced_density_matrix,
)
from simulator.noise.readout import read_through


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_state_that_does_not_fit_is_refused_with_the_sizes(monkeypatch, precision):
    monkeypatch.setattr(memory, "available_bytes", lambda: 3 << 30)
    fits = 27 if precision == "double" else 28
    with pytest.raises(StateTooLargeError) as error:
        memory.check_state(40, 1, precision)
    text = str(error.value)
    assert "40 qubits" in text
    assert "3 GiB are available" in text
    assert f"at most {fits} qubits fit" in text
    assert ("precision='single'" in text) == (precision == "double")
    assert isinstance(error.value, MemoryError)
    memory.check_state(fits, 1, precision)


@pytest.mark.parametrize("num_qubits", [1000, 10**6, 10**15])
def test_sizes_beyond_the_range_of_doubles_are_refused_too(num_qubits):
    with pytest.raises(StateTooLargeError, match=f"a state of {num_qubits} qubits .* more than .* TiB"):
        memory.check_state(num_qubits, 1, "double")
    with pytest.raises(StateTooLargeError, match=f"{num_qubits} qubits"):
        memory.check_density(num_qubits, 1)


@pytest.mark.parametrize("call", ["statevector", "probabilities", "sample"])
def test_circuits_refuse_at_once(call):
    with pytest.raises(StateTooLargeError, match="50 qubits in double precision needs"):
        getattr(Circuit(50).h(0), call)()


def test_expectations_refuse_too():
    for qubits in (50, 62):
        with pytest.raises(StateTooLargeError, match=f"{qubits} qubits"):
            Circuit(qubits).h(0).expectation(Z(0))


@pytest.mark.parametrize("num_qubits", [50, 59, 61, 62, 64, 200])
def test_batches_refuse_where_indices_have_too_few_bits(num_qubits):
    theta = Parameter("theta")
    circuit = Circuit(num_qubits).ry(theta, 0).cx(0, num_qubits - 1)
    for call in (circuit.expectation, circuit.gradient):
        with pytest.raises(StateTooLargeError, match=f"{num_qubits} qubits in double precision needs"):
            call(Z(0), [[0.1], [0.2]])


def test_readout_errors_far_from_the_observable_do_not_matter():
    noise = NoiseModel(readout=0.1)
    observable = read_through(Z(1), noise.readout_flips(70))
    assert observable == 0.8 * Z(1)


def test_matrices_refuse_at_once(monkeypatch):
    state = np.zeros(1 << 12)
    state[0] = 1.0
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 27)
    assert Z(0).matrix(11).shape == (2048, 2048)
    with pytest.raises(StateTooLargeError, match="12 qubits needs 256 MiB, 128 MiB are .* at most 11 qubits"):
        reduced_density_matrix(state, range(12))
    with pytest.raises(StateTooLargeError, match="a matrix of 40 qubits"):
        (Z(39) @ X(0)).matrix()


def test_what_is_available_is_less_than_the_machine_has():
    assert 0 < memory.available_bytes() < 1 << 50


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ParameterVector("x", 2**70), "parameter vector x: 1.2e.21 parameters need"),
        (lambda: ParameterVector("x", 10**9), "parameter vector x: 1,000,000,000 parameters need 168 GiB, 4 GiB are"),
        (lambda: Circuit(2).h(range(10**9)), "h on several qubits: 1,000,000,000 operations need"),
        (
            lambda: Circuit(2).h(0).repeat(10**9),
            "repeat: 1,000,000,000 operations .*at most 134,217,728 fit",
        ),
        (lambda: Circuit(2).h(0).power(-(2**70)), "repeat: .* operations need"),
        (lambda: Circuit(2).h(0).sample(shots=10**15), "sample: 1e.15 shots need"),
        (
            lambda: Circuit(2).h(0).expectation(Z(0), noise=NoiseModel(readout=0.1), trajectories=10**15),
            "noise: 1e.15 trajectories need",
        ),
    ],
)
def test_counts_that_do_not_fit_are_refused_at_once(call, text, monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 4 << 30)
    with pytest.raises(StateTooLargeError, match=text):
        call()
