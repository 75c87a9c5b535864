"""Gibbs states: matrix exponentials of Hamiltonians built by Kronecker products, limits, and bad input."""

import numpy as np
import pytest
from scipy.linalg import expm

from qml.layers import Gibbs
from simulator import NoiseModel, depolarizing
from simulator.backends.numba_backend import NumbaBackend

TOLERANCE = 1e-11
NOTHING = np.empty(0)
Z, X = np.diag([1.0, -1.0]), np.array([[0.0, 1.0], [1.0, 0.0]])


def operator(num_qubits, placed):
    out = np.eye(1)
    for qubit in reversed(range(num_qubits)):
        out = np.kron(out, placed.get(qubit, np.eye(2)))
    return out


def gibbs_state(num_qubits, fields, pairs):
    terms = [operator(num_qubits, {q: Z}) for q in range(num_qubits)]
    terms += [operator(num_qubits, {q: X}) for q in range(num_qubits)]
    terms += [operator(num_qubits, {i: Z, j: Z}) for j in range(num_qubits) for i in range(j)] if pairs else []
    state = expm(-np.tensordot(fields, terms, axes=1))
    return state / np.trace(state)


@pytest.mark.parametrize("interacting", [True, False])
@pytest.mark.parametrize(("num_classes", "num_groups"), [(2, 1), (2, 3), (3, 1), (4, 2), (5, 1)])
def test_against_matrix_exponentials(num_classes, num_groups, interacting):
    layer = Gibbs(4, num_classes, num_groups, interacting)
    size = int(np.ceil(np.log2(num_classes)))
    rows = np.random.default_rng(3).normal(size=(5, layer.num_inputs))
    expected = np.zeros((5, num_classes))
    for s, fields in enumerate(rows):
        populations = np.diag(gibbs_state(4, fields, interacting)).reshape(2, 2, 2, 2).transpose()  # axis q is qubit q
        for group in range(num_groups):
            qubits = range(group * size, (group + 1) * size)
            others = tuple(q for q in range(4) if q not in qubits)
            marginal = populations.sum(axis=others).transpose().ravel()  # the first visible qubit is the lowest bit
            expected[s] += marginal[:num_classes] / num_groups
    logarithms = np.log(expected)
    if num_classes == 2:
        logarithms = logarithms[:, 1:] - logarithms[:, :1]
    np.testing.assert_allclose(layer.forward(rows, NOTHING), logarithms, atol=TOLERANCE)


def test_without_couplings_both_ways_agree():
    rows = np.random.default_rng(1).normal(size=(7, 6))
    separable = Gibbs(3, 2, 3, interacting=False).forward(rows, NOTHING)
    padded = np.concatenate([rows, np.zeros((7, 3))], axis=1)
    np.testing.assert_allclose(Gibbs(3, 2, 3).forward(padded, NOTHING), separable, atol=TOLERANCE)


def test_many_rows_are_computed_in_chunks(monkeypatch):
    layer = Gibbs(3)
    rows = np.random.default_rng(2).normal(size=(9, layer.num_inputs))
    seen = []

    def rest(outputs, chunk):
        seen.append(chunk)
        return np.cos(outputs)

    whole = layer.sweep(rows, NOTHING, rest, inputs=True)[1]
    monkeypatch.setattr("qml.layers.gibbs.CHUNK", 4 << 6)
    np.testing.assert_allclose(layer.sweep(rows, NOTHING, rest, inputs=True)[1], whole, atol=TOLERANCE)
    assert seen == [slice(0, 9), slice(0, 4), slice(4, 8), slice(8, 9)]


@pytest.mark.parametrize("interacting", [True, False])
@pytest.mark.parametrize("size", [0.0, 1e-6, 1e3, 1e150])
def test_extreme_fields_have_finite_derivatives(size, interacting):
    layer = Gibbs(2, interacting=interacting)
    rows = size * np.array([np.ones(layer.num_inputs), -np.ones(layer.num_inputs)])
    outputs = layer.forward(rows, NOTHING)
    derivative = layer.sweep(rows, NOTHING, lambda Y, _: np.ones_like(Y), inputs=True)[1]
    assert np.isfinite(outputs).all()
    assert np.isfinite(derivative).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_qubits": 0}, "num_qubits expects an integer of 1 or more, got 0"),
        ({"num_qubits": 11}, "at most 10 of them, got 11"),
        ({"num_qubits": 2, "num_classes": 5}, "5 classes take 3 visible qubits in each of 1 groups, more than the 2"),
    ],
)
def test_bad_sizes(settings, message):
    with pytest.raises(ValueError, match=message):
        Gibbs(**settings)


def test_there_is_no_circuit_to_run_elsewhere():
    with pytest.raises(ValueError, match="without a circuit: a backend cannot apply"):
        Gibbs(2).on(NumbaBackend())
    with pytest.raises(ValueError, match="without a circuit: noise cannot apply"):
        Gibbs(2).on(noise=NoiseModel(after_2q=depolarizing(0.1)))
    assert Gibbs(2).on("numba") == Gibbs(2)


def test_terms_on_pairs_are_not_dropped_in_silence():
    assert Gibbs(3, interacting=False).without_entanglement() == Gibbs(3, interacting=False)
    with pytest.raises(ValueError, match=r"takes 6 inputs instead of 9: .* Gibbs\(3, 2, 1, interacting=False\)"):
        Gibbs(3).without_entanglement()
