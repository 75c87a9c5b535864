"""Time series that reservoirs and recurrent models are compared on."""

from __future__ import annotations

import numpy as np

from qml.datasets.checks import Features, RandomState, check_interval, generator
from qml.settings import check_whole

__all__ = ["mackey_glass", "narma"]

MAX_ORDER = 24
"""Without input, y = 0.3 y + 0.05 n y**2 + 0.1 has a real solution for n up to 24.5."""

LARGEST_TARGET = 1e3
"""A NARMA series that exceeds this, instead of staying below about 1, has left its attractor for good."""


def narma(
    n_steps: int = 1000, *, order: int = 10, high: float = 0.5, random_state: RandomState = None
) -> tuple[Features, Features]:
    """Response of a nonlinear system with memory to random input, to be predicted from the input.

    For an order n of 3 or more, with inputs u uniform in ``[0, high)``,

        y[t+1] = 0.3 y[t] + 0.05 y[t] (y[t] + ... + y[t-n+1]) + 1.5 u[t-n+1] u[t] + 0.1,

    and for order 2, ``y[t+1] = 0.4 y[t] + 0.4 y[t] y[t-1] + 0.6 u[t]**3 + 0.1``. All is zero before the start.

    Parameters
    ----------
    n_steps : int
    order : int
        Number of steps that the system remembers, from 2 to 24; above, it has no bounded response even to no input.
    high : float
        Upper bound of the inputs. Orders above 10 need less than the usual 0.5, such as 0.2 for order 20.
    random_state : int, RandomState or None

    Returns
    -------
    inputs : float ndarray, shape (n_steps,)
    targets : float ndarray, shape (n_steps,)
        ``targets[t]`` is ``y[t+1]``: it depends on the inputs up to ``inputs[t]``. The first few dozen depend on the
        start and are usually left out.

    Raises
    ------
    ValueError
        If an argument makes no sense, or the series grows without bound.

    References
    ----------
    Atiya and Parlos, IEEE Trans. Neural Networks 11 (2000) 697; for quantum reservoirs, Fujii and Nakajima,
    arXiv:1602.08159.

    Examples
    --------
    >>> from qml.datasets import narma
    >>> inputs, targets = narma(500, order=5, random_state=0)
    >>> inputs.shape, targets.shape
    ((500,), (500,))
    """
    check_whole("n_steps", n_steps)
    check_whole("order", order, least=2)
    if order > MAX_ORDER:
        raise ValueError(f"order expects at most {MAX_ORDER}, beyond which the series grows without bound, got {order}")
    check_interval("high", high, 0, closed=False)
    inputs = high * generator(random_state).random_sample(n_steps)
    u = np.concatenate([np.zeros(order - 1), inputs])  # u[t + order - 1] is the input of step t
    y = np.zeros(n_steps + order)  # y[t + order - 1] is the response before step t
    for t in range(n_steps):
        now = t + order - 1
        if order == 2:
            y[now + 1] = 0.4 * y[now] + 0.4 * y[now] * y[now - 1] + 0.6 * u[now] ** 3 + 0.1
        else:
            y[now + 1] = 0.3 * y[now] + 0.05 * y[now] * y[t : now + 1].sum() + 1.5 * u[t] * u[now] + 0.1
        if y[now + 1] > LARGEST_TARGET:
            raise ValueError(
                f"the series of order {order} grows without bound from step {t} on; expected a smaller high than "
                f"{high:g}, or another random_state"
            )
    return inputs, y[order:]


def mackey_glass(
    n_steps: int = 1000,
    *,
    tau: float = 17.0,
    beta: float = 0.2,
    gamma: float = 0.1,
    exponent: float = 10.0,
    initial: float = 1.2,
    step: float = 1.0,
    substeps: int = 10,
    washout: int = 0,
) -> Features:
    """Solution of the Mackey-Glass delay equation, chaotic for a delay above about 16.8.

    ``dx/dt = beta x(t - tau) / (1 + x(t - tau)**exponent) - gamma x(t)``, with x constant before ``t = 0``. It is
    deterministic: there is no random state.

    Parameters
    ----------
    n_steps : int
    tau : float
        Delay; an integer number of integration steps, ``step / substeps``.
    beta, gamma, exponent : float
    initial : float
        Value of x up to ``t = 0``.
    step : float
        Time between values of the series.
    substeps : int
        Integration steps between two values, of the classical Runge-Kutta method; values between grid points in the
        delayed term come from cubic Hermite interpolation. With the defaults the error
        stays below 1e-8 up to ``t = 500``.
    washout : int
        Number of values to leave out at the beginning, until the start is forgotten.

    Returns
    -------
    float ndarray, shape (n_steps,)
        ``x`` at ``t = (washout + k) * step``. To predict it ``h`` steps ahead, use ``series[:-h]`` as inputs and
        ``series[h:]`` as targets.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Mackey and Glass, Science 197 (1977) 287.

    Examples
    --------
    >>> from qml.datasets import mackey_glass
    >>> mackey_glass(3).round(4).tolist()
    [1.2, 1.1176, 1.043]
    """
    check_whole("n_steps", n_steps)
    check_whole("substeps", substeps)
    check_whole("washout", washout, least=0)
    for name, value in (("tau", tau), ("step", step)):
        check_interval(name, value, 0, closed=False)
    for name, value in (("beta", beta), ("gamma", gamma), ("exponent", exponent), ("initial", initial)):
        check_interval(name, value, 0)
    size = step / substeps
    delay = round(tau / size)
    if delay < 1 or abs(delay * size - tau) > 1e-9 * tau:
        raise ValueError(f"tau expects a multiple of step / substeps = {size:g}, got {tau:g}")

    def slope(x: float, delayed: float) -> float:
        return beta * delayed / (1.0 + delayed**exponent) - gamma * x

    # Value and slope at each grid point; x[k + delay] is at time k * size, and the past is constant.
    x, slopes = [initial] * (delay + 1), [0.0] * delay
    for k in range((washout + n_steps - 1) * substeps):
        now, past, next_past = x[-1], x[k], x[k + 1]
        slopes.append(slope(now, past))
        # The slope jumps at t = 0; the interval before it still belongs to the constant past.
        end_slope = 0.0 if k + 1 == delay else slopes[k + 1]
        middle = (past + next_past) / 2 + size * (slopes[k] - end_slope) / 8
        first = slopes[-1]
        second = slope(now + size / 2 * first, middle)
        third = slope(now + size / 2 * second, middle)
        fourth = slope(now + size * third, next_past)
        x.append(now + size / 6 * (first + 2 * second + 2 * third + fourth))
    return np.array(x[delay::substeps][washout:])
