"""What bad input to large, noisy and sampled circuits gets: an error that says what was expected and what came."""

import re

import numpy as np
import pytest

from simulator import (
    Circuit,
    CircuitError,
    NoiseError,
    NoiseModel,
    NumbaBackend,
    ObservableError,
    Parameter,
    QumbaError,
    StateTooLargeError,
    Z,
    depolarizing,
)
from simulator.errors import UnknownNameError
from simulator.noise import (
    amplitude_damping,
    bit_flip,
    estimate,
    kraus,
    pauli_channel,
    phase_damping,
    phase_flip,
    thermal_relaxation,
)

PLAIN, THETA = Circuit(2).h(0), Parameter("theta")
NOISY = NoiseModel(after_1q=bit_flip(0.1))
DAMPED = NoiseModel(after_1q=amplitude_damping(0.1))


@pytest.mark.parametrize(
    ("operators", "message"),
    [
        ([np.eye(2) / 2], "not complete, the channel does not preserve the trace: |sum K^dagger K - 1| = 0.75"),
        ([np.eye(2), 0.1 * np.eye(2)], "|sum K^dagger K - 1| = 0.01 (allowed 1e-08)"),
        ([np.nan * np.eye(2)], "NaN or infinity"),
        ([np.eye(2), np.eye(4)], "matrices of one shape"),
        ([np.eye(3)], "(m, 2**k, 2**k) expected, got (1, 3, 3)"),
        ([], "(m, 2**k, 2**k) expected, got (0,)"),
    ],
)
def test_kraus_operators_that_are_no_channel(operators, message):
    with pytest.raises(NoiseError, match=re.escape(message)):
        kraus(operators)


@pytest.mark.parametrize("channel", [bit_flip, phase_flip, depolarizing, phase_damping, amplitude_damping])
@pytest.mark.parametrize("p", [-0.1, 1.4, float("nan"), float("inf"), "much"])
def test_probabilities_outside_0_and_1(channel, p):
    largest = "4/3" if channel is depolarizing else "1"
    with pytest.raises(NoiseError, match=f"{channel.__name__}: .* between 0 and {largest}, got {p!r}"):
        channel(p)


def test_other_numbers_that_no_channel_has():
    with pytest.raises(NoiseError, match=r"sum to 1\.4, more than 1"):
        pauli_channel({"X": 0.7, "Z": 0.7})
    with pytest.raises(NoiseError, match="t2 is at most 2 t1, got t1 = 10, t2 = 30"):
        thermal_relaxation(10, 30, 1)
    with pytest.raises(NoiseError, match=r"readout: .* between 0 and 1, got 1\.5"):
        NoiseModel(readout=1.5)


@pytest.mark.parametrize("noise", [None, NOISY])
@pytest.mark.parametrize("method", ["sample", "sample_array"])
@pytest.mark.parametrize("shots", [0, -1, 1.5, 10.0, True, "10", None])
def test_shots_that_are_no_positive_whole_number(shots, method, noise):
    with pytest.raises(ValueError, match=f"shots is an integer of at least 1, got {re.escape(repr(shots))}"):
        getattr(PLAIN, method)(shots=shots, noise=noise)


@pytest.mark.parametrize("trajectories", [0, -1, 1.5, True])
def test_trajectories_that_are_no_positive_whole_number(trajectories):
    with pytest.raises(NoiseError, match=f"trajectories is an integer of at least 1, got {trajectories!r}"):
        PLAIN.expectation(Z(0), noise=NOISY, trajectories=trajectories)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PLAIN.measure(0, 0), "measure: the circuit has no classical bits, not bit 0; Circuit(2, 1) has it"),
        (lambda: Circuit(2, 1).measure([0, 1], [0, 1]), "has 1 classical bit, not bit 1; Circuit(2, 2) has it"),
        (lambda: Circuit(2, 2).measure(2, 0), "measure: qubit 2 is out of range for a circuit of 2 qubits"),
        (lambda: Circuit(2, 1).if_test((1, 1), Circuit(1).x(0)), "has 1 classical bit, not bit 1"),
        (lambda: PLAIN.sample(qubits=[2]), "a qubit from 0 to 1 expected, got 2"),
        (lambda: PLAIN.sample(qubits=1.5), "a qubit from 0 to 1 expected, got 1.5"),
    ],
)
def test_bits_that_are_not_there(make, message):
    with pytest.raises(QumbaError, match=re.escape(message)) as raised:
        make()
    assert isinstance(raised.value, CircuitError)


@pytest.mark.parametrize(
    "call",
    [
        lambda wide: PLAIN.expectation(wide),
        lambda wide: PLAIN.expectation([Z(0), wide]),
        lambda wide: PLAIN.gradient(wide),
        lambda wide: PLAIN.gradient(wide, method="parameter_shift"),
        lambda wide: PLAIN.expectation_and_gradient(wide),
        lambda wide: PLAIN.expectation(wide, noise=NOISY),
        lambda wide: PLAIN.gradient(wide, noise=NOISY),
        lambda wide: PLAIN.expectation(wide, noise=DAMPED, trajectories=10),
        lambda wide: estimate(PLAIN, wide, noise=NOISY),
    ],
)
def test_a_hamiltonian_on_more_qubits_than_the_circuit(call):
    with pytest.raises(ObservableError, match="acts on qubit 2, so it needs 3 qubits; the state has 2"):
        call(0.5 * Z(0) + Z(1) @ Z(2))


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.statevector(),
        lambda c: c.probabilities(),
        lambda c: c.sample(),
        lambda c: c.measure_all().h(0).sample(),
        lambda c: c.expectation(Z(0)),
        lambda c: c.expectation(Z(0), noise=DAMPED),
        lambda c: c.density_matrix(),
        lambda c: c.ry(THETA, 1).gradient(Z(1), [0.1]),
    ],
)
def test_what_does_not_fit_is_refused_with_the_sizes(call):
    with pytest.raises(StateTooLargeError, match=r"50 qubits .*needs .* available: at most \d+ qubits fit; "):
        call(Circuit(50).h(0))


def test_finite_differences_are_not_made_in_single_precision():
    with pytest.raises(QumbaError, match="precision='single' goes with method='adjoint', got 'finite_difference'"):
        Circuit(1).ry(THETA, 0).gradient(Z(0), [0.1], method="finite_difference", precision="single")


@pytest.mark.parametrize("noise", [None, NOISY])
@pytest.mark.parametrize(
    "call",
    [
        lambda **options: PLAIN.expectation(Z(0), **options),
        lambda **options: PLAIN.gradient(Z(0), **options),
        lambda **options: PLAIN.expectation_and_gradient(Z(0), **options),
        lambda **options: PLAIN.sample(shots=10, **options),
        lambda **options: PLAIN.sample_array(shots=10, **options),
        lambda **options: NumbaBackend(**options),
    ],
)
def test_an_unknown_precision_is_refused_with_and_without_noise(call, noise):
    with pytest.raises(UnknownNameError, match="unknown precision 'half'; expected one of double, single"):
        call(noise=noise, precision="half")
