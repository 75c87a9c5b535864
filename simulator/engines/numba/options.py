"""Sizes at which the engine changes its way of working. Each default was found by measurement."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a `NumbaEngine`; none changes a result by more than rounding.

    Attributes
    ----------
    batch_qubits : int
        Most qubits at which lanes may hold samples: a tile's two states take 1 MiB, a second-level cache.
    big_qubits : int
        Fewest qubits at which all threads share one state.
    big_alone : int
        The same for a single sample.
    keep_bytes : int
        Bytes of final states that are kept between a sweep forward and back.
    fewest_tiles : int
        Tiles that are kept at least, whatever their size.
    few_tiles : int
        Tiles that there are at least before one holds several states, so that many threads have one.
    serial_work : int
        Floats passed over below which a second thread does not pay for itself.
    long_work, long_state_work : int
        Floats passed over, or of a state of which a stage does, that take long enough to be watched.
    stored_bytes : int
        Size above which tables of phases are computed block by block.
    block_bits, part_bits : int or None
        Qubits of a large state's block, and of a part of it; by default what the processor's caches hold.
    panel : int
        Samples whose states are held at least between fidelities: making states again costs less than a tenth of
        their products.
    panel_share : int
        States and what else fidelities need take about one part in this many of the result.
    serial_products : int
        Products of fidelities below which a second thread does not pay for itself.
    """

    batch_qubits: int = 12
    big_qubits: int = 17
    big_alone: int = 14
    keep_bytes: int = 1 << 25
    fewest_tiles: int = 4
    few_tiles: int = 8
    serial_work: int = 350_000
    long_work: int = 1 << 28
    long_state_work: int = 1 << 25
    stored_bytes: int = 1 << 23
    block_bits: int | None = None
    part_bits: int | None = None
    panel: int = 1024
    panel_share: int = 5
    serial_products: int = 500_000


DEFAULT = Options()
