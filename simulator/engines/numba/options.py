"""Size thresholds of the engine. Defaults were determined by measurement, or are derived from the caches if None."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a `NumbaEngine`; none changes a result by more than rounding.

    Attributes
    ----------
    batch_qubits : int or None
        Maximum number of qubits at which lanes may hold samples; by default chosen to fit the processor's caches and
        the batch.
    swizzle_qubits : int
        Minimum number of qubits at which tiles of samples are stored in another order, in which several passes are
        applied to a block of a state while it lies in the first-level cache.
    segment_passes : int or None
        Maximum number of these passes; by default chosen by the width of the processor's arithmetic units, and by
        whether tiles come from memory.
    big_qubits : int
        Minimum number of qubits at which all threads share one state.
    big_alone : int
        Minimum number of qubits at which all threads share one state for a single sample.
    big_deep : int
        Minimum number of qubits at which they do so if its circuit has many rotations.
    keep_bytes : int
        Bytes of final states stored between the forward and the backward sweep.
    fewest_tiles : int
        Minimum number of stored tiles, independent of their size.
    few_tiles : int
        Minimum number of tiles of several states, if several threads are to have work.
    serial_work : int or None
        Number of floats processed below which a second thread does not pay off; by default chosen by the width of the
        processor's vectors.
    long_work : int
        Number of floats processed above which a call is watched.
    sparse_qubits : int
        Minimum number of qubits at which zeros in unitaries on two qubits are worth the time to find them.
    stored_bytes : int
        Bytes above which tables of phases are computed block by block.
    block_bits, part_bits : int or None
        Number of qubits of a large state's block and of a part of it; by default chosen to fit the processor's caches.
    panel : int
        Minimum number of samples whose states are held for fidelities: recomputing states then costs less than a tenth
        of their products.
    panel_share : int
        Ratio between the memory of the result of fidelities and that of their states and scratch.
    serial_products : int
        Number of products of fidelities below which a second thread does not pay off.
    density_keep_bytes : int
        Bytes of density matrices stored for the backward sweep of a single sample; others are recomputed.
    """

    batch_qubits: int | None = None
    swizzle_qubits: int = 10
    segment_passes: int | None = None
    big_qubits: int = 17
    big_alone: int = 14
    big_deep: int = 12
    keep_bytes: int = 1 << 25
    fewest_tiles: int = 4
    few_tiles: int = 8
    serial_work: int | None = None
    long_work: int = 1 << 28
    sparse_qubits: int = 20
    stored_bytes: int = 1 << 23
    block_bits: int | None = None
    part_bits: int | None = None
    panel: int = 1024
    panel_share: int = 5
    serial_products: int = 500_000
    density_keep_bytes: int = 1 << 30


DEFAULT = Options()
