"""Measurements, resets and conditions: how circuits hold them, and what comes out."""

import math
import pickle

import numpy as np
import pytest

from simulator import Circuit, CircuitError, NoiseModel, Parameter, X, Z, gates, set_num_threads


def test_classical_bits_are_part_of_the_circuit():
    circuit = Circuit(2, 2).h(0).measure([0, 1], [1, 0])
    assert circuit.num_clbits == 2
    assert circuit.measures
    assert circuit != Circuit(2, [gates.H(0)], 2)
    assert circuit == Circuit(2, circuit.operations, num_clbits=2)
    assert pickle.loads(pickle.dumps(circuit)) == circuit
    assert hash(circuit) == hash(Circuit(2, circuit.operations, 2))
    assert circuit.operations[1].clbits == (1,)
    assert circuit.measure_all().num_clbits == 4
    assert circuit.depth() == 2


def test_composing_places_classical_bits():
    part = Circuit(1, 1).measure(0, 0).if_test((0, 1), [gates.X(0)])
    whole = Circuit(3, 3).compose(part, [2], [1])
    assert whole.operations[0] == gates.Operation(gates.MEASURE, (2,), (), (1,))
    assert whole.operations[1].conditions == (gates.Condition((1,), 1),)
    with pytest.raises(CircuitError, match="classical bit"):
        Circuit(3, 0).compose(part, [2])


def test_binding_keeps_measurements():
    theta = Parameter("theta")
    circuit = Circuit(1, 1).measure(0, 0).if_test((0, 0), [gates.RX(theta, 0)]).bind({theta: math.pi})
    assert circuit.operations[1].conditions == (gates.Condition((0,), 0),)
    assert circuit.measure(0, 0).sample(shots=5, seed=0) == {"1": 5}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Circuit(2).measure(0, 0), "no classical bits"),
        (lambda: Circuit(2, 1).measure(0, 1), "1 classical bit, not bit 1"),
        (lambda: Circuit(2, 1).measure(2, 0), "out of range"),
        (lambda: Circuit(2, 1).measure([0, 1], [0]), "one classical bit per qubit"),
        (lambda: Circuit(2, -1), "0 or more"),
        (lambda: Circuit(1, 1).measure(0, 0).inverse(), "no inverse"),
        (lambda: Circuit(1).reset(0).controlled(), "cannot be controlled"),
        (lambda: Circuit(1, 1).measure(0, 0).to_matrix(), "no meaning"),
        (lambda: Circuit(1, 1).measure(0, 0).statevector(), "no meaning"),
        (lambda: Circuit(1, 1).measure(0, 0).expectation(Z(0)), "no meaning"),
        (lambda: Circuit(1, 1).measure(0, 0).gradient(Z(0)), "no meaning"),
        (lambda: Circuit(1, 1).if_test((0, 2), [gates.X(0)]), "is 0 to 1"),
        (lambda: Circuit(1, 1).if_test((1, 1), [gates.X(0)]), "not bit 1"),
        (lambda: Circuit(1, 1).if_test(0, [gates.X(0)]), "a condition is"),
        (lambda: Circuit(1, 1).if_test((0, 1), Circuit(1, 1).measure(0, 0)), "measures into bit 0"),
        (lambda: Circuit(1, 1).if_test((0, 1), [gates.X(0)]).inverse(), "cannot be undone"),
        (lambda: Circuit(1, 1).measure(0, 0).x(0).remove_final_measurements(), "in the middle"),
        (lambda: Circuit(1, 1).measure(0, 0).sample(qubits=[0]), "leave qubits out"),
    ],
)
def test_what_has_no_meaning_is_an_error(build, message):
    with pytest.raises(CircuitError, match=message):
        build()


def test_measurements_at_the_end_are_read_from_the_statevector():
    circuit = Circuit(3, 4).x(0).h(1).measure(0, 2).measure(1, 0).measure(0, 3)
    counts = circuit.sample(shots=1000, seed=1)
    assert set(counts) == {"1100", "1101"}
    assert abs(counts["1100"] - 500) < 80
    plain = circuit.remove_final_measurements()
    assert plain == Circuit(3).x(0).h(1)
    assert plain.expectation(Z(0)) == -1


def test_teleportation_carries_a_state_over():
    circuit = (
        Circuit(3, 2)
        .ry(0.7, 0)
        .h(1)
        .cx(1, 2)
        .cx(0, 1)
        .h(0)
        .measure([0, 1], [0, 1])
        .if_test((1, 1), Circuit(1).x(0), [2])
        .if_test((0, 1), [gates.Z(2)])
    )
    found = circuit.expectation([Z(2), X(2)], noise=NoiseModel(), trajectories=64, seed=3)
    np.testing.assert_allclose(found, [math.cos(0.7), math.sin(0.7)], atol=1e-12)


def test_conditions_on_several_bits_and_else():
    prepare = Circuit(3, 3).x(0).measure([0, 1], [0, 1])
    one = prepare.if_test(((0, 1), 1), [gates.X(2)]).measure(2, 2)
    two = prepare.if_test(((0, 1), 2), [gates.X(2)]).measure(2, 2)
    other = prepare.if_else(((0, 1), 2), [gates.H(2)], [gates.X(2)]).measure(2, 2)
    nested = prepare.if_test((0, 1), Circuit(3, 3).if_test((1, 0), [gates.X(2)])).measure(2, 2)
    assert one.sample(shots=10, seed=0) == {"101": 10}
    assert two.sample(shots=10, seed=0) == {"001": 10}
    assert other.sample(shots=10, seed=0) == {"101": 10}
    assert nested.sample(shots=10, seed=0) == {"101": 10}


def test_reset_forgets_and_leaves_the_partner_mixed():
    circuit = Circuit(2).h(0).cx(0, 1).reset(0)
    counts = circuit.sample(shots=4000, seed=5)
    assert set(counts) == {"00", "10"}
    assert abs(counts["00"] - 2000) < 200
    rho = circuit.density_matrix()
    np.testing.assert_allclose(rho, np.diag([0.5, 0, 0.5, 0]), atol=1e-12)
    assert Circuit(1).reset(0).h(0).reset(0).sample(shots=3, seed=0) == {"0": 3}


def test_a_measurement_in_the_middle_collapses():
    circuit = Circuit(1, 2).h(0).measure(0, 0).measure(0, 1).h(0).h(0)
    assert set(circuit.sample(shots=200, seed=2)) == {"00", "11"}
    np.testing.assert_allclose(circuit.density_matrix(), np.eye(2) / 2, atol=1e-12)


def test_samples_do_not_depend_on_threads():
    circuit = Circuit(6, 6)
    for q in range(6):
        circuit = circuit.ry(0.3 + q, q).cx(q, (q + 1) % 6).measure(q, q)
    found = []
    for threads in (1, 2, None):
        set_num_threads(threads)
        found.append(circuit.sample(shots=3000, seed=11))
    set_num_threads(None)
    assert found[0] == found[1] == found[2]


def test_circuits_with_more_bits_than_an_integer():
    circuit = Circuit(1, 70).x(0)
    for bit in range(70):
        circuit = circuit.measure(0, bit).x(0)
    assert circuit.sample(shots=2, seed=0) == {"01" * 35: 2}
    with pytest.raises(CircuitError, match="70 bits"):
        circuit.sample_array(shots=2, seed=0)


def test_agrees_with_aer():
    aer = pytest.importorskip("qiskit_aer")
    circuit = (
        Circuit(3, 3).ry(0.9, 0).cx(0, 1).measure(1, 0).if_test((0, 1), [gates.RX(0.8, 2), gates.X(1)])
        .reset(0).ry(0.4, 0).cx(0, 2).measure([1, 2], [1, 2])
    )  # fmt: skip
    shots = 40_000
    theirs = aer.AerSimulator(seed_simulator=1).run(circuit.to_qiskit(), shots=shots).result().get_counts()
    ours = circuit.sample(shots=shots, seed=2)
    for bits in {*theirs, *ours}:
        p = theirs.get(bits, 0) / shots
        assert abs(ours.get(bits, 0) / shots - p) < 5 * math.sqrt(2 * max(p, 1e-4) / shots)
