import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qml.federated import dirichlet_split, feature_split, iid_split, quantity_split
from qml.federated.splits import SPLITS


def numbered(n_samples, n_classes=3):
    """Rows that carry their number, so that each can be found again."""
    numbers = np.arange(n_samples)
    return numbers[:, None] * np.ones(2), numbers % n_classes


@given(
    st.sampled_from(["iid", "dirichlet", "quantity"]),
    st.integers(1, 8),
    st.integers(8, 60),
    st.floats(1e-6, 1e6),
    st.integers(0, 1000),
)
def test_each_row_is_at_one_client_and_none_is_empty(name, n_clients, n_samples, alpha, seed):
    X, y = numbered(n_samples)
    arguments = () if name == "iid" else (alpha,)
    parts = SPLITS[name](X, y, n_clients, *arguments, random_state=seed)
    assert len(parts) == n_clients
    assert all(len(part_y) > 0 for _, part_y in parts)
    numbers = np.concatenate([part_X[:, 0] for part_X, _ in parts]).astype(int)
    assert sorted(numbers) == list(range(n_samples))
    np.testing.assert_array_equal(np.concatenate([part_y for _, part_y in parts]), y[numbers])
    again = SPLITS[name](X, y, n_clients, *arguments, random_state=seed)
    for (X_1, _), (X_2, _) in zip(parts, again, strict=True):
        np.testing.assert_array_equal(X_1, X_2)


def test_a_large_alpha_balances_and_a_small_one_separates():
    X, y = numbered(300)
    counts = np.array([np.bincount(part, minlength=3) for _, part in dirichlet_split(X, y, 5, 1e7, 0)])
    np.testing.assert_array_equal(counts, 20)
    counts = np.array([np.bincount(part, minlength=3) for _, part in dirichlet_split(X, y, 5, 0.01, 0)])
    assert (counts.max(axis=0) > 90).all()
    sizes = np.array([len(part) for _, part in quantity_split(X, y, 5, 1e7, 0)])
    np.testing.assert_array_equal(sizes, 60)


def test_mean_shares_of_a_class_are_those_of_the_dirichlet_distribution():
    """Variance of a share: (K - 1) / (K^2 (K alpha + 1))."""
    X, y = np.zeros((200, 1)), np.zeros(200, int)
    y[0] = 1
    shares = np.array([[len(p) / 200 for _, p in dirichlet_split(X, y, 4, 0.5, seed)] for seed in range(600)])
    assert np.abs(shares.mean(axis=0) - 0.25).max() < 0.03
    assert np.abs(shares.var(axis=0) - 3 / (16 * 3)).max() < 0.01


def test_feature_shift_grows_with_the_number_of_the_client():
    X = np.random.default_rng(0).normal(0, [1.0, 10.0], (4000, 2))
    parts = feature_split(X, np.zeros(4000), 4, noise=2.0, random_state=0)
    for k, (part, _) in enumerate(parts, start=1):
        expected = np.sqrt(1 + (2 * k / 4) ** 2)
        np.testing.assert_allclose(part.std(axis=0) / [1, 10], expected, rtol=0.08)


def test_tables_keep_their_columns():
    X, y = numbered(20)
    parts = dirichlet_split(pd.DataFrame(X, columns=["a", "b"]), pd.Series(y), 2, 1.0, 0)
    assert all(list(part.columns) == ["a", "b"] for part, _ in parts)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, y: iid_split(X, y, 11), "n_samples = 10 is too few for 11 clients"),
        (lambda X, y: iid_split(X, y, 0), "n_clients expects"),
        (lambda X, y: dirichlet_split(X, y, 2, 0.0), "alpha expects"),
        (lambda X, y: dirichlet_split(X, y + 0.5, 2, 1.0), "Unknown label type"),
        (lambda X, y: dirichlet_split(X, X, 2, 1.0), "one class per row"),
        (lambda X, y: quantity_split(X, y[:5], 2, 1.0), "inconsistent numbers of samples"),
        (lambda X, y: feature_split(X, y, 2, -1.0), "noise expects"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call(*numbered(10))
