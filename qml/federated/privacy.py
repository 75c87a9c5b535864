"""Differential privacy: Gaussian mechanism, accountant, and noise for a budget."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from qml.settings import check_choice, check_positive, check_whole
from simulator.errors import QumbaError

__all__ = ["BudgetError", "GaussianMechanism", "calibrated_noise", "clipped", "epsilon"]

Array = NDArray[np.float64]
Accountant = Literal["rdp", "pld"]

PLACES = ("server", "client", "example")
ACCOUNTANTS = ("rdp", "pld")


class BudgetError(QumbaError, ValueError):
    """The privacy budget does not allow another round."""


@dataclass(frozen=True)
class GaussianMechanism:
    """Clipping and Gaussian noise, with a guarantee of (epsilon, delta) differential privacy.

    Parameters
    ----------
    noise : float, optional
        Noise multiplier: the standard deviation of the noise in a sum, in units of ``clip``. By default the smallest
        that stays within ``budget`` after all rounds.
    clip : float
        Maximum norm of what one client (one row, with ``at="example"``) adds to the sum.
    delta : float
        Probability that the guarantee of epsilon does not hold; below 1, and below 1 over the number of rows or clients
        to be meaningful.
    at : {"server", "client", "example"}
        ``"server"``: clients clip their updates, the server adds noise to the sum. A client as a whole is protected
        against everyone but the server; clients are drawn independently with probability ``client_fraction``, which
        lowers epsilon. ``"client"``: each client clips its update and adds the noise itself, so that it is protected
        against the server too; with secure aggregation each adds a share only, and the sum has the noise.
        ``"example"``: DP-SGD in each client: each row is protected against everyone outside of it.
    budget : float, optional
        Epsilon that must not be exceeded: a run stops before the round that would.
    accountant : {"rdp", "pld"}
        Accountant of dp-accounting: Renyi differential privacy, or the tighter and slower privacy loss distribution.

    Raises
    ------
    ValueError
        If a number is out of range, or neither noise nor budget is given.

    Notes
    -----
    Neighbours differ by one client (row), present or absent. With a ``random_state``, whoever knows it knows the noise:
    use None where privacy matters. The noise is that of NumPy, in double precision, without protection against attacks
    on its last digits (Mironov, CCS 2012).

    References
    ----------
    McMahan et al., arXiv:1710.06963 (clients); Abadi et al., arXiv:1607.00133 (rows); Kairouz, Liu and Steinke,
    arXiv:2102.06387 (noise in shares).

    Examples
    --------
    >>> GaussianMechanism(noise=1.1, clip=1.0, delta=1e-5).at
    'server'
    """

    noise: float | None = None
    clip: float = 1.0
    delta: float = 1e-5
    at: Literal["server", "client", "example"] = "server"
    budget: float | None = None
    accountant: Accountant = "rdp"

    def __post_init__(self) -> None:
        if self.noise is not None:
            check_positive("noise", self.noise)
        if self.budget is not None:
            check_positive("budget", self.budget)
        if self.noise is None and self.budget is None:
            raise ValueError("GaussianMechanism needs noise, or a budget for which the noise is found; got neither")
        check_positive("clip", self.clip)
        _check_delta(self.delta)
        check_choice("at", self.at, PLACES)
        check_choice("accountant", self.accountant, ACCOUNTANTS)

    def calibrated(self, sampling_rate: float, steps: int) -> GaussianMechanism:
        """Return the mechanism with its noise, found for the budget if none is given."""
        if self.noise is not None:
            return self
        assert self.budget is not None
        return replace(
            self, noise=calibrated_noise(self.budget, self.delta, sampling_rate, steps, accountant=self.accountant)
        )

    def epsilon(self, sampling_rate: float, steps: int) -> float:
        """Compute epsilon after a number of steps; see `epsilon`."""
        assert self.noise is not None
        return epsilon(self.noise, self.delta, sampling_rate, steps, accountant=self.accountant)


def epsilon(noise: float, delta: float, sampling_rate: float, steps: int, *, accountant: Accountant = "rdp") -> float:
    """Compute epsilon of repeated Gaussian mechanisms on Poisson samples, by dp-accounting.

    Parameters
    ----------
    noise : float
        Noise multiplier.
    delta : float
    sampling_rate : float
        Probability with which a client or row takes part in a step, above 0 and at most 1.
    steps : int
    accountant : {"rdp", "pld"}

    Returns
    -------
    float
        0 for no steps.

    Raises
    ------
    ImportError
        If dp-accounting is not installed.
    ValueError
        If a number is out of range.

    References
    ----------
    Mironov, arXiv:1702.07476 (RDP); Wang, Balle and Kasiviswanathan, arXiv:1808.00087 (sampling).

    Examples
    --------
    >>> round(epsilon(1.1, 1e-5, 0.01, 10_000), 4)
    5.632
    """
    check_positive("noise", noise)
    check_whole("steps", steps, least=0)
    _check_delta(delta)
    _check_rate(sampling_rate)
    check_choice("accountant", accountant, ACCOUNTANTS)
    _, rdp, pld = _accounting()
    if not steps:
        return 0.0
    if accountant == "rdp":
        orders, of_one_step = _renyi(noise, sampling_rate)
        return float(rdp.compute_epsilon(orders, steps * of_one_step, delta)[0])
    if sampling_rate == 1:  # the sum of losses of a Gaussian mechanism is that of one with less noise
        losses = _losses(noise / math.sqrt(steps), 1.0)
    else:
        losses = _losses(noise, sampling_rate).self_compose(steps)
    nothing = pld.privacy_loss_distribution.identity()  # where the accountant begins; it rounds the last digits
    return float(nothing.compose(losses).get_epsilon_for_delta(delta))


def calibrated_noise(
    budget: float, delta: float, sampling_rate: float, steps: int, *, accountant: Accountant = "rdp"
) -> float:
    """Find the smallest noise multiplier with which epsilon after all steps is at most ``budget``.

    Parameters
    ----------
    budget : float
        Maximum epsilon.
    delta, sampling_rate, steps, accountant
        As in `epsilon`.

    Returns
    -------
    float
        Within 1e-6.

    Examples
    --------
    >>> round(calibrated_noise(3.0, 1e-5, sampling_rate=0.02, steps=1000), 4)
    1.2163
    """
    check_positive("budget", budget)
    check_whole("steps", steps)
    _check_delta(delta)
    _check_rate(sampling_rate)
    check_choice("accountant", accountant, ACCOUNTANTS)
    dp, rdp, pld = _accounting()
    new = rdp.RdpAccountant if accountant == "rdp" else pld.PLDAccountant
    with _quiet():
        return float(
            dp.calibrate_dp_mechanism(
                new, lambda noise: dp.SelfComposedDpEvent(_event(dp, noise, sampling_rate), steps), budget, delta
            )
        )


def clipped(change: Array, clip: float) -> Array:
    """Shorten a vector to a norm of at most ``clip``, up to rounding."""
    largest = float(np.abs(change).max(initial=0.0))
    if largest == 0.0:
        return change
    direction = change / largest  # squares of huge numbers would overflow
    norm = float(np.linalg.norm(direction))
    return change if norm <= clip / largest else direction * (clip / norm)


def _event(dp: Any, noise: float, sampling_rate: float) -> Any:
    gaussian = dp.GaussianDpEvent(noise)
    return gaussian if sampling_rate == 1 else dp.PoissonSampledDpEvent(sampling_rate, gaussian)


@lru_cache(maxsize=64)
def _renyi(noise: float, sampling_rate: float) -> tuple[Array, Array]:
    """Return orders, and the Renyi divergence of one step at each: that of several steps is a multiple."""
    dp, rdp, _ = _accounting()
    accountant = rdp.RdpAccountant()
    with _quiet():
        accountant.compose(_event(dp, noise, sampling_rate))
    return accountant.orders, accountant.rdp


@lru_cache(maxsize=4)
def _losses(noise: float, sampling_rate: float) -> Any:
    """Return the privacy loss distribution of one step."""
    pld = _accounting()[2]
    return pld.privacy_loss_distribution.from_gaussian_mechanism(noise, sampling_prob=sampling_rate)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep dp-accounting from logging each order that it leaves out; without one, epsilon is only larger."""
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _accounting() -> tuple[Any, Any, Any]:
    """Return dp-accounting and its two accountants' modules."""
    try:
        import dp_accounting
        from dp_accounting import pld, rdp
    except ImportError as error:
        raise ImportError(
            "epsilon is computed by dp-accounting, which is not installed: pip install 'qumba[privacy]'"
        ) from error
    return dp_accounting, rdp, pld


def _check_delta(delta: Any) -> None:
    if isinstance(delta, bool) or not isinstance(delta, float | int) or not 0 < delta < 1:
        raise ValueError(f"delta expects a number above 0 and below 1, got {delta!r}")


def _check_rate(sampling_rate: Any) -> None:
    if isinstance(sampling_rate, bool) or not isinstance(sampling_rate, float | int) or not 0 < sampling_rate <= 1:
        raise ValueError(
            f"sampling_rate expects the probability of taking part in a step, above 0 and at most 1, got "
            f"{sampling_rate!r}"
        )
