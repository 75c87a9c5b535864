"""Hessian-vector products and the metric tensor against differences of exact quantities."""

import numpy as np
import pytest

from simulator import Circuit, Parameter, ParameterError, ParameterVector, X, Z, gates, set_num_threads
from simulator.calculations.curvature import hessian_vector_product, mean_metric, metric_tensor
from simulator.calculations.statevector import states
from simulator.errors import QumbaError
from simulator.program.program import Program

DIFFERENCES = 1e-9
"""Error of central differences of states with a step of 1e-5."""


def ansatz():
    a, b, c, d = (Parameter(name) for name in "abcd")
    circuit = Circuit(3).h(0).ry(a, 0).cx(0, 1).rz(2 * b + a, 1).rzz(c, 1, 2).rx(b, 2).crx(d, 0, 2)
    return circuit.append(gates.PauliRotation("XYZ")(0.3 + c, 2, 0, 1)).ry(d, 1)


POINT = np.array([0.3, -1.1, 0.7, 2.0])


def test_hessian_vector_product_equals_differences_of_gradients():
    circuit, observable = ansatz(), Z(0) @ X(1) + 0.5 * Z(2)
    step = 1e-5
    hessian = np.array(
        [
            (circuit.gradient(observable, POINT + step * e) - circuit.gradient(observable, POINT - step * e))
            / (2 * step)
            for e in np.eye(4)
        ]
    )
    for vector in (*np.eye(4), np.array([1.0, -2.0, 0.5, 3.0])):
        found = hessian_vector_product(circuit, observable, POINT, vector)
        np.testing.assert_allclose(found, hessian @ vector, atol=1e-8)
    both = hessian_vector_product(circuit, [observable, Z(1)], POINT, np.ones(4))
    np.testing.assert_allclose(both[0], hessian.sum(axis=1), atol=1e-8)
    assert not hessian_vector_product(circuit, observable, POINT, np.zeros(4)).any()


def test_hessian_of_one_rotation_is_its_cosine():
    circuit = Circuit(1).ry(Parameter("t"), 0)
    np.testing.assert_allclose(hessian_vector_product(circuit, Z(0), [0.4], [2.0]), [-2 * np.cos(0.4)], atol=1e-10)


def test_metric_tensor_is_the_loss_of_fidelity():
    circuit = ansatz()
    metric = metric_tensor(circuit, POINT)
    np.testing.assert_allclose(metric, metric.T, atol=1e-14)
    assert np.linalg.eigvalsh(metric).min() > -1e-12
    psi = circuit.statevector(POINT)
    rng = np.random.default_rng(0)
    for _ in range(4):
        step = 1e-3 * rng.normal(size=4)
        lost = 1 - abs(np.vdot(circuit.statevector(POINT + step), circuit.statevector(POINT - step))) ** 2
        np.testing.assert_allclose(lost, 4 * step @ metric @ step, rtol=1e-4)
    assert np.linalg.norm(psi) == pytest.approx(1)


def test_metric_tensor_of_a_layer_is_a_quarter_of_the_variances():
    t = [Parameter(f"t{k}") for k in range(2)]
    circuit = Circuit(2).ry(0.8, 0).rz(t[0], 0).ry(t[1], 1)
    expected = np.diag([(1 - np.cos(0.8) ** 2) / 4, 0.25])
    np.testing.assert_allclose(metric_tensor(circuit, [0.3, 0.9]), expected, atol=1e-14)


def test_one_set_of_values_and_a_vector_of_the_parameters():
    with pytest.raises(ParameterError, match="one set of 4 values"):
        hessian_vector_product(ansatz(), Z(0), POINT, [1.0])
    with pytest.raises(ParameterError, match="NaN"):
        hessian_vector_product(ansatz(), Z(0), POINT, [1.0, np.nan, 0.0, 0.0])
    with pytest.raises(ParameterError, match="one set of values"):
        metric_tensor(ansatz(), np.zeros((2, 4)))


def metric_by_differences(program, X, weights, shares):
    """Sum of the metrics by central differences of the states of each sample."""
    step = 1e-5
    ahead, behind = ([states(program, X, weights + s * e) for e in np.eye(len(weights))] for s in (step, -step))
    derivatives = (np.array(ahead) - np.array(behind)) / (2 * step)  # (n_weights, n_samples, 2**n)
    psi = states(program, X, weights)
    out = np.zeros((len(weights), len(weights)))
    for s, share in enumerate(shares):
        d = derivatives[:, s]
        along = d @ psi[s].conj()
        out += share * ((d.conj() @ d.T) - np.outer(along.conj(), along)).real
    return out


INPUTS, WEIGHTS = ParameterVector("x", 3), ParameterVector("w", 20)


def circuits_with_data():
    """Circuits of inputs and weights with every kind of gate that lowering tells apart."""
    x, w = INPUTS, WEIGHTS
    rng = np.random.default_rng(4)
    matrix = np.linalg.qr(rng.normal(size=(8, 8)) + 1j * rng.normal(size=(8, 8)))[0]
    rotations = Circuit(3)
    for q in range(3):
        rotations = rotations.ry(x[q], q).rz(w[q], q).ry(w[3 + q], q).rx(w[6 + q] + x[q], q).cx(q, (q + 1) % 3)
    strings = Circuit(3).h(0).rzz(w[0], 0, 1).append(gates.PauliRotation("XYZ")(2 * w[1] + x[0], 0, 2, 1))
    strings = strings.append(gates.PauliRotation("YYX")(w[1] - w[2], 2, 1, 0)).crx(w[3], 0, 2).u(w[4], w[5], x[1], 1)
    dense = Circuit(3).ry(w[0], 1).unitary(matrix, [2, 0, 1]).rx(w[1], 0).unitary(matrix[:2, :2] * 0 + np.eye(2), [0])
    dense = (
        dense.cx(0, 1).unitary(np.linalg.qr(matrix[:4, :4])[0], [1, 2]).rz(w[2], 1).ry(x[2], 2).swap(0, 2).ry(w[0], 0)
    )
    encoded = Circuit(3).initialize([x[0], 1.0, x[1], 0.3], [0, 2]).ry(w[0], 1).cx(1, 2).ry(w[1], 2).rz(w[2], 2)
    many = Circuit(2)
    for k in range(20):  # more weights than a tile has lanes
        many = many.append([gates.RX, gates.RY, gates.RZ][k % 3](w[k], k % 2)).ry(x[k % 3], 1).cz(0, 1)
    return {"rotations": rotations, "strings": strings, "dense": dense, "encoded": encoded, "many": many}


@pytest.mark.parametrize("name", circuits_with_data())
def test_mean_metric_equals_differences_of_states(name):
    circuit = circuits_with_data()[name]
    used = set(circuit.parameters)
    weights = [parameter for parameter in reversed(list(WEIGHTS)) if parameter in used] + [Parameter("unused")]
    program = Program(circuit, (), INPUTS, weights)
    rng = np.random.default_rng(1)
    X, values, shares = rng.normal(size=(5, 3)), rng.normal(size=len(weights)), rng.uniform(0.1, 1.0, 5)
    expected = metric_by_differences(program, X, values, shares)
    found = mean_metric(program, X, values, shares)
    np.testing.assert_allclose(found, expected, atol=DIFFERENCES)
    assert not found[-1].any()
    assert np.linalg.eigvalsh(found).min() > -1e-12
    one_by_one = sum(mean_metric(program, X[s : s + 1], values) for s in range(5)) / 5
    np.testing.assert_allclose(mean_metric(program, X, values), one_by_one, atol=1e-14)
    for threads in (1, 2):
        set_num_threads(threads)
        try:
            np.testing.assert_allclose(mean_metric(program, X, values, shares), found, rtol=0, atol=1e-15)
        finally:
            set_num_threads(None)


def test_the_metric_of_all_gates_does_not_depend_on_observables_or_precision():
    circuit, weights = circuits_with_data()["rotations"], list(WEIGHTS)[:9]
    X, values = np.random.default_rng(2).normal(size=(4, 3)), np.linspace(-1, 1, 9)
    plain = mean_metric(Program(circuit, (), INPUTS, weights), X, values)
    observed = mean_metric(Program(circuit, [Z(0)], INPUTS, weights, precision="single"), X, values)
    np.testing.assert_array_equal(observed, plain)


def test_amplitudes_that_are_weights_are_refused():
    a = Parameter("a")
    with pytest.raises(QumbaError, match="initial amplitudes depend on one"):
        metric_tensor(Circuit(1).initialize([a, 1.0], [0]), [0.3])


def test_metric_tensor_equals_pennylane():
    qml = pytest.importorskip("pennylane")
    rng = np.random.default_rng(3)
    weights = rng.uniform(-np.pi, np.pi, (2, 3, 3))
    w = ParameterVector("w", 18)
    angles = iter(w)
    circuit = Circuit(3)
    for layer in range(2):
        for q in range(3):
            circuit = circuit.rz(next(angles), q).ry(next(angles), q).rz(next(angles), q)
        reach = 1 + layer % 2
        for q in range(3):
            circuit = circuit.cx(q, (q + reach) % 3)

    @qml.qnode(qml.device("default.qubit", wires=3))
    def node(values):
        qml.StronglyEntanglingLayers(values, wires=range(3))
        return qml.expval(qml.PauliZ(0))

    expected = qml.adjoint_metric_tensor(node)(qml.numpy.array(weights, requires_grad=True))
    np.testing.assert_allclose(metric_tensor(circuit, weights.ravel()), expected.reshape(18, 18), atol=1e-10)
