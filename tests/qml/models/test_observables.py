"""Observables of models in every form they may come in, against Qiskit's matrices and statevectors."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import (
    Operator,
    Pauli,
    PauliList,
    ScalarOp,
    SparseObservable,
    SparsePauliOp,
    Statevector,
    random_hermitian,
)

from qml import QuantumModel, VariationalClassifier, load, model_from_qiskit
from qml.models.observables import as_observables, readout_observables
from simulator import Circuit, ObservableError, Parameter, X, Z

EXACT = 1e-12

FORMS = [
    "XZ",
    "II",
    Pauli("-YX"),
    SparsePauliOp(["ZZ", "IX"], [1.0, 0.5]),
    SparseObservable("+0"),
    SparseObservable.from_list([("ZZ", 1.0), ("lr", -0.5)]),
    Operator(random_hermitian(4, seed=3)),
    ScalarOp((2, 2), 2.0),
]


def matrix(form):
    """Qiskit's matrix of an observable."""
    if isinstance(form, str):
        form = Pauli(form)
    if isinstance(form, SparseObservable):
        form = SparsePauliOp.from_sparse_observable(form)
    return Operator(form).data


def described(form):
    return type(form).__name__


@pytest.mark.parametrize("form", FORMS, ids=described)
def test_one_and_several_are_qiskits_matrices(form):
    for observables in (form, [form], (form,)):
        (observable,) = as_observables(observables, 2)
        np.testing.assert_allclose(observable.matrix(2), matrix(form), atol=EXACT)


def test_a_list_of_paulis_is_several():
    assert as_observables(PauliList(["XZ", "ZI"]), 2) == (Z(0) @ X(1), Z(1))
    assert as_observables(["XZ", Z(1), SparsePauliOp("ZI")], 2) == (Z(0) @ X(1), Z(1), Z(1))


@pytest.mark.parametrize("form", FORMS, ids=described)
def test_models_of_qiskit_circuits(form):
    x, w = ParameterVector("x", 1), ParameterVector("w", 1)
    circuit = QuantumCircuit(2)
    circuit.ry(x[0], 0)
    circuit.cx(0, 1)
    circuit.rx(w[0], 1)
    state = Statevector(circuit.assign_parameters({x[0]: 0.3, w[0]: 0.7})).data
    expected = np.vdot(state, matrix(form) @ state).real
    for observables in (form, [form]):
        model = model_from_qiskit(circuit, inputs=x, weights=w, observables=observables)
        np.testing.assert_allclose(model.forward([[0.3]], [0.7]), [[expected]], atol=EXACT)


def test_models_and_estimators_with_labels(tmp_path):
    x, w = Parameter("x"), Parameter("w")
    circuit = Circuit(2).ry(x, 0).cx(0, 1).rx(w, 1)
    by_label = QuantumModel(circuit, x, w, observables=["ZZ", "IX"])
    by_sum = QuantumModel(circuit, x, w, observables=[Z(0) @ Z(1), X(0)])
    np.testing.assert_array_equal(by_label.forward([[0.3]], [0.7]), by_sum.forward([[0.3]], [0.7]))

    samples = np.random.default_rng(0).normal(size=(20, 2))
    labels = samples[:, 0] > 0
    settings = {"n_qubits": 2, "epochs": 2, "random_state": 0}
    by_label = VariationalClassifier(observables=["ZZ", "IX"], **settings).fit(samples, labels)
    by_sum = VariationalClassifier(observables=[Z(0) @ Z(1), X(0)], **settings).fit(samples, labels)
    np.testing.assert_array_equal(by_label.weights_, by_sum.weights_)
    by_label.save(tmp_path / "model.qumba")
    assert load(tmp_path / "model.qumba").observables == ["ZZ", "IX"]
    one = VariationalClassifier(observables=Z(1), **settings).fit(samples, labels)
    assert one.model_.observables == (Z(1),)


@pytest.mark.parametrize(
    ("observables", "error", "message"),
    [
        ("ZZZ", ObservableError, "a letter I, X, Y or Z for each of the circuit's 2 qubits.*got 'ZZZ'"),
        (["Z"], ObservableError, "for each of the circuit's 2 qubits"),
        ("z+zz", ObservableError, "got 'z\\+zz'; patterns such as 'z\\+zz' are for readout_observables"),
        (["ZA"], ObservableError, "got 'ZA'"),
        (SparsePauliOp("Z"), ObservableError, "as many qubits as the circuit, 2, got SparsePauliOp"),
        ([SparsePauliOp("ZZZ")], ObservableError, "as many qubits as the circuit, 2"),
        (Operator(np.eye(4), input_dims=(4,), output_dims=(4,)), ObservableError, "as many qubits as the circuit"),
        (SparsePauliOp(["ZZ"], [1j]), ObservableError, "not Hermitian"),
        (Operator([[0, 1, 0, 0]] + [[0] * 4] * 3), ObservableError, "not Hermitian"),
        (
            Statevector([1, 0, 0, 0]),
            ObservableError,
            "expected a SparsePauliOp or an operator that converts to it, got Statevector",
        ),
        ([1.0], TypeError, "observables expects a PauliSum such as .* got 1.0 among them"),
        ([["ZZ"]], TypeError, "got \\['ZZ'\\] among them"),
        (None, TypeError, "observables expects a PauliSum .* got None"),
    ],
    ids=str,
)
def test_what_is_not_an_observable_of_the_circuit(observables, error, message):
    with pytest.raises(error, match=message):
        QuantumModel(Circuit(2).h(0), observables=observables)
    if not isinstance(observables, str):  # there it is a pattern
        with pytest.raises(error, match=message):
            readout_observables(observables, 2)
