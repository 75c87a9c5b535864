"""Problems for qubits, against Qiskit Machine Learning, a feature map's kernel and enumeration."""

from functools import partial
from itertools import product

import numpy as np
import pytest
from sklearn.svm import SVC

from qml import FidelityKernel
from qml.datasets import ad_hoc, bars_and_stripes_patterns, circles_on_qubit, parity
from qml.datasets.qubit_problems import MAX_BATCHES, _hidden_expectations, _random_unitary


@pytest.mark.parametrize(("n_features", "gap"), [(1, 0.3), (2, 0.3), (3, 0.2)])
def test_ad_hoc_labels_are_those_of_qiskit(n_features, gap, monkeypatch):
    """Qiskit's samples, with the same hidden unitary, lie on the side of the gap that it says."""
    module = pytest.importorskip("qiskit_machine_learning.datasets.ad_hoc")
    from qiskit_machine_learning.utils import algorithm_globals

    unitary = _random_unitary(1 << n_features, np.random.RandomState(3))
    # Qiskit's first factor of a Kronecker product is feature 0, here it is the last.
    reversed_bits = [int(f"{i:0{n_features}b}"[::-1], 2) for i in range(1 << n_features)]
    monkeypatch.setattr(module, "_random_unitary", lambda size: unitary[np.ix_(reversed_bits, reversed_bits)])
    monkeypatch.setattr(algorithm_globals, "_random", np.random.default_rng(0))
    X, y, _, _ = module.ad_hoc_data(50, 0, n_features, gap, one_hot=False, sampling_method="hypercube", divisions=50)
    expectations = _hidden_expectations(X, unitary)
    assert (np.abs(expectations) > gap).all()
    np.testing.assert_array_equal(np.where(expectations > 0, 0, 1), y)


def test_unitaries_are_unitary_and_uniform():
    rng = np.random.RandomState(0)
    unitaries = np.array([_random_unitary(4, rng) for _ in range(4000)])
    np.testing.assert_allclose(unitaries[0] @ unitaries[0].conj().T, np.eye(4), atol=1e-14)
    # Moments of the Haar measure: E|U_ij|^2 = 1 / d, E|U_ij|^4 = 2 / (d (d + 1)), E U_ii = 0.
    np.testing.assert_allclose((np.abs(unitaries) ** 2).mean(axis=0), 1 / 4, atol=0.015)
    np.testing.assert_allclose((np.abs(unitaries) ** 4).mean(axis=0), 1 / 10, atol=0.01)
    assert np.abs(unitaries.mean(axis=0)).max() < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_of_the_feature_map_separates(seed):
    X, y = ad_hoc(200, 2, gap=0.3, random_state=seed)
    assert (y[:100] == -1).all()
    assert (y[100:] == 1).all()
    assert X.min() >= 0
    assert X.max() < 2 * np.pi
    train, test = np.arange(0, 200, 2), np.arange(1, 200, 2)
    kernel = FidelityKernel("zz", reps=2)
    machine = SVC(kernel="precomputed", C=1e6).fit(kernel(X[train]), y[train])
    assert machine.score(kernel(X[train]), y[train]) == 1.0
    assert machine.score(kernel(X[test], X[train]), y[test]) >= 0.97


def test_wider_gaps_than_states_have(monkeypatch):
    monkeypatch.setattr("qml.datasets.qubit_problems.MAX_BATCHES", 2)
    assert MAX_BATCHES > 2
    with pytest.raises(ValueError, match=r"of 512 random points only \d+ and \d+ lie outside gap=0.9"):
        ad_hoc(100, 6, gap=0.9, random_state=0)


def test_parity_of_all_strings():
    X, y = parity(5)
    assert X.shape == (32, 5)
    assert sorted(map(tuple, X)) == sorted(product([0.0, 1.0], repeat=5))
    np.testing.assert_array_equal(y, np.prod(1 - 2 * X, axis=1))
    np.testing.assert_array_equal(X @ 2.0 ** np.arange(5), np.arange(32))


def test_parity_of_random_strings():
    X, y = parity(40, n_samples=300, random_state=0)
    assert X.shape == (300, 40)
    assert abs(X.mean() - 0.5) < 0.02
    np.testing.assert_array_equal(y, [1 if sum(row) % 2 == 0 else -1 for row in X])


@pytest.mark.parametrize(
    ("n_circles", "areas"),
    [(1, [2, 2]), (3, [1, np.pi / 4, (6 / np.pi - 1) * np.pi / 2, np.pi / 4])],
)
def test_areas_of_the_circles(n_circles, areas):
    """The parts of a square of area 4; the circles do not overlap."""
    X, y = circles_on_qubit(40_000, n_circles=n_circles, random_state=0)
    np.testing.assert_allclose(np.bincount(y) / len(y), np.array(areas) / 4, atol=0.01)
    assert np.abs(X).max() <= 1
    if n_circles == 1:
        np.testing.assert_array_equal(y == 1, np.hypot(*X.T) < np.sqrt(2 / np.pi))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3), (2, 2), (3, 4), (4, 2)])
def test_patterns_are_all_images_of_equal_lines(height, width):
    expected = [
        bits
        for bits in product([0.0, 1.0], repeat=height * width)
        if all(len(set(row)) == 1 for row in np.reshape(bits, (height, width)))
        or all(len(set(column)) == 1 for column in np.reshape(bits, (height, width)).T)
    ]
    images = bars_and_stripes_patterns(height, width)
    assert sorted(map(tuple, images)) == sorted(expected)
    if min(height, width) > 1:
        assert len(images) == 2**height + 2**width - 2
    assert (np.diff(images @ 2.0 ** np.arange(height * width)) > 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(ad_hoc, 3), "n_samples expects an even number"),
        (partial(ad_hoc, 4, 11), "n_features expects at most 10, got 11"),
        (partial(ad_hoc, gap=-0.1), "gap expects a finite number of 0 or more, at most 1, got -0.1"),
        (partial(ad_hoc, gap=2), "gap expects"),
        (partial(parity, 0), "n_features expects"),
        (partial(parity, 30), "n_features=30 bits are too many"),
        (partial(parity, 3, n_samples=0), "n_samples expects"),
        (partial(circles_on_qubit, 0), "n_samples expects"),
        (partial(circles_on_qubit, n_circles=2), "n_circles expects 1 or 3, got 2"),
        (partial(bars_and_stripes_patterns, 0), "height expects"),
        (partial(bars_and_stripes_patterns, 2, 25), "width expects at most 24 pixels"),
    ],
)
def test_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
