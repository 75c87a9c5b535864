"""Orders of epochs against numpy's generators."""

import numpy as np
import pytest

from qml.training.orders import draw_orders


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32, 2**63 - 1, 2**100 + 3])
@pytest.mark.parametrize("n_samples", [1, 2, 3, 17, 64, 65, 5000])
def test_orders_are_those_of_numpy(seed, n_samples):
    out = np.full((3, n_samples + 2), -1)
    draw_orders(seed, 1000, n_samples, out)
    expected = [np.random.default_rng([seed, 0, 1000 + k]).permutation(n_samples) for k in range(3)]
    np.testing.assert_array_equal(out[:, :n_samples], expected)
    assert (out[:, n_samples:] == -1).all()


def test_an_order_does_not_depend_on_those_drawn_with_it():
    together, alone = np.empty((5, 40), np.int64), np.empty((1, 40), np.int64)
    draw_orders(9, 0, 40, together)
    for epoch, order in enumerate(together):
        draw_orders(9, epoch, 40, alone)
        np.testing.assert_array_equal(alone[0], order)


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative integer, got -1"):
        draw_orders(-1, 0, 4, np.empty((1, 4), np.int64))
