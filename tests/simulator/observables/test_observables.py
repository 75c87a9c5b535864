"""Pauli sums against Kronecker products and Qiskit's operators."""

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Operator, SparsePauliOp

from simulator import Circuit, Hermitian, I, ObservableError, PauliSum, Projector, X, Y, Z
from tests.simulator import reference
from tests.simulator.strategies import pauli_sums, unitary

EXACT = 1e-12
property_test = settings(derandomize=True, deadline=None, max_examples=60)


def dense(observable, num_qubits=3):
    """The observable's matrix by Kronecker products of its masks."""
    return reference.pauli_sum(observable.x_masks, observable.z_masks, observable.coefficients, num_qubits)


@pytest.mark.parametrize("qubit", [0, 1, 2])
@pytest.mark.parametrize(("make", "letter"), [(X, "X"), (Y, "Y"), (Z, "Z")])
def test_single_paulis(make, letter, qubit):
    label = "".join(letter if q == qubit else "I" for q in (2, 1, 0))
    np.testing.assert_array_equal(dense(make(qubit)), reference.pauli_label(label))
    np.testing.assert_array_equal(make(qubit).matrix(3), SparsePauliOp(label).to_matrix())
    assert make(qubit) == PauliSum.from_label(label)


@property_test
@given(pauli_sums())
def test_matrix_equals_kronecker_products(observable):
    np.testing.assert_allclose(observable.matrix(3), dense(observable), atol=EXACT)


@property_test
@given(pauli_sums(), pauli_sums(), st.integers(-8, 8))
def test_sums_and_multiples(a, b, number):
    np.testing.assert_allclose(dense(a + b), dense(a) + dense(b), atol=EXACT)
    np.testing.assert_allclose(dense(a - b), dense(a) - dense(b), atol=EXACT)
    np.testing.assert_allclose(dense(number * a), number * dense(a), atol=EXACT)
    np.testing.assert_allclose(dense(a + number), dense(a) + number * np.eye(8), atol=EXACT)
    np.testing.assert_allclose(dense(number - a), number * np.eye(8) - dense(a), atol=EXACT)
    np.testing.assert_allclose(dense(-a / 4), -dense(a) / 4, atol=EXACT)


@property_test
@given(pauli_sums(), pauli_sums())
def test_product_is_the_matrix_product_or_refused(a, b):
    product = dense(a) @ dense(b)
    if np.abs(product - product.conj().T).max() < EXACT:
        np.testing.assert_allclose(dense(a @ b), product, atol=EXACT)
    else:
        with pytest.raises(ObservableError, match="not Hermitian"):
            a @ b
    np.testing.assert_allclose(dense(a @ a), dense(a) @ dense(a), atol=EXACT)


@property_test
@given(pauli_sums())
def test_terms_are_merged_sorted_and_not_zero(observable):
    keys = list(zip(observable.x_masks, observable.z_masks, strict=True))
    assert keys == sorted(set(keys))
    assert np.all(observable.coefficients != 0)


@property_test
@given(pauli_sums())
def test_copies_are_equal(observable):
    rebuilt = PauliSum.from_terms(observable.terms)
    for twin in (pickle.loads(pickle.dumps(observable)), copy.deepcopy(observable), rebuilt):
        assert twin == observable
        assert hash(twin) == hash(observable)


@property_test
@given(pauli_sums())
def test_repr_is_the_expression(observable):
    assert eval(repr(observable), {"X": X, "Y": Y, "Z": Z, "I": I}) == observable


def test_the_readme_expressions():
    assert repr(Z(0) @ Z(1) + 0.5 * X(0)) == "Z(0) @ Z(1) + 0.5 * X(0)"
    assert sum(Z(q) for q in range(3)) == Z(0) + Z(1) + Z(2)
    assert repr(-I() + Y(1)) == "-I() + Y(1)"
    assert Z(0) @ Z(0) == I() == +I()
    assert X(0) @ Y(1) != Y(0) @ X(1)
    assert Z(0) != "Z(0)"
    assert np.float64(0.5) * Z(0) == Z(0) / 2 == Z(0) * np.float32(0.5)


def test_equal_arrays_whatever_the_way():
    one = (X(0) + Z(1)) @ (X(0) + Z(1))
    assert one == 2 * I() + 2 * X(0) @ Z(1)
    assert Z(0) - Z(0) == 0 * X(5)
    assert (Z(0) - Z(0)).num_terms == 0
    assert (Z(0) - Z(0)).num_qubits == 0
    assert repr(Z(0) - Z(0)) == "0 * I()"
    assert (X(0) + Y(4)).num_qubits == 5
    assert I().num_qubits == 0
    assert "20 terms" in repr(sum(Z(q) for q in range(20)))


def test_arrays_cannot_be_changed():
    observable = X(0) + Z(1)
    with pytest.raises(ValueError, match="read-only"):
        observable.coefficients[0] = 3.0
    with pytest.raises(AttributeError, match="does not change"):
        observable.coefficients = np.zeros(2)


def test_from_terms_follows_qiskits_sparse_lists():
    terms = [("XZ", (0, 2), 0.5), ("YX", (2, 1), -1.5), ("", (), 2.0)]
    expected = SparsePauliOp.from_sparse_list(terms, num_qubits=3).to_matrix()
    np.testing.assert_allclose(PauliSum.from_terms(terms).matrix(3), expected, atol=EXACT)


@pytest.mark.parametrize("label", ["XIZ", "YYI", "IIX", "ZXY", "III"])
def test_labels_are_read_as_qiskit_reads_them(label):
    np.testing.assert_allclose(PauliSum.from_label(label, -0.5).matrix(3), -0.5 * Operator.from_label(label).data)


@pytest.mark.parametrize(("bits", "qubits"), [("0", [1]), ("01", [0, 1]), ("110", [2, 0, 1]), ("10", [2, 0]), ("", [])])
def test_projector_is_the_probability_of_its_bits(bits, qubits):
    state = unitary(1, 8)[:, 0]
    expected = sum(
        abs(amplitude) ** 2
        for index, amplitude in enumerate(state)
        if all(index >> q & 1 == int(bit) for q, bit in zip(qubits, reversed(bits), strict=True))
    )
    value = reference.expectation(state, dense(Projector(bits, qubits)))
    assert math.isclose(value, expected, abs_tol=EXACT)
    assert Projector([int(bit) for bit in reversed(bits)], qubits) == Projector(bits, qubits)


def test_projectors_add_up_to_the_identity():
    assert sum(Projector(format(k, "03b"), [0, 2, 3]) for k in range(8)) == I()


def test_projector_reads_bits_as_sample_writes_them():
    circuit = Circuit(2).x(0)
    (bits,) = circuit.sample(shots=3, seed=0)
    assert math.isclose(circuit.expectation(Projector(bits, [0, 1])), 1.0, abs_tol=EXACT)


@pytest.mark.parametrize("qubits", [[0], [2], [0, 1], [1, 0], [2, 0], [1, 2, 0]])
def test_hermitian_equals_qiskits_embedding(qubits):
    size = 1 << len(qubits)
    matrix = unitary(5, size)
    matrix = matrix + matrix.conj().T
    expected = Operator(np.eye(8)).compose(Operator(matrix), qubits).data
    np.testing.assert_allclose(dense(Hermitian(matrix, qubits)), expected, atol=EXACT)


def test_hermitian_equals_qiskits_decomposition():
    matrix = unitary(7, 32)
    matrix = matrix + matrix.conj().T
    ours = Hermitian(matrix, range(5))
    theirs = SparsePauliOp.from_operator(Operator(matrix))
    expected = {label: coefficient.real for label, coefficient in theirs.to_list()}
    for letters, qubits, coefficient in ours.terms:
        label = ["I"] * 5
        for letter, qubit in zip(letters, qubits, strict=True):
            label[4 - qubit] = letter
        assert math.isclose(coefficient, expected.pop("".join(label)), abs_tol=EXACT)
    assert max(map(abs, expected.values()), default=0.0) < EXACT


def test_a_diagonal_matrix_is_made_of_z_alone():
    observable = Hermitian(np.diag([1.0, 2.0, 3.0, 5.0]), [0, 1])
    assert not observable.x_masks.any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Z(-1), "counted from 0, got -1"),
        (lambda: X(1.5), "integer, got 1.5"),
        (lambda: X(True), "integer, got True"),
        (lambda: Y("0"), "integer, got '0'"),
        (lambda: Z(62), "qubits 0 to 61, got qubit 62"),
        (lambda: 1j * Z(0), "real numbers"),
        (lambda: math.nan * Z(0), "NaN or infinity"),
        (lambda: Z(0) + math.inf, "NaN or infinity"),
        (lambda: Z(0) / 0, "by zero"),
        (lambda: Z(0) * Z(1), "written with @"),
        (lambda: Z(0) @ X(0), r"not Hermitian.*Y\(0\) gets the coefficient"),
        (lambda: PauliSum.from_label("XQ"), "consists of I, X, Y and Z, got 'XQ'"),
        (lambda: PauliSum.from_label(3), "consists of I, X, Y and Z, got 3"),
        (lambda: PauliSum.from_label("I" * 63), "got qubit 62"),
        (lambda: PauliSum.from_terms([("XX", (1, 1), 1.0)]), r"distinct qubits, got \(1, 1\)"),
        (lambda: PauliSum.from_terms([("XX", (1,), 1.0)]), "'XX' needs 2 qubits, got 1"),
        (lambda: PauliSum.from_terms([("XA", (0, 1), 1.0)]), "consists of I, X, Y and Z"),
        (lambda: PauliSum.from_terms([("X", 0, 1.0)]), "expected a sequence of qubits, got 0"),
        (lambda: PauliSum([1, 2], [0], [1.0]), "one length, got 2, 1 and 1"),
        (lambda: PauliSum([-1], [0], [1.0]), "x_masks are between 0 and"),
        (lambda: PauliSum([0.5], [0], [1.0]), "integers"),
        (lambda: PauliSum([0], [0], [[1.0]]), r"shape \(n_terms,\), got \(1, 1\)"),
        (lambda: Projector("01", [0]), "got 2 bits for 1 qubits"),
        (lambda: Projector("02", [0, 1]), "0 or 1, got '02'"),
        (lambda: Projector([True], [0]), "0 or 1"),
        (lambda: Projector(1, [0]), "a label such as '10' or a sequence of 0 and 1, got 1"),
        (lambda: Projector("0" * 21, range(21)), "at most 20 qubits, got 21"),
        (lambda: Hermitian([[0, 1], [0, 0]], [0]), r"not Hermitian: \|M - M\^dagger\| = 1 "),
        (lambda: Hermitian([[np.nan, 0], [0, 0]], [0]), "NaN"),
        (lambda: Hermitian(np.eye(2), [0, 1]), r"shape \(4, 4\), got \(2, 2\)"),
        (lambda: Hermitian([["a", "b"], ["c", "d"]], [0]), "not numeric"),
        (lambda: Hermitian(np.eye(4), [0, 0]), r"distinct qubits, got \(0, 0\)"),
        (lambda: Z(3).matrix(3), "needs 4 qubits; the state has 3"),
        (lambda: Circuit(2).expectation(Z(2)), "2"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ObservableError, match=message):
        make()


@pytest.mark.parametrize("other", ["a", None, [1]])
def test_python_refuses_what_is_no_number(other):
    for operation in (lambda: Z(0) + other, lambda: Z(0) * other, lambda: other - Z(0), lambda: Z(0) @ other):
        with pytest.raises(TypeError):
            operation()
