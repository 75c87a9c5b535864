"""Gibbs states as collapsed graphs: equal to matrix exponentials, also of large fields, and refused beyond."""

from functools import reduce

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import logsumexp

from qml import BoltzmannClassifier
from qml.deploy import collapse
from qml.deploy.gibbs import gibbs_outputs
from qml.deploy.graph import Graph
from qml.deploy.row_kernel import RowProgram
from qml.layers import Gibbs
from tests.qml.deploy.fitted_models import IRIS, SPECIES

EQUAL = 1e-10
X, Z = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -1.0])


def on(num_qubits, **matrices):
    """Return the tensor product of matrices on qubits such as ``q0``, of which qubit 0 is the last factor."""
    factors = [matrices.get(f"q{qubit}", np.eye(2)) for qubit in reversed(range(num_qubits))]
    return reduce(np.kron, factors)


def hamiltonian(terms, n, interacting):
    strings = [on(n, **{f"q{i}": Z}) for i in range(n)] + [on(n, **{f"q{i}": X}) for i in range(n)]
    if interacting:
        strings += [on(n, **{f"q{i}": Z, f"q{j}": Z}) for j in range(n) for i in range(j)]
    return sum(term * string for term, string in zip(terms, strings, strict=True))


def graph_of(layer, terms=None):
    graph = Graph(layer.num_inputs)
    graph.outputs["values"] = gibbs_outputs(graph, 0, layer, terms)
    return graph.pruned()


LAYERS = [
    Gibbs(1, 2),
    Gibbs(3, 2, 3),
    Gibbs(4, 3, 2),
    Gibbs(5, 7, 1),
    Gibbs(3, 2, 3, interacting=False),
    Gibbs(6, 5, 2, interacting=False),
]


@pytest.mark.parametrize("size", [0.0, 1e-9, 1.0, 5.0])
@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_outputs_are_those_of_the_matrix_exponential(layer, size):
    rng = np.random.default_rng(layer.num_qubits)
    samples, graph = size * rng.normal(size=(5, layer.num_inputs)), graph_of(layer)
    values, row_program = graph.evaluate(samples)["values"], RowProgram(graph)
    bits = (layer.num_classes - 1).bit_length()
    for sample, value in zip(samples, values, strict=True):
        state = expm(-hamiltonian(sample, layer.num_qubits, layer.interacting))
        populations = np.diag(state) / np.trace(state)
        shown = np.arange(len(state))[:, None] >> bits * np.arange(layer.num_groups) & (2**bits - 1)
        logarithms = np.log([(populations[:, None] * (shown == k)).sum() / layer.num_groups
                             for k in range(layer.num_classes)])  # fmt: skip
        likely = logarithms > -10  # the layer adds 1e-15 to probabilities
        if layer.num_outputs == 1:
            logarithms, likely = np.diff(logarithms), likely.all(keepdims=True)
        np.testing.assert_allclose(value[likely], logarithms[likely], atol=EQUAL)
        np.testing.assert_allclose(row_program(sample), value, atol=EQUAL)


def test_large_fields_keep_small_probabilities_until_the_limit():
    # one qubit: log P(1) - log P(0) in closed form, also where eigenvectors lose the smaller probability
    layer = Gibbs(1, 2)
    scales = np.array([0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0])
    samples = np.column_stack([0.1 * scales, scales])
    r = np.hypot(*samples.T)
    ratio = samples[:, 0] / r
    signs = np.array([[1.0, -1.0], [-1.0, 1.0]])
    logarithms = [logsumexp(np.column_stack([r, -r]), b=(1 + sign * ratio[:, None] * [[-1, 1]]) / 2, axis=1)
                  for sign in signs[:, 0]]  # fmt: skip
    values = graph_of(layer).evaluate(samples)["values"][:, 0]
    np.testing.assert_allclose(values, logarithms[1] - logarithms[0], rtol=1e-10)
    beyond = 1e6 * np.ones((1, 2))
    with np.errstate(all="ignore"):
        assert not np.isfinite(graph_of(layer).evaluate(beyond)["values"]).any()


def test_a_classifier_takes_features_of_many_deviations_and_refuses_others():
    model = BoltzmannClassifier(3, epochs=3, random_state=0).fit(IRIS, SPECIES)
    fast = collapse(model)
    for deviations in (10.0, 50.0):
        sample = IRIS.mean(axis=0) + deviations * IRIS.std(axis=0) * np.array([1, -1, 1, -1]) / 2
        likely = model.predict_proba([sample]) > 1e-4
        difference = fast.predict_proba(sample[None]) - model.predict_proba([sample])
        assert np.abs(difference[likely]).max() < EQUAL
    for samples in (1e9 * IRIS[:1], 1e9 * IRIS[:3]):
        with pytest.raises(ValueError, match="a feature is too large"):
            fast.predict(samples)
