"""Effect of readout errors on expectations and samples, and their mitigation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import NoiseError
from simulator.noise.model import NoiseModel
from simulator.observables import PauliSum

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def read_through(observable: PauliSum, flips: FloatArray) -> PauliSum:
    """Return the observable that is effectively measured if each of its Paulis is read with errors.

    A Pauli read as -1 instead of 1 with probability a, and as 1 instead of -1 with b, becomes
    ``(1 - a - b) P + (b - a)``.

    Parameters
    ----------
    observable : PauliSum
    flips : float64 ndarray, shape (num_qubits, 2)
        ``a = P(1|0)`` and ``b = P(0|1)`` of each qubit.
    """
    for qubit, (a, b) in enumerate(flips[: observable.num_qubits].tolist()):
        bit = 1 << qubit
        touched = ((observable.x_masks | observable.z_masks) & bit) != 0
        if not (a or b) or not touched.any():
            continue
        scaled = np.where(touched, (1 - a - b) * observable.coefficients, observable.coefficients)
        offsets = (b - a) * observable.coefficients[touched]
        observable = PauliSum(
            np.concatenate([observable.x_masks, observable.x_masks[touched] & ~bit]),
            np.concatenate([observable.z_masks, observable.z_masks[touched] & ~bit]),
            np.concatenate([scaled, offsets]),
        )
    return observable


def misread(outcomes: IntArray, counts: IntArray, flips: FloatArray, rng: np.random.Generator) -> IntArray:
    """Expand to one outcome per shot with randomly flipped bits; flips (width, 2) in the order of the bits."""
    shots = np.repeat(outcomes, counts)
    for bit, (a, b) in enumerate(flips.tolist()):
        if a or b:
            probability = np.where(shots >> bit & 1, b, a)
            shots = shots ^ ((rng.random(len(shots)) < probability).astype(np.int64) << bit)
    return shots


def mitigate_readout(counts: Mapping[str, int], readout: Any, qubits: Sequence[int] | None = None) -> dict[str, float]:
    """Mitigate readout errors: compute an unbiased estimate of the frequencies without them.

    The inverse of each bit's confusion matrix is applied to the frequencies; the result may have small negative
    entries.

    Parameters
    ----------
    counts : mapping from bit string to int
    readout : NoiseModel, or what its ``readout`` takes
    qubits : sequence of int, optional
        Qubit of each bit, starting with the last character; 0, 1, ... by default.

    Returns
    -------
    dict from bit string to float
        Estimated frequencies, which sum to 1.

    Raises
    ------
    NoiseError
        If the strings differ in length, have more than 20 bits, or a confusion matrix has no inverse.

    References
    ----------
    Bravyi, Sheldon, Kandala, Mckay, Gambetta, arXiv:2006.14044.

    Examples
    --------
    >>> mitigate_readout({"0": 900, "1": 100}, 0.1)
    {'0': 1.0}
    """
    lengths = {len(bits) for bits in counts}
    if len(lengths) != 1:
        raise NoiseError(f"counts need bit strings of one length, got lengths {sorted(lengths)}")
    (width,) = lengths
    if width > 20:
        raise NoiseError(f"readout errors can be mitigated for at most 20 bits, got {width}")
    places = range(width) if qubits is None else tuple(qubits)
    if len(places) != width:
        raise NoiseError(f"expected one qubit per bit, got {len(places)} qubits for {width} bits")
    model = readout if isinstance(readout, NoiseModel) else NoiseModel(readout=readout)
    flips = model.readout_flips(max(places) + 1)
    values = np.zeros(1 << width)
    for bits, count in counts.items():
        values[int(bits, 2)] += count
    values /= values.sum()
    for bit, qubit in enumerate(places):
        a, b = flips[qubit].tolist()
        if abs(1 - a - b) < 1e-9:
            raise NoiseError(f"the readout of qubit {qubit} carries no information: P(1|0) + P(0|1) = 1")
        pairs = values.reshape(-1, 2, 1 << bit)
        zero, one = pairs[:, 0].copy(), pairs[:, 1].copy()
        pairs[:, 0] = ((1 - b) * zero - b * one) / (1 - a - b)
        pairs[:, 1] = ((1 - a) * one - a * zero) / (1 - a - b)
    nonzero = np.flatnonzero(np.abs(values) > 1e-15)
    return {format(int(k), f"0{width}b"): float(round(values[k], 15)) for k in nonzero}
