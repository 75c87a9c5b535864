"""Ground states of spin chains, labelled by their phases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from qml.datasets.checks import Features, RandomState, check_interval, generator
from qml.datasets.eigenstates import check_size, ground_states
from qml.settings import check_whole
from simulator.observables import PauliSum

__all__ = [
    "annni",
    "annni_hamiltonian",
    "annni_phase",
    "cluster_ising",
    "cluster_ising_hamiltonian",
    "xxz",
    "xxz_hamiltonian",
]

Phases: TypeAlias = NDArray[np.str_]
Labelled: TypeAlias = tuple[Features, Phases]
LabelledWithCouplings: TypeAlias = tuple[Features, Phases, Features]


@overload
def cluster_ising(
    n_samples: int = ...,
    num_qubits: int = ...,
    *,
    return_couplings: Literal[False] = ...,
    random_state: RandomState = ...,
) -> Labelled: ...
@overload
def cluster_ising(
    n_samples: int = ..., num_qubits: int = ..., *, return_couplings: Literal[True], random_state: RandomState = ...
) -> LabelledWithCouplings: ...
def cluster_ising(
    n_samples: int = 40, num_qubits: int = 8, *, return_couplings: bool = False, random_state: RandomState = None
) -> Labelled | LabelledWithCouplings:
    """Ground states of the cluster-Ising chain in its topological and in its paramagnetic phase.

    ``H = -sum_i Z_i X_(i+1) Z_(i+2) - h1 sum_i X_i`` on a ring, with h1 uniform in ``[0, 2)``: the exactly solvable
    line that quantum convolutional networks are trained on. `cluster_ising_hamiltonian` has the second field h2 too.

    Parameters
    ----------
    n_samples : int
    num_qubits : int
        From 4 to 16.
    return_couplings : bool
        Whether to return the couplings as well.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, 2**num_qubits)
        Amplitudes as `ground_states` returns them.
    y : str ndarray, shape (n_samples,)
        ``"topological"`` (symmetry-protected) for h1 < 1, else ``"paramagnetic"``, as in the infinite chain.
    couplings : float ndarray, shape (n_samples, 1), only with ``return_couplings``
        h1.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Cong, Choi and Lukin, arXiv:1810.03994.

    Examples
    --------
    >>> from qml.datasets import cluster_ising
    >>> X, y = cluster_ising(4, num_qubits=6, random_state=0)
    >>> X.shape, y.tolist()
    ((4, 64), ['paramagnetic', 'paramagnetic', 'paramagnetic', 'paramagnetic'])
    """
    check_size(num_qubits, least=4)
    couplings = _uniform(n_samples, random_state, [(0.0, 2.0)])
    phases = np.where(couplings[:, 0] < 1, "topological", "paramagnetic")
    return _labelled(cluster_ising_hamiltonian, num_qubits, couplings, phases, return_couplings)


def cluster_ising_hamiltonian(num_qubits: int, h1: float, h2: float = 0.0) -> PauliSum:
    """Cluster-Ising Hamiltonian on a ring, ``-sum_i (Z_i X_(i+1) Z_(i+2) + h1 X_i + h2 X_i X_(i+1))``."""
    i = range(num_qubits)
    return PauliSum.from_terms(
        [("ZXZ", (k, (k + 1) % num_qubits, (k + 2) % num_qubits), -1.0) for k in i]
        + [("X", (k,), -h1) for k in i]
        + [("XX", (k, (k + 1) % num_qubits), -h2) for k in i]
    )


@overload
def xxz(
    n_samples: int = ...,
    num_qubits: int = ...,
    *,
    delta: float = ...,
    return_couplings: Literal[False] = ...,
    random_state: RandomState = ...,
) -> Labelled: ...
@overload
def xxz(
    n_samples: int = ...,
    num_qubits: int = ...,
    *,
    delta: float = ...,
    return_couplings: Literal[True],
    random_state: RandomState = ...,
) -> LabelledWithCouplings: ...
def xxz(
    n_samples: int = 40,
    num_qubits: int = 8,
    *,
    delta: float = 1.0,
    return_couplings: bool = False,
    random_state: RandomState = None,
) -> Labelled | LabelledWithCouplings:
    """Ground states of the bond-alternating XXZ chain in its trivial and in its topological phase.

    ``H = sum_i J_i (X_i X_(i+1) + Y_i Y_(i+1) + delta Z_i Z_(i+1))`` on an open chain, with strength ``J = cos(theta)``
    on even bonds, the first of which joins qubits 0 and 1, and ``J' = sin(theta)`` on odd ones; theta is uniform in
    ``[0, pi/2)``. For ``delta=1`` it is the Heisenberg chain.

    Parameters
    ----------
    n_samples : int
    num_qubits : int
        An even number from 4 to 16.
    delta : float
        Anisotropy from 0 to 1, where the transition is at equal strengths.
    return_couplings : bool
        Whether to return the couplings as well.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, 2**num_qubits)
        Amplitudes as `ground_states` returns them.
    y : str ndarray, shape (n_samples,)
        ``"trivial"`` for J > J', where the even bonds are singlets, else ``"topological"``, where the two qubits at the
        ends are left over.
    couplings : float ndarray, shape (n_samples, 2), only with ``return_couplings``
        J and J'.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Elben et al., arXiv:1906.05011; Huang et al., arXiv:2106.12627.
    """
    check_size(num_qubits, least=4)
    if num_qubits % 2:
        raise ValueError(
            f"num_qubits expects an even number, as every qubit of the trivial phase has a partner, got {num_qubits}"
        )
    check_interval("delta", delta, 0, 1)
    theta = _uniform(n_samples, random_state, [(0.0, np.pi / 2)])[:, 0]
    couplings = np.column_stack([np.cos(theta), np.sin(theta)])
    phases = np.where(couplings[:, 0] > couplings[:, 1], "trivial", "topological")

    # The two spins at the ends of a topological chain are a singlet, above which the triplet lies ever closer.
    sign = (-1.0) ** (num_qubits // 2)
    singlet = sign * (_on_all("X", num_qubits) + _on_all("Z", num_qubits))

    def hamiltonian(num_qubits: int, even: float, odd: float) -> PauliSum:
        return xxz_hamiltonian(num_qubits, even, odd, delta) - singlet

    return _labelled(hamiltonian, num_qubits, couplings, phases, return_couplings)


def xxz_hamiltonian(num_qubits: int, even: float, odd: float, delta: float = 1.0) -> PauliSum:
    """Bond-alternating XXZ Hamiltonian; bond k joins qubits k and k + 1, of strength ``even`` or ``odd``."""
    strengths = [odd if k % 2 else even for k in range(num_qubits - 1)]
    return PauliSum.from_terms(
        (letters, (k, k + 1), strength * factor)
        for k, strength in enumerate(strengths)
        for letters, factor in (("XX", 1.0), ("YY", 1.0), ("ZZ", delta))
    )


@overload
def annni(
    n_samples: int = ...,
    num_qubits: int = ...,
    *,
    return_couplings: Literal[False] = ...,
    random_state: RandomState = ...,
) -> Labelled: ...
@overload
def annni(
    n_samples: int = ..., num_qubits: int = ..., *, return_couplings: Literal[True], random_state: RandomState = ...
) -> LabelledWithCouplings: ...
def annni(
    n_samples: int = 40, num_qubits: int = 8, *, return_couplings: bool = False, random_state: RandomState = None
) -> Labelled | LabelledWithCouplings:
    """Ground states of the axial next-nearest-neighbour Ising chain in its three phases.

    ``H = -sum_i X_i X_(i+1) + kappa sum_i X_i X_(i+2) - h sum_i Z_i`` on an open chain, with kappa uniform in
    ``[0, 1)`` and h uniform in ``[0, 2)``. The state is that of even parity ``Z...Z``, the lowest for every h > 0.

    Parameters
    ----------
    n_samples : int
    num_qubits : int
        An even number from 4 to 16.
    return_couplings : bool
        Whether to return the couplings as well.
    random_state : int, RandomState or None

    Returns
    -------
    X : float ndarray, shape (n_samples, 2**num_qubits)
        Amplitudes as `ground_states` returns them.
    y : str ndarray, shape (n_samples,)
        The phase of the infinite chain, as `annni_phase` returns it.
    couplings : float ndarray, shape (n_samples, 2), only with ``return_couplings``
        kappa and h.

    Raises
    ------
    ValueError
        If an argument makes no sense.

    References
    ----------
    Monaco et al., arXiv:2208.08748; Cea et al., arXiv:2402.11022.
    """
    check_size(num_qubits, least=4)
    if num_qubits % 2:
        raise ValueError(
            f"num_qubits expects an even number, as the antiphase has pairs of equal spins, got {num_qubits}"
        )
    couplings = _uniform(n_samples, random_state, [(0.0, 1.0), (0.0, 2.0)])
    even = _on_all("Z", num_qubits)

    def hamiltonian(num_qubits: int, kappa: float, h: float) -> PauliSum:
        return annni_hamiltonian(num_qubits, kappa, h) - even

    return _labelled(hamiltonian, num_qubits, couplings, annni_phase(*couplings.T), return_couplings)


def annni_hamiltonian(num_qubits: int, kappa: float, h: float) -> PauliSum:
    """Hamiltonian of the ANNNI chain, see `annni`."""
    return PauliSum.from_terms(
        [("XX", (k, k + 1), -1.0) for k in range(num_qubits - 1)]
        + [("XX", (k, k + 2), kappa) for k in range(num_qubits - 2)]
        + [("Z", (k,), -h) for k in range(num_qubits)]
    )


def annni_phase(kappa: NDArray[np.float64], h: NDArray[np.float64]) -> Phases:
    """Phase of the infinite ANNNI chain, for kappa from 0 to 1.

    ``"ferromagnetic"`` for kappa < 1/2 below the Ising line from perturbation theory,
    ``h = (1 - kappa) / kappa (1 - sqrt((1 - 3 kappa + 4 kappa**2) / (1 - kappa)))``; ``"antiphase"`` for kappa > 1/2
    below ``h = 1.05 sqrt((kappa - 0.5) (kappa - 0.1))``, found numerically, with the narrow floating phase counted in;
    else ``"paramagnetic"``. See arXiv:2402.11022.
    """
    small, large = np.minimum(kappa, 0.5), np.maximum(kappa, 0.5)
    # The Ising line without its 0 / 0 at kappa = 0.
    ising = 2 * (1 - 2 * small) / (1 + np.sqrt((1 - 3 * small + 4 * small**2) / (1 - small)))
    floating = 1.05 * np.sqrt((large - 0.5) * (large - 0.1))
    ordered = np.where(kappa < 0.5, "ferromagnetic", "antiphase")
    return np.where(h < np.maximum(ising, floating), ordered, "paramagnetic")


def _uniform(n_samples: int, random_state: RandomState, ranges: list[tuple[float, float]]) -> Features:
    check_whole("n_samples", n_samples)
    low, high = np.array(ranges).T
    return low + (high - low) * generator(random_state).random_sample((n_samples, len(ranges)))


def _labelled(
    hamiltonian: Callable[..., PauliSum],
    num_qubits: int,
    couplings: Features,
    phases: Phases,
    return_couplings: bool,
) -> Labelled | LabelledWithCouplings:
    X = ground_states([hamiltonian(num_qubits, *map(float, row)) for row in couplings], num_qubits)
    return (X, phases, couplings) if return_couplings else (X, phases)


def _on_all(letter: str, num_qubits: int) -> PauliSum:
    return PauliSum.from_label(letter * num_qubits)
