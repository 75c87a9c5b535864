"""Noise channels: completely positive trace-preserving maps, given by Kraus operators.

>>> bit_flip(0.1)
<channel bit_flip on 1 qubit: I 0.9, X 0.1>
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from simulator import pauli
from simulator.caching import cached_property
from simulator.errors import NoiseError, counted
from simulator.noise.transfer import choi_matrix, pauli_basis, transfer_matrix
from simulator.precision import TOLERANCE, nearest_isometry, tolerance_for

MAX_QUBITS = 3


class Channel:
    """Immutable noise channel ``rho -> sum_m K_m rho K_m^dagger``.

    Parameters
    ----------
    name : str
    kraus : array_like, shape (m, 2**k, 2**k)
        Little-endian: the first qubit is the lowest bit of an index.

    Raises
    ------
    NoiseError
        If the shape is not valid, an entry is NaN, or ``sum_m K_m^dagger K_m`` is not the identity.
    """

    def __init__(self, name: str, kraus: ArrayLike) -> None:
        self.name = name
        try:
            self.kraus: NDArray[np.complex128] = np.array(kraus, np.complex128) + 0.0
        except (TypeError, ValueError):
            raise NoiseError(f"{name}: Kraus operators are matrices of one shape") from None
        shape = self.kraus.shape
        if len(shape) != 3 or shape[1] != shape[2] or shape[1] < 2 or shape[1] & (shape[1] - 1) or not shape[0]:
            raise NoiseError(f"{name}: Kraus operators of shape (m, 2**k, 2**k) expected, got {shape}")
        self.num_qubits = shape[1].bit_length() - 1
        if self.num_qubits > MAX_QUBITS:
            raise NoiseError(f"{name}: a channel acts on at most {MAX_QUBITS} qubits, got {self.num_qubits}")
        if not np.isfinite(self.kraus).all():
            raise NoiseError(f"{name}: a Kraus operator contains NaN or infinity")
        total = np.einsum("mba,mbc->ac", self.kraus.conj(), self.kraus)
        deviation, tolerance = np.abs(total - np.eye(len(total))).max(), tolerance_for(kraus)
        if deviation > tolerance:
            raise NoiseError(
                f"{name}: the Kraus operators are not complete, the channel does not preserve the trace: "
                f"|sum K^dagger K - 1| = {deviation:.3g} (allowed {tolerance:g})"
            )
        if tolerance > TOLERANCE:
            self.kraus = nearest_isometry(self.kraus.reshape(-1, shape[2])).reshape(shape)
        self.kraus.setflags(write=False)

    @cached_property
    def transfer(self) -> NDArray[np.float64]:
        """Pauli transfer matrix, shape (4**k, 4**k); see `simulator.noise.transfer`."""
        return transfer_matrix(self.kraus)

    @cached_property
    def paulis(self) -> dict[str, float] | None:
        """Probability of each Pauli string if the channel is a mixture of them; else None.

        The choice of Kraus operators does not matter: phase damping is a mixture, though its usual ones are not Paulis.
        """
        diagonal = np.diag(self.transfer)
        if np.abs(self.transfer - np.diag(diagonal)).max() > 1e-12:
            return None
        k = self.num_qubits
        index = np.arange(4**k)
        x, z = _deinterleaved(index, k)
        signs = 1.0 - 2.0 * ((np.bitwise_count(x[:, None] & z) + np.bitwise_count(z[:, None] & x)) & 1)
        probabilities = np.maximum(signs @ diagonal / 4**k, 0.0)
        probabilities[probabilities < 1e-15] = 0.0
        return {
            pauli.label(int(x[i]), int(z[i]), k): float(p)
            for i, p in enumerate(probabilities / probabilities.sum())
            if p
        }

    @cached_property
    def mixture(self) -> tuple[NDArray[np.float64], NDArray[np.complex128]] | None:
        """Probabilities (m,) and unitaries (m, d, d) if the Kraus operators are multiples of unitaries; else None."""
        if self.paulis is not None:
            k = self.num_qubits
            matrices = [pauli.matrix(*pauli.masks(label), k) for label in self.paulis]
            return np.array([*self.paulis.values()]), np.array(matrices)
        squares = np.einsum("mba,mbc->mac", self.kraus.conj(), self.kraus)
        weights = squares[:, 0, 0].real
        if np.abs(squares - weights[:, None, None] * np.eye(squares.shape[1])).max() > 1e-12:
            return None
        used = weights > 1e-15
        return weights[used] / weights[used].sum(), self.kraus[used] / np.sqrt(weights[used])[:, None, None]

    @property
    def is_identity(self) -> bool:
        """Whether the channel is the identity."""
        return bool(np.abs(self.transfer - np.eye(len(self.transfer))).max() < 1e-15)

    def compose(self, other: Channel) -> Channel:
        """Return this channel followed by ``other`` on the same qubits."""
        if other.num_qubits != self.num_qubits:
            raise NoiseError(f"compose takes channels on as many qubits, got {self.num_qubits} and {other.num_qubits}")
        return _from_transfer(f"{self.name}+{other.name}", other.transfer @ self.transfer)

    def tensor(self, other: Channel) -> Channel:
        """Return this channel on the first qubits and ``other`` on the following ones."""
        kraus = [np.kron(b, a) for a in self.kraus for b in other.kraus]
        return Channel(f"{self.name}*{other.name}", kraus)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Channel):
            return NotImplemented
        return self.name == other.name and np.array_equal(self.kraus, other.kraus)

    def __hash__(self) -> int:
        return hash((self.name, self.kraus.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Channel, (self.name, self.kraus)

    def __repr__(self) -> str:
        kind = f"{len(self.kraus)} Kraus operators"
        if self.paulis is not None and len(self.paulis) <= 4:
            kind = ", ".join(f"{label} {p:.6g}" for label, p in self.paulis.items())
        return f"<channel {self.name} on {counted(self.num_qubits, 'qubit')}: {kind}>"


def _from_transfer(name: str, transfer: NDArray[np.float64]) -> Channel:
    """Create the channel of a transfer matrix with the minimum number of Kraus operators, from its Choi matrix.

    References
    ----------
    Greenbaum, arXiv:1509.02921.
    """
    values, vectors = np.linalg.eigh(choi_matrix(transfer))
    d = round(math.sqrt(len(values)))
    used = values > 1e-14
    return Channel(name, (np.sqrt(values[used]) * vectors[:, used]).T.reshape(-1, d, d))


def _deinterleaved(index: NDArray[np.int64], num_qubits: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the X and Z masks of transfer matrices' indices."""
    return pauli.gather(index, range(0, 2 * num_qubits, 2)), pauli.gather(index, range(1, 2 * num_qubits, 2))


def kraus(operators: Iterable[ArrayLike]) -> Channel:
    """Create a channel from its Kraus operators; a single unitary is a coherent error.

    Parameters
    ----------
    operators : sequence of m array_like, shape (2**k, 2**k)

    Raises
    ------
    NoiseError
        If ``sum K^dagger K`` is not the identity.
    """
    return Channel("kraus", [np.asarray(operator) for operator in operators])


def pauli_channel(probabilities: Mapping[str, float]) -> Channel:
    """Create a channel of random Pauli strings; the identity has the remaining probability.

    Parameters
    ----------
    probabilities : mapping from label to float
        Labels such as ``"X"`` or ``"ZX"``, all of one length; the last character acts on the first qubit.

    Raises
    ------
    NoiseError
        If a probability is outside [0, 1], their sum exceeds 1, or a label is not a Pauli string.

    Examples
    --------
    >>> pauli_channel({"X": 0.25, "Z": 0.25})
    <channel pauli on 1 qubit: I 0.5, X 0.25, Z 0.25>
    """
    if not probabilities or len({len(label) for label in probabilities}) != 1:
        raise NoiseError(f"pauli_channel takes Pauli labels of one length, got {list(probabilities)}")
    size = len(next(iter(probabilities)))
    if not 1 <= size <= MAX_QUBITS:
        raise NoiseError(f"a channel acts on 1 to {MAX_QUBITS} qubits, got the label {next(iter(probabilities))!r}")
    checked: dict[str, float] = {}
    for label, value in probabilities.items():
        if set(label) - set("IXYZ"):
            raise NoiseError(f"a Pauli label consists of I, X, Y and Z, got {label!r}")
        checked[label] = probability("pauli_channel", f"the probability of {label}", value)
    remainder = 1.0 - sum(p for label, p in checked.items() if label != "I" * size)
    if remainder < -TOLERANCE:
        raise NoiseError(f"pauli_channel: the probabilities of errors sum to {1 - remainder:.9g}, more than 1")
    identity = "I" * size
    if identity in checked and abs(checked[identity] - remainder) > TOLERANCE:
        raise NoiseError(f"pauli_channel: the probabilities sum to {1 - remainder + checked[identity]:.9g}, expected 1")
    checked = {identity: max(remainder, 0.0), **{label: p for label, p in checked.items() if label != identity}}
    operators = [math.sqrt(p) * pauli.matrix(*pauli.masks(label), size) for label, p in checked.items() if p > 0]
    return Channel("pauli", operators)


def depolarizing(p: float, num_qubits: int = 1) -> Channel:
    """Create a depolarizing channel, which replaces the state by the maximally mixed one with probability p.

    ``rho -> (1 - p) rho + p 1/2**num_qubits``, Qiskit's convention. A Pauli other than the identity then acts with
    probability ``p (1 - 4**-num_qubits)``. To specify that probability P, as in Cirq, Qulacs and PennyLane, use
    ``p = P / (1 - 4**-num_qubits)``, which is ``4 P / 3`` for one qubit. At the largest p, which is above 1, an error
    always happens.

    Parameters
    ----------
    p : float
        Probability, between 0 and ``4**num_qubits / (4**num_qubits - 1)``.
    num_qubits : int
    """
    if isinstance(num_qubits, bool) or num_qubits not in range(1, MAX_QUBITS + 1):
        raise NoiseError(f"depolarizing: num_qubits is 1 to {MAX_QUBITS}, got {num_qubits!r}")
    paulis = pauli_basis(num_qubits)
    p = probability("depolarizing", "p", p, Fraction(len(paulis), len(paulis) - 1))
    weights = np.full(len(paulis), p / len(paulis))
    weights[0] = max(weights[0] + (1.0 - p), 0.0)
    used = weights > 0
    return Channel("depolarizing", np.sqrt(weights[used])[:, None, None] * paulis[used])


def bit_flip(p: float) -> Channel:
    """Create a bit flip: X with probability p."""
    return _named("bit_flip", pauli_channel({"X": probability("bit_flip", "p", p)}))


def phase_flip(p: float) -> Channel:
    """Create a phase flip: Z with probability p."""
    return _named("phase_flip", pauli_channel({"Z": probability("phase_flip", "p", p)}))


def amplitude_damping(gamma: float, excited_population: float = 0.0) -> Channel:
    """Create amplitude damping: decay of 1 to 0 with probability gamma, or to a thermal mixture.

    Parameters
    ----------
    gamma : float
        Probability of decay, between 0 and 1.
    excited_population : float
        Probability of 1 in the stationary state.

    References
    ----------
    Nielsen and Chuang, Quantum Computation and Quantum Information, section 8.3.5.
    """
    gamma = probability("amplitude_damping", "gamma", gamma)
    excited = probability("amplitude_damping", "excited_population", excited_population)
    keep, lose = math.sqrt(1 - gamma), math.sqrt(gamma)
    down = [np.diag([1, keep]), np.array([[0, lose], [0, 0]])]
    up = [np.diag([keep, 1]), np.array([[0, 0], [lose, 0]])]
    operators = [math.sqrt(1 - excited) * k for k in down] + [math.sqrt(excited) * k for k in up]
    return Channel("amplitude_damping", [k for k in operators if np.any(k)])


def phase_damping(lam: float) -> Channel:
    """Create phase damping: loss of coherence without decay; off-diagonal elements shrink by ``sqrt(1 - lam)``."""
    lam = probability("phase_damping", "lam", lam)
    return Channel("phase_damping", [np.diag([1, math.sqrt(1 - lam)]), np.diag([0, math.sqrt(lam)])])


def thermal_relaxation(t1: float, t2: float, time: float, excited_population: float = 0.0) -> Channel:
    """Create the relaxation of a qubit with times t1 and t2 during ``time``; all three in the same unit.

    Populations approach the thermal ones as ``exp(-time/t1)``, coherences vanish as ``exp(-time/t2)``.

    Parameters
    ----------
    t1, t2 : float
        Relaxation times, positive, with ``t2 <= 2 t1``; may be infinite.
    time : float
        Duration, at least 0.
    excited_population : float
        Probability of 1 in equilibrium.
    """
    for name, value in (("t1", t1), ("t2", t2)):
        if not value > 0:
            raise NoiseError(f"thermal_relaxation: {name} is a positive time, got {value!r}")
    if not (math.isfinite(time) and time >= 0):
        raise NoiseError(f"thermal_relaxation: time is 0 or more, got {time!r}")
    if t2 > 2 * t1 * (1 + 1e-12):
        raise NoiseError(f"thermal_relaxation: t2 is at most 2 t1, got t1 = {t1}, t2 = {t2}")
    damping = amplitude_damping(-math.expm1(-time / t1), excited_population)
    dephasing = phase_damping(-math.expm1(-2 * max(time / t2 - time / (2 * t1), 0.0)))
    return _named("thermal_relaxation", damping.compose(dephasing))


def _named(name: str, channel: Channel) -> Channel:
    return Channel(name, channel.kraus)


def probability(owner: str, name: str, value: Any, largest: Fraction = Fraction(1)) -> float:
    """Convert ``value`` to a float between 0 and ``largest``, or raise a NoiseError."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise NoiseError(f"{owner}: {name} is a number between 0 and {largest}, got {value!r}")
    if not 0 <= value <= float(largest):
        raise NoiseError(f"{owner}: {name} is between 0 and {largest}, got {value}")
    return float(value)
