"""Time series, against recursions written out and SciPy's integration of the delay equation piece by piece."""

from functools import partial

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from qml.datasets import mackey_glass, narma

ROUNDING = 1e-12
"""Sums of ten terms in another order, over a few hundred steps of a stable recursion."""


def test_narma_10_by_the_published_formula():
    inputs, targets = narma(300, random_state=0)
    assert inputs.min() >= 0
    assert 0.45 < inputs.max() < 0.5
    u, y = {}, {}
    for t in range(-20, 301):
        u[t], y[t] = (inputs[t] if 0 <= t < 300 else 0.0), 0.0
    for t in range(300):
        y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * sum(y[t - i] for i in range(10)) + 1.5 * u[t - 9] * u[t] + 0.1
    np.testing.assert_allclose(targets, [y[t + 1] for t in range(300)], atol=ROUNDING)


def test_narma_2_by_the_published_formula():
    inputs, targets = narma(200, order=2, random_state=1)
    now, before = 0.0, 0.0
    for t in range(200):
        now, before = 0.4 * now + 0.4 * now * before + 0.6 * inputs[t] ** 3 + 0.1, now
        assert targets[t] == pytest.approx(now, abs=ROUNDING)


@pytest.mark.parametrize(("order", "high"), [(3, 0.5), (5, 0.5), (10, 0.2), (20, 0.2), (24, 0.05)])
def test_narma_responds_to_the_product_of_two_inputs(order, high):
    inputs, targets = narma(400, order=order, high=high, random_state=0)
    assert targets.shape == (400,)
    assert 0 < targets[100:].min() < targets.max() < 1.5
    later = targets[order + 50 :]
    lagged = inputs[51 : 51 + len(later)] * inputs[order + 50 :]  # u[t-n+1] u[t]
    assert np.corrcoef(later, lagged)[0, 1] > 0.2


def test_narma_seeds():
    np.testing.assert_array_equal(narma(50, random_state=3), narma(50, random_state=np.random.RandomState(3)))
    assert not np.array_equal(narma(50, random_state=3)[0], narma(50, random_state=4)[0])


def test_narma_that_diverges():
    with pytest.raises(
        ValueError, match=r"order 15 grows without bound from step \d+ on; expected a smaller high than 0.5"
    ):
        narma(2000, order=15, random_state=0)


def exact_mackey_glass(tau, until):
    """Solve interval after interval of length tau, on which the delayed term is a known function."""
    pieces, value = [], 1.2
    while tau * len(pieces) <= until:
        start = tau * len(pieces)
        past = (lambda t, piece=pieces[-1]: piece(t - tau)[0]) if pieces else (lambda t: 1.2)

        def slope(t, x, past=past):
            return 0.2 * past(t) / (1 + past(t) ** 10) - 0.1 * x

        solved = solve_ivp(slope, (start, start + tau), [value], "DOP853", dense_output=True, rtol=1e-11, atol=1e-12)
        pieces.append(solved.sol)
        value = solved.y[0, -1]
    return lambda t: pieces[int(t // tau)](t)[0]


@pytest.mark.parametrize("tau", [17.0, 30.0])
def test_mackey_glass_solves_its_equation(tau):
    exact = exact_mackey_glass(tau, 300)
    series = mackey_glass(301, tau=tau)
    np.testing.assert_allclose(series, [exact(t) for t in range(301)], rtol=0, atol=1e-7)


def test_mackey_glass_relaxes_exponentially_before_the_delay_has_passed():
    t, drive = np.arange(20.0), 0.2 * 1.2 / (1 + 1.2**4)
    series = mackey_glass(20, tau=100.0, gamma=0.3, exponent=4.0)
    np.testing.assert_allclose(series, drive / 0.3 + (1.2 - drive / 0.3) * np.exp(-0.3 * t), rtol=0, atol=1e-7)


def test_mackey_glass_converges_with_fourth_order():
    exact = exact_mackey_glass(17.0, 100)(100)
    errors = [abs(mackey_glass(101, substeps=substeps)[-1] - exact) for substeps in (1, 2, 4)]
    assert 10 < errors[0] / errors[1] < 40
    assert 10 < errors[1] / errors[2] < 40


def test_mackey_glass_steps_and_washout():
    series = mackey_glass(200)
    np.testing.assert_array_equal(mackey_glass(150, washout=50), series[50:])
    np.testing.assert_allclose(mackey_glass(400, step=0.5, substeps=5)[::2], series, rtol=0, atol=1e-13)
    np.testing.assert_allclose(mackey_glass(10, beta=0.0), 1.2 * np.exp(-0.1 * np.arange(10)), rtol=1e-9)
    assert mackey_glass(1).tolist() == [1.2]


def test_mackey_glass_is_chaotic_at_17_and_periodic_at_10():
    """Neighbouring solutions part in one case and do not in the other."""
    for tau, apart in ((17.0, True), (10.0, False)):
        difference = np.abs(
            mackey_glass(1500, tau=tau, washout=500) - mackey_glass(1500, tau=tau, washout=500, initial=1.2 + 1e-6)
        )
        assert (difference[-200:].max() > 10 * difference[:200].max()) == apart


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(narma, 0), "n_steps expects"),
        (partial(narma, order=1), "order expects an integer of 2 or more, got 1"),
        (partial(narma, order=25), "order expects at most 24"),
        (partial(narma, high=0), "high expects a finite number above 0, got 0"),
        (partial(narma, random_state=0.5), "random_state expects"),
        (partial(mackey_glass, 0), "n_steps expects"),
        (partial(mackey_glass, tau=17.05), "tau expects a multiple of step / substeps = 0.1, got 17.05"),
        (partial(mackey_glass, tau=-1), "tau expects a finite number above 0"),
        (partial(mackey_glass, beta=-0.2), "beta expects a finite number of 0 or more"),
        (partial(mackey_glass, washout=-1), "washout expects"),
        (partial(mackey_glass, substeps=0), "substeps expects"),
    ],
)
def test_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
