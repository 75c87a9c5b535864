"""Execution plans for a number of samples of a program, and the data derived from the program."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulator import memory, progress
from simulator.caching import cached_property
from simulator.engines.numba import reordering, simd
from simulator.engines.numba.block_sizes import (
    batch_qubits,
    block_bits,
    cache_bytes,
    fits_shared_cache,
    keeps_states,
    serial_work,
    suit_shared_cache,
)
from simulator.engines.numba.layout import scratch as layout
from simulator.engines.numba.options import Options
from simulator.engines.numba.processor import unit_bytes
from simulator.engines.numba.tables.builder import TableBuilder
from simulator.engines.numba.tables.stages import StageTableBuilder
from simulator.engines.numba.tables.tables import Tables
from simulator.program.basis import stored_outcomes
from simulator.program.program import Program
from simulator.program.subspaces import image

_KEPT_PLANS = 64
_MOST_QUBITS_KEPT = 16  # maximum number of qubits whose outcomes are kept, half a megabyte
_LOOP_SHARE = 8  # ratio of the least work for two threads in a call from Python and in a loop, which times its calls
_SPLIT_SHARE = 4  # ratio of that work in a call from Python and of the least work that is split in two tiles
_COPIED_SHARE = 4  # minimum ratio of the second-level cache and the coefficients of which each thread has a copy
_ROTATIONS_PER_TRIP = 4.5  # least number of fused rotations for each trip to memory, where tiles fit in no cache
_DEEP = 25_000  # least number of rotations of amplitudes, for each byte of arithmetic units, of a deep circuit
_PIECES = 32  # maximum number of pieces of a step over a large state
_PAGE = 1024  # floats; at least 4096 bytes in both precisions, so that tiles begin at a page


class Plans:
    """Tables and plans of one program, without a reference to the program.

    Safe for concurrent use: each thread finds an existing plan or creates an equal one.

    Parameters
    ----------
    options : Options

    Attributes
    ----------
    plans : dict
        Plans keyed by the number of samples, whether gradients with respect to the inputs are computed, and whether
        states are read.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.plans: dict[tuple[int, bool, bool], Plan] = {}
        self._tables: dict[tuple[int | None, bool, bool, bool], Tables] = {}
        self._outcomes: tuple[tuple[int, ...], NDArray[np.int64]] | None = None

    def add(self, program: Program, samples: int, derive_inputs: bool, reads_states: bool) -> Plan:
        """Create and store the plan for a number of samples.

        Raises
        ------
        StateTooLargeError
            If not even one state fits in memory.
        """
        memory.check_state(program.num_qubits, 1, program.precision)
        if len(self.plans) >= _KEPT_PLANS:
            self.plans.clear()
        plan = Plan(self, program, samples, derive_inputs, reads_states)
        self.plans[samples, derive_inputs, reads_states] = plan
        return plan

    def tables(
        self, program: Program, lanes: int | None, derive_inputs: bool, staged: bool, reads_states: bool
    ) -> Tables:
        """Constant arrays for one use of the lanes; ``staged`` if the passes are split into stages."""
        key = lanes, derive_inputs, staged, reads_states
        tables = self._tables.get(key)
        if tables is None:
            builder = StageTableBuilder if staged else TableBuilder
            tables = self._tables[key] = builder(
                program, lanes, derive_inputs, self.options, swizzles=not reads_states
            ).build()
        return tables

    def outcomes(self, program: Program, qubits: tuple[int, ...]) -> NDArray[np.int64]:
        """Outcome on some qubits at each stored index, shape (2**n,); the latest is kept if it is small."""
        latest = self._outcomes
        if latest is None or latest[0] != qubits:
            latest = qubits, stored_outcomes(program, qubits)
            if program.num_qubits <= _MOST_QUBITS_KEPT:
                self._outcomes = latest
        return latest[1]


class Plan:
    """Execution plan for a number of samples of a program: use of the lanes, chunks, sizes.

    Parameters
    ----------
    plans : Plans
        Tables and options of the same program.
    program : Program
    samples : int
    derive_inputs : bool
        Whether gradients with respect to the inputs are computed.
    reads_states : bool
        Whether states are read or given, whose amplitudes then lie in the stored order, and whose bits do not depend on
        the other samples.

    Attributes
    ----------
    lanes : int or None
        Number of bits of an index that select a vector's lane; None if lanes are samples.
    big : bool
        Whether all threads share one state and run sample after sample.
    pieces : int
        Number of pieces of each step over a large state; it does not depend on the number of threads.
    states, per_tile : int
        Number of states in a tile, each with as many samples as its lanes hold; number of samples in a tile.
    tile_size : int
        Number of floats in a tile.
    kept_begin : int
        Position, in a run's buffer, of the final states that a backward sweep needs.
    serial_work, loop_work, long_work : int
        Amount of work, in floats processed, below which a second thread does not pay off in a call from Python and in a
        loop; and from which a call is watched.
    own, scratch_bytes : int
        Position of a helper's copy of the shared coefficients in its scratch, below 0 if it has none, see
        `kernels.tiles.forward`; and size of this scratch.
    chunks : list of slice
        Samples whose final states are stored together between the forward and the backward sweep.
    """

    def __init__(
        self, plans: Plans, program: Program, samples: int, derive_inputs: bool, reads_states: bool = False
    ) -> None:
        options = plans.options
        n, W = program.num_qubits, simd.width(program.dtype)
        lane_bits = W.bit_length() - 1
        filled = samples / (-(-samples // W) * W)
        amplitude_bytes = 2 * program.dtype().itemsize
        in_batches = n <= lane_bits or (n <= batch_qubits(options) and filled * max(5.5 - 0.4 * n, 1.2) >= 1)
        if not in_batches and n > batch_qubits(options) and not reads_states:
            in_batches = suit_shared_cache(samples, n, amplitude_bytes, options)
            if in_batches and not fits_shared_cache(n):
                tables = plans.tables(program, None, derive_inputs, False, reads_states)
                in_batches = tables.rotations_per_trip >= _ROTATIONS_PER_TRIP
        self.lanes = None if in_batches else lane_bits
        self.big = not in_batches and (n >= options.big_qubits or (samples == 1 and _is_big_alone(program, options)))
        self.derive_inputs = derive_inputs
        self.serial_work, self.long_work = serial_work(options), options.long_work
        tables = self.tables = plans.tables(program, self.lanes, derive_inputs, self.big, reads_states)
        single = W if in_batches else 1
        self.states = _states(tables, -(-samples // single), options.few_tiles, self.serial_work)
        self.loop_work = self.serial_work // _LOOP_SHARE
        self.per_tile = self.states * single
        self.tile_size = self.states * tables.state_size
        stored_tiles = options.keep_bytes // (self.tile_size * np.dtype(program.dtype).itemsize)
        step = (1 if self.big else max(stored_tiles, options.fewest_tiles)) * self.per_tile
        self.chunks = progress.chunks(samples, step)
        self.packed, self.scratch_size = _without_states(tables) if self.big else (tables.packed, tables.scratch_size)
        self.block_begin = _round(self.scratch_size)
        self.scratch_size = self.block_begin + tables.block_size
        self.shared_begin = _round(self.scratch_size)
        self.stored_begin = self.shared_begin + _round(tables.shared_size)
        self.buffer_size = self.stored_begin + _round(tables.stored_size)
        self.kept_begin = _to_page(self.buffer_size)
        itemsize = np.dtype(program.dtype).itemsize
        copied = (self.buffer_size - self.shared_begin) * itemsize <= cache_bytes() // _COPIED_SHARE
        self.own = self.shared_begin if copied else -1
        floats = self.buffer_size if copied else self.scratch_size
        self.scratch_bytes = floats * itemsize + 8 * (tables.slots + 1)
        self.pieces = _pieces(tables, n - (self.lanes or 0))
        self.work = (tables.passes + 1) * self.tile_size
        self.encoded = program.derives_amplitudes(derive_inputs)
        self._lowered, self._amplitude_bytes, self._options = program.lowered, amplitude_bytes, options
        self._dtype = program.dtype

    def kept_size(self, samples: int) -> int:
        """Number of floats in the tiles of the final states of samples."""
        return -(-samples // self.per_tile) * self.tile_size

    def visit(self, words: int) -> Visit:
        """Sizes of a visit of tiles, for calls between its sweeps whose largest block has this number of words."""
        itemsize = np.dtype(self._dtype).itemsize
        step, groups = self.tile_size + layout.SKEW * simd.width(self._dtype), self.tables.groups
        if not keeps_states(groups, self.tile_size * itemsize):
            step = 0
        begin = self.buffer_size + 8 * (self.tables.slots + 1) // itemsize
        psi = _to_page(begin + _round(8 * words // itemsize))
        end = psi + groups * step + self.tile_size
        return Visit((begin, psi, end), step)

    @cached_property
    def in_order(self) -> bool:
        """Whether the stored order of basis states is the circuit's."""
        lowered = self._lowered
        return not lowered.flips and all(column == 1 << q for q, column in enumerate(lowered.x_columns))

    @cached_property
    def reordering(self) -> list[NDArray[np.int64]]:
        """Passes that bring a large state to the circuit's order."""
        return reordering.passes(*self._order)

    @cached_property
    def reordering_elsewhere(self) -> list[NDArray[np.int64]]:
        """The pass that copies initial amplitudes in other memory to the circuit's order."""
        return reordering.pass_elsewhere(*self._order)

    @property
    def _order(self) -> tuple[list[int], int, int, int]:
        """Columns and offset of the stored order; bits of lanes and of a block."""
        lowered = self._lowered
        n = len(lowered.x_columns)
        bits = block_bits(n, 1, self._amplitude_bytes, self._options)
        return lowered.x_columns, image(lowered.x_columns, lowered.flips), self.lanes or 0, bits


def _is_big_alone(program: Program, options: Options) -> bool:
    """Whether all threads share the state of a single sample.

    Sharing one of few qubits only pays if its circuit is deep: of 12 qubits, from about five layers of rotations on
    where units are 16 bytes wide. Wider ones do more in the time that sharing takes.
    """
    n = program.num_qubits
    if n < options.big_deep or n >= options.big_alone:
        return n >= options.big_alone
    return sum(len(level.members) for level in program.schedule[1]) << n >= _DEEP * unit_bytes()


def _pieces(tables: Tables, vector_bits: int) -> int:
    """Number of pieces of two vectors at least, a power of two, not above the number of blocks of a stage."""
    blocks = tables.most_blocks if tables.stages else _PIECES
    return min(_PIECES, blocks, 1 << max(vector_bits - 1, 0))


def _states(tables: Tables, fillings: int, few_tiles: int, serial_work: int) -> int:
    """Number of states of a tile, for a number of fillings of a state's lanes.

    Passes over a tile take half as long again as over one state, besides those over each state; states without samples
    take as long as others. Work for several threads is at least ``few_tiles`` tiles, if there are as many; less work in
    a loop, where a second thread pays earlier, is two.
    """
    work = 3 * (tables.passes + 1) * tables.state_size * fillings
    fewest = max(min(few_tiles, work // max(serial_work, 1)), 2 if work * _SPLIT_SHARE >= serial_work else 1)
    fewest = min(fewest, fillings)
    numbers = [k for k in range(1, tables.most_states + 1) if -(-fillings // k) >= fewest]
    return min(numbers, key=lambda states: -(-fillings // states) * (2 * states + 1))


class Visit(NamedTuple):
    """Sizes of a visit of tiles, in floats; see `kernels.visits.visit`.

    Attributes
    ----------
    places : tuple of int
        Where, in a thread's scratch, the space for calls on rows and the states begin, and where these end.
    step : int
        Distance of the states before and behind a group of fused passes; 0 if they are not kept.
    """

    places: tuple[int, int, int]
    step: int

    @property
    def scratch_size(self) -> int:
        """Size of a thread's scratch."""
        return self.places[-1]


def _to_page(size: int) -> int:
    return -(-size // _PAGE) * _PAGE


def _round(size: int) -> int:
    return -(-size // 16) * 16


def _without_states(tables: Tables) -> tuple[tuple[Any, ...], int]:
    """Constants and size of a scratch without states, as large states are shared by all threads."""
    ints = tables.packed[0].copy()
    ints[layout.ROTATIONS : layout.END + 1] -= ints[layout.ROTATIONS]
    return (ints, *tables.packed[1:]), int(ints[layout.END])
