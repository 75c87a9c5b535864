"""Ground states of spin chains with their phases, computed by exact diagonalisation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from qml.datasets.checks import Features, RandomState, check_interval, generator
from qml.settings import check_whole
from simulator.observables import PauliSum

__all__ = [
    "annni",
    "annni_hamiltonian",
    "annni_phase",
    "cluster_ising",
    "cluster_ising_hamiltonian",
    "ground_states",
    "xxz",
    "xxz_hamiltonian",
]

Phases: TypeAlias = NDArray[np.str_]
Labelled: TypeAlias = tuple[Features, Phases]
LabelledWithCouplings: TypeAlias = tuple[Features, Phases, Features]

MAX_QUBITS = 16
"""A sparse matrix of 16 qubits has millions of entries; more would take minutes for each state."""

DENSE_QUBITS = 6
"""Up to this, diagonalising the dense matrix is faster than the Lanczos method."""

SMALLEST_GAP = 1e-9
"""Relative to the norm of the Hamiltonian; below it, the ground state is not one state to working precision."""

TIE = 1e-6
"""Relative difference below which two amplitudes count as equally large when the sign is fixed."""


def ground_states(hamiltonians: Sequence[PauliSum], num_qubits: int) -> NDArray[Any]:
    """Ground state of each Hamiltonian.

    Parameters
    ----------
    hamiltonians : sequence of PauliSum
    num_qubits : int
        At most 16.

    Returns
    -------
    ndarray, shape (n_hamiltonians, 2**num_qubits)
        Normalised amplitudes, for `AmplitudeMap` or ``Circuit.initialize``; float if all Hamiltonians are real
        matrices, else complex. The phase is fixed: the largest amplitude, the first of equals, is positive.

    Raises
    ------
    ValueError
        If an argument makes no sense, or a ground state is degenerate: it would depend on rounding. Subtracting a
        symmetry of the Hamiltonian picks the state that has its eigenvalue 1.

    Examples
    --------
    >>> from simulator import X, Z
    >>> from qml.datasets import ground_states
    >>> ground_states([-Z(0) @ Z(1) - 0.5 * (X(0) + X(1))], 2).round(3).tolist()
    [[0.602, 0.372, 0.372, 0.602]]
    """
    _check_size(num_qubits, least=1)
    for hamiltonian in hamiltonians:
        if not isinstance(hamiltonian, PauliSum):
            raise ValueError(f"hamiltonians expects PauliSums, got {hamiltonian!r}")
        hamiltonian.check_fits(num_qubits)
    if not len(hamiltonians):
        raise ValueError("hamiltonians is empty: expected at least one PauliSum")
    real = all(not (np.bitwise_count(h.x_masks & h.z_masks) & 1).any() for h in hamiltonians)
    return np.array([_ground_state(h, num_qubits, real) for h in hamiltonians])


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

    ``H = -sum_i Z_i X_(i+1) Z_(i+2) - h1 sum_i X_i`` on a ring, with h1 uniform in ``[0, 2)``: the exactly solvable line
    that quantum convolutional networks are trained on. `cluster_ising_hamiltonian` has the second field h2 too.

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
    _check_size(num_qubits, least=4)
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
    _check_size(num_qubits, least=4)
    if num_qubits % 2:
        raise ValueError(f"num_qubits expects an even number, as every qubit of the trivial phase has a partner, got {num_qubits}")
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

    ``H = -sum_i X_i X_(i+1) + kappa sum_i X_i X_(i+2) - h sum_i Z_i`` on an open chain, with kappa uniform in ``[0, 1)``
    and h uniform in ``[0, 2)``. The state is that of even parity ``Z...Z``, the lowest for every h > 0.

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
    _check_size(num_qubits, least=4)
    if num_qubits % 2:
        raise ValueError(f"num_qubits expects an even number, as the antiphase has pairs of equal spins, got {num_qubits}")
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


def _check_size(num_qubits: int, least: int) -> None:
    check_whole("num_qubits", num_qubits, least=least)
    if num_qubits > MAX_QUBITS:
        raise ValueError(f"num_qubits expects at most {MAX_QUBITS} for exact diagonalisation, got {num_qubits}")


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


def _ground_state(hamiltonian: PauliSum, num_qubits: int, real: bool) -> NDArray[Any]:
    from scipy.sparse.linalg import eigsh

    matrix = _sparse(hamiltonian, num_qubits, real)
    if num_qubits <= DENSE_QUBITS:
        energies, states = np.linalg.eigh(matrix.toarray())
    else:
        # A fixed start makes the result reproducible; a random one overlaps with the ground state whatever it is.
        start = np.random.RandomState(0).standard_normal(1 << num_qubits)
        energies, states = eigsh(matrix, k=2, which="SA", v0=start)
        states = states[:, energies.argsort()]
        energies.sort()
    scale = np.abs(hamiltonian.coefficients).sum()
    if energies[1] - energies[0] <= SMALLEST_GAP * scale:
        raise ValueError(
            f"the ground state of {hamiltonian!r} is degenerate: {energies[0]:.6g} twice; expected one lowest state, as "
            "after subtracting a symmetry"
        )
    state = states[:, 0]
    sizes = np.abs(state)
    first = state[np.argmax(sizes >= (1 - TIE) * sizes.max())]
    return state * (np.conj(first) / np.abs(first))


def _sparse(hamiltonian: PauliSum, num_qubits: int, real: bool) -> Any:
    """Matrix in compressed rows; strings with the same flips share one generalised diagonal."""
    from scipy.sparse import coo_array

    j = np.arange(1 << num_qubits)
    flips, group = np.unique(hamiltonian.x_masks, return_inverse=True)
    values = np.zeros((len(flips), len(j)), complex)
    for k, x, z, c in zip(group, hamiltonian.x_masks, hamiltonian.z_masks, hamiltonian.coefficients, strict=True):
        values[k] += c * 1j ** (int(x & z).bit_count() % 4) * (1.0 - 2.0 * (np.bitwise_count(j & z) & 1))
    rows, columns = j ^ flips[:, None], np.broadcast_to(j, values.shape)
    entries = values.real if real else values
    return coo_array((entries.ravel(), (rows.ravel(), columns.ravel())), shape=(len(j), len(j))).tocsr()
