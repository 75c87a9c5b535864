"""Distribution of a circuit's states over random weights: expressibility and entanglement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.diagnostics.subject import NO_WEIGHTS, Subject, as_subject, random_generator, random_weights
from qml.settings import check_whole
from simulator.calculations.fidelities import fidelities
from simulator.calculations.statevector import expectations
from simulator.errors import CircuitError
from simulator.observables import PauliSum
from simulator.program.program import Program

__all__ = [
    "EntanglingCapability",
    "Expressibility",
    "entangling_capability",
    "expressibility",
    "haar_fidelities",
    "meyer_wallach",
]

Array = NDArray[np.float64]

BINS = 75
"""Number of bins of the published histograms (arXiv:1905.10876)."""

ROWS = 4
"""Maximum number of rows over which fidelities are averaged."""


@dataclass(frozen=True)
class Expressibility:
    """Distribution of the fidelities between states of random weights, and its divergence from Haar random states.

    Attributes
    ----------
    divergence : float
        Kullback-Leibler divergence in nats: 0 for Haar random states, ``log(n_bins)`` and more for a single state.
    idle : float
        Divergence of a circuit that prepares one state only, the largest value of this histogram.
    edges : float ndarray, shape (n_bins + 1,)
    shares, haar : float ndarray, shape (n_bins,)
        Share of the fidelities in each bin: measured, and of Haar random states.
    """

    divergence: float
    idle: float
    edges: Array
    shares: Array
    haar: Array


@dataclass(frozen=True)
class EntanglingCapability:
    """Meyer-Wallach measure of states of random weights.

    Attributes
    ----------
    mean, deviation : float
        Mean and standard deviation over the weight sets.
    haar : float
        Mean over Haar random states, ``(N - 2) / (N + 1)`` with ``N = 2**n``.
    measures : float ndarray, shape (n_sets,)
    """

    mean: float
    deviation: float
    haar: float
    measures: Array = field(repr=False)


def expressibility(
    model: Any, X: ArrayLike | None = None, *, n_sets: int = 1000, bins: int = BINS, random_state: Any = None
) -> Expressibility:
    """Compare the states that random weights reach with Haar random states.

    ``D(P || P_Haar) = sum_b P_b log(P_b / P_Haar,b)`` over bins of the fidelity F of two states of the circuit with
    independent weights, each uniform on the circle. Haar random states have ``P(F) = (N - 1)(1 - F)^(N - 2)``. All
    pairs of the weight sets are used. With inputs, the states of a pair encode the same row; up to 4 rows share the
    sets.

    Parameters
    ----------
    model : Circuit, QuantumModel or fitted estimator
        For a `Circuit` all parameters are drawn.
    X : array-like, shape (n_rows, n_features), optional
        Rows to encode, if the model has inputs.
    n_sets : int
        Number of weight sets, at least 2 for each row.
    bins : int
    random_state : int, Generator or None

    Returns
    -------
    Expressibility
        With k sets, Haar random states give a divergence of up to about ``bins / k**2`` instead of 0.

    Raises
    ------
    ValueError
        If there are fewer than 2 weight sets, or the circuit has no weights.
    StateTooLargeError
        If a state does not fit in memory; raised before allocation.

    References
    ----------
    Sim, Johnson and Aspuru-Guzik, arXiv:1905.10876, equations 4 to 8.

    Examples
    --------
    >>> from simulator import Circuit, ParameterVector
    >>> w = ParameterVector("w", 3)
    >>> rotation = Circuit(1).rz(w[0], 0).ry(w[1], 0).rz(w[2], 0)
    >>> expressibility(rotation, random_state=0).divergence < expressibility(Circuit(1).ry(w[0], 0)).divergence
    True
    """
    check_whole("n_sets", n_sets, least=2)
    check_whole("bins", bins, least=2)
    subject = as_subject(model, X)
    _check_weights(subject)
    rng = random_generator(random_state)
    subject = subject.take(min(ROWS, n_sets // 2))
    rows = len(subject.inputs)
    program, values = _states_program(subject), subject.values(random_weights(subject, n_sets, rng))
    samples = []
    for row in range(rows):
        matrix = fidelities(program, values[row::rows], NO_WEIGHTS)
        samples.append(matrix[np.triu_indices(len(matrix), 1)])
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = np.histogram(np.clip(np.concatenate(samples), 0.0, 1.0), edges)[0]
    log_haar = _log_haar_shares(edges, subject.circuit_model.circuit.num_qubits)
    shares = counts / counts.sum()
    used = shares > 0
    divergence = float(np.sum(shares[used] * (np.log(shares[used]) - log_haar[used])))
    return Expressibility(divergence, float(-log_haar[-1]), edges, shares, np.exp(log_haar))


def haar_fidelities(edges: ArrayLike, num_qubits: int) -> Array:
    """Compute the probability that the fidelity of two Haar random states lies in each bin.

    ``(1 - a)^(N - 1) - (1 - b)^(N - 1)`` for a bin from a to b, with ``N = 2**num_qubits``.

    Parameters
    ----------
    edges : array-like, shape (n_bins + 1,)
        Increasing, from 0 to 1.
    num_qubits : int

    References
    ----------
    Zyczkowski and Sommers, arXiv:quant-ph/0311117; Sim et al., arXiv:1905.10876.

    Examples
    --------
    >>> haar_fidelities([0, 0.5, 1], num_qubits=2)
    array([0.875, 0.125])
    """
    check_whole("num_qubits", num_qubits)
    return np.exp(_log_haar_shares(np.asarray(edges, np.float64), num_qubits))


def entangling_capability(
    model: Any, X: ArrayLike | None = None, *, n_sets: int = 1000, random_state: Any = None
) -> EntanglingCapability:
    """Average the Meyer-Wallach measure of the states that random weights reach.

    Of a circuit without weights, as in a kernel, the states of the rows are taken instead. No state is kept: with Bloch
    vectors r_q the measure is ``1 - mean_q |r_q|^2``.

    Parameters
    ----------
    model : Circuit, QuantumModel or fitted estimator
    X : array-like, shape (n_rows, n_features), optional
        Rows to encode, if the model has inputs; weight set k encodes row ``k % n_rows``.
    n_sets : int
        Number of weight sets, at least 2.
    random_state : int, Generator or None

    Raises
    ------
    CircuitError
        If there is only 1 qubit, which cannot be entangled.

    References
    ----------
    Meyer and Wallach, arXiv:quant-ph/0108104; Brennen, arXiv:quant-ph/0305094; Sim et al., arXiv:1905.10876.
    """
    check_whole("n_sets", n_sets, least=2)
    subject = as_subject(model, X)
    circuit = subject.circuit_model.circuit
    if circuit.num_qubits < 2:
        raise CircuitError("entanglement needs at least 2 qubits, the circuit has 1")
    if circuit_has_weights(subject) and subject.kernel is None:
        values = subject.values(random_weights(subject, n_sets, random_generator(random_state)))
    else:
        weights = np.zeros((1, 0)) if subject.weights is None else subject.weights[None]
        values = subject.take(n_sets).values(weights, every_row=True)
    paulis = [PauliSum.from_terms([(label, [q], 1.0)]) for q in range(circuit.num_qubits) for label in "XYZ"]
    bloch = expectations(Program(circuit, paulis, subject.batched.inputs), values, NO_WEIGHTS)
    measures = 1.0 - (bloch**2).sum(axis=1) / circuit.num_qubits
    size = 2.0**circuit.num_qubits
    return EntanglingCapability(
        float(measures.mean()), float(measures.std()), (size - 2.0) / (size + 1.0), np.clip(measures, 0.0, 1.0)
    )


def meyer_wallach(states: ArrayLike) -> Array:
    """Compute the Meyer-Wallach measure of pure states, ``2 (1 - mean_q tr rho_q^2)``.

    Parameters
    ----------
    states : array-like, shape (2**n,) or (n_states, 2**n)
        Amplitudes of norm 1, for n of at least 2.

    Returns
    -------
    float ndarray, shape () or (n_states,)
        0 for a product state, 1 if each qubit alone is completely mixed.

    References
    ----------
    Meyer and Wallach, arXiv:quant-ph/0108104; Brennen, arXiv:quant-ph/0305094.

    Examples
    --------
    >>> from simulator import Circuit
    >>> meyer_wallach([Circuit(2).h(0).statevector(), Circuit(2).h(0).cx(0, 1).statevector()]).round(12)
    array([0., 1.])
    """
    amplitudes = np.asarray(states, np.complex128)
    length = amplitudes.shape[-1] if amplitudes.ndim in (1, 2) else 0
    num_qubits = length.bit_length() - 1
    if length < 4 or length != 1 << num_qubits:
        raise ValueError(f"states must have shape (2**n,) or (n_states, 2**n) with n >= 2, got {amplitudes.shape}")
    norms = np.sum(np.abs(amplitudes) ** 2, axis=-1)
    if not np.allclose(norms, 1.0, rtol=0.0, atol=1e-6):
        raise ValueError(f"states must have norm 1, got squared norms from {norms.min():g} to {norms.max():g}")
    purity = np.zeros(amplitudes.shape[:-1])
    for qubit in range(num_qubits):
        halves = amplitudes.reshape(*amplitudes.shape[:-1], -1, 2, 1 << qubit)
        reduced = np.einsum("...aib,...ajb->...ij", halves, halves.conj())
        purity += np.sum(np.abs(reduced) ** 2, axis=(-2, -1))
    return np.asarray(np.maximum(2.0 * (1.0 - purity / num_qubits), 0.0))


def circuit_has_weights(subject: Subject) -> bool:
    """Whether the circuit has weights."""
    return bool(subject.circuit_model.weights)


def _check_weights(subject: Subject) -> None:
    if not circuit_has_weights(subject):
        raise ValueError("expressibility is a property of a circuit with weights; this circuit has none")


def _states_program(subject: Subject) -> Program:
    """Return the program of the circuit without observables, whose inputs are all its parameters."""
    return Program(subject.circuit_model.circuit, (), subject.batched.inputs)


def _log_haar_shares(edges: Array, num_qubits: int) -> Array:
    """Compute logarithms of the bins' probabilities, which are far below the smallest double for many qubits."""
    power = 2.0**num_qubits - 1.0
    with np.errstate(divide="ignore"):
        lower, upper = power * np.log1p(-edges[:-1]), power * np.log1p(-edges[1:])
    return np.asarray(lower + np.log1p(-np.exp(upper - lower)))
