"""Dead and redundant weights of circuits in which they are known."""

import numpy as np
import pytest

from qml import QuantumModel, layered_model
from qml.diagnostics import parameter_report
from simulator import Circuit, Parameter, ParameterVector, X, Z


def names(report, indices):
    return [report.names[k] for k in indices]


@pytest.fixture
def w():
    return ParameterVector("w", 6)


def test_constructed_dead_weights_are_found_and_live_ones_never(w):
    """w_0 is a phase, w_3 follows the last gate that Z(0) sees, w_4 is on a qubit outside its light cone."""
    circuit = Circuit(3).rz(w[0], 0).ry(w[1], 0).cx(0, 1).ry(w[2], 0).rz(w[3], 0).ry(w[4], 2).rx(w[5], 0)
    both = QuantumModel(circuit, weights=w, observables=[Z(0), Z(2)])
    report = parameter_report(both, random_state=0)
    assert names(report, report.dead) == ["w[0]"]
    without = QuantumModel(circuit.with_operations(circuit.operations[:-1]), weights=list(w)[:5], observables=Z(0))
    report = parameter_report(without, random_state=0)
    assert names(report, report.dead) == ["w[0]", "w[3]", "w[4]"]


def test_two_rotations_about_one_axis_are_one_direction(w):
    x = Parameter("x")
    circuit = Circuit(2).ry(x, 0).rx(w[0], 0).rx(w[1], 0).ry(w[2], 1).cx(0, 1)
    model = QuantumModel(circuit, inputs=x, weights=list(w)[:3], observables=[Z(0), Z(1), X(0)])
    report = parameter_report(model, np.linspace(-1, 1, 7)[:, None], random_state=0)
    assert report.dead == ()
    assert report.rank == 2
    assert len(report.redundant) == 1
    assert names(report, report.redundant)[0] in ("w[0]", "w[1]")


def test_rank_is_that_of_differences():
    """Central differences of the outputs at random weights, and NumPy's rank."""
    model = layered_model("angle", "strongly_entangling", num_features=3, num_layers=2, observables="z+zz")
    rng = np.random.default_rng(0)
    rows, weights = rng.uniform(-1, 1, (20, 3)), rng.uniform(0, 2 * np.pi, model.num_weights)
    steps = 1e-5 * np.eye(model.num_weights)
    columns = [(model.forward(rows, weights + s) - model.forward(rows, weights - s)).ravel() / 2e-5 for s in steps]
    report = parameter_report(model, rows, random_state=1)
    assert report.rank == np.linalg.matrix_rank(np.array(columns).T, tol=1e-7)
    assert report.limit == 20 * model.num_outputs
    dead = [k for k, column in enumerate(columns) if np.abs(column).max() < 1e-8]
    assert report.dead == tuple(dead)
    assert len(report.redundant) == model.num_weights - report.rank - len(dead)


def test_sensitivities_are_root_mean_squares(w):
    """Of -sin w_0 cos w_1 and -cos w_0 sin w_1: 1/2, within the error of 1000 sets."""
    model = QuantumModel(Circuit(2).ry(w[0], 0).ry(w[1], 1), weights=list(w)[:2], observables=Z(0) @ Z(1))
    report = parameter_report(model, n_sets=1000, random_state=0)
    np.testing.assert_allclose(report.sensitivities, 0.5, atol=0.04)
    assert report.rank == report.limit == 1


def test_bad_input(w):
    with pytest.raises(ValueError, match="needs a circuit with weights"):
        parameter_report(Circuit(1).h(0))
    with pytest.raises(ValueError, match="n_sets expects an integer of 1 or more"):
        parameter_report(Circuit(1).rx(w[0], 0), n_sets=0)


def test_outputs_that_no_weight_changes(w):
    report = parameter_report(QuantumModel(Circuit(1).rz(w[0], 0), weights=w[0], observables=Z(0)))
    assert report.dead == (0,)
    assert report.rank == 0
    assert report.redundant == ()
