"""What the engine keeps of a program: as long as the program lives, for each set of options."""

import gc
import threading
import weakref

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, Z
from simulator.calculations.statevector import expectations
from simulator.engines.choice import engine_for, using
from simulator.engines.numba import block_sizes
from simulator.engines.numba import plan as plans
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.numba.tables import builder
from simulator.program.program import Program


def make_program():
    x = ParameterVector("x", 5)
    circuit = Circuit(5)
    for q in range(5):
        circuit = circuit.ry(x[q], q).cx(q, (q + 1) % 5)
    return Program(circuit, [Z(0)], x)


def test_threads_share_one_state_of_12_qubits_if_its_circuit_is_deep(monkeypatch):
    monkeypatch.setattr(plans, "unit_bytes", lambda: 16)

    def plan(layers, samples):
        angles = iter(ParameterVector("t", 12 * layers))
        circuit = Circuit(12)
        for _ in range(layers):
            for q in range(12):
                circuit = circuit.ry(next(angles), q)
            for q in range(12):
                circuit = circuit.cx(q, (q + 1) % 12)
        return NumbaEngine().plan(Program(circuit, [Z(0) + Z(5)], weights=circuit.parameters), samples)

    assert plan(12, 1).big
    assert not plan(3, 1).big
    assert not plan(12, 2).big


def test_plans_are_kept_with_the_program_and_go_with_it():
    engine, program = NumbaEngine(), make_program()
    with using(engine):
        expectations(program, np.zeros((3, 5)), np.zeros(0))
    plan = engine.plan(program, 3)
    assert engine.plan(program, 3) is plan
    assert engine.plan(program, 3, derive_inputs=True) is not plan
    plan, alive = weakref.ref(plan), weakref.ref(program)
    del program
    gc.collect()
    assert alive() is None
    assert plan() is None


def test_engines_with_other_options_have_other_plans():
    program = make_program()
    in_batches, in_pieces = NumbaEngine(), NumbaEngine(Options(batch_qubits=0, big_qubits=0))
    assert in_batches.plan(program, 20).lanes is None
    assert in_pieces.plan(program, 20).big
    assert not in_batches.plan(program, 20).big


@pytest.mark.parametrize(
    ("text", "qubits", "tile"),
    [
        ("32K", 12, 8), ("48K", 12, 16), ("512K", 12, 128), ("1024K", 12, 256), ("2048K", 13, 512), ("2M", 13, 512),
        ("64M", 14, 16384), ("0K", 12, 0), ("none", 12, 8), (None, 12, 8),
    ],
)  # fmt: skip
def test_tiles_fit_in_the_caches_that_the_system_reports(monkeypatch, text, qubits, tile):
    def read_text(path):
        if text is None:
            raise FileNotFoundError(path)
        return text + "\n"

    monkeypatch.setattr(block_sizes.Path, "read_text", read_text)
    for size in block_sizes.cache_bytes, block_sizes.tile_bytes:
        size.cache_clear()
    try:
        assert block_sizes.tile_bytes() // 1024 == tile
        assert block_sizes.batch_qubits(Options()) == qubits
        assert block_sizes.batch_qubits(Options(batch_qubits=5)) == 5
    finally:
        for size in block_sizes.cache_bytes, block_sizes.tile_bytes:
            size.cache_clear()


@pytest.mark.parametrize(
    ("serial_work", "samples", "states", "tiles"),
    [
        (1 << 30, 8, 1, 1), (1 << 30, 32, 4, 1), (1 << 30, 72, 3, 3), (1 << 30, 104, 7, 2), (1 << 30, 1000, 7, 18),
        (1 << 17, 8, 1, 1), (1 << 17, 32, 2, 2), (0, 32, 1, 4), (0, 72, 1, 9), (0, 256, 4, 8), (0, 1000, 7, 18),
    ],
)  # fmt: skip
def test_states_of_small_circuits_fill_tiles(monkeypatch, serial_work, samples, states, tiles):
    """In few tiles if that is work for one thread, and else in two or many; but with few states without samples."""
    x, w = ParameterVector("x", 4), ParameterVector("w", 16)
    circuit = Circuit(4)
    for k in range(4):
        for q in range(4):
            circuit = circuit.ry(x[q] if k == 0 else w[4 * k + q], q).cx(q, (q + 1) % 4)
    program = Program(circuit, [Z(0)], x, list(w[4:]))
    monkeypatch.setattr(builder, "tile_bytes", lambda: 1 << 14)
    plan = NumbaEngine(Options(serial_work=serial_work)).plan(program, samples)
    assert (plan.states, -(-samples // plan.per_tile)) == (states, tiles)


@pytest.mark.parametrize(
    ("samples", "share", "processors", "in_batches"),
    [
        (32, 16 << 20, 2, True),
        (8, 16 << 20, 2, False),  # one of two processors would have no tile
        (32, 16 << 20, 16, False),
        (32, 16 << 20, 4, True),  # two caches of 32 MiB, each with room for the tiles of two processors
        (32, 7 << 20, 2, False),  # the two states of a tile do not fit
    ],
)
def test_large_tiles_need_a_shared_cache_and_work_for_all(monkeypatch, samples, share, processors, in_batches):
    w = ParameterVector("w", 16)
    circuit = Circuit(16)
    for q in range(16):
        circuit = circuit.ry(w[q], q).cx(q, (q + 1) % 16)
    program = Program(circuit, [Z(0)], weights=w)
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: 32 << 20 if level == 3 else 2 << 20)
    monkeypatch.setattr(block_sizes, "cache_share", lambda: share)
    monkeypatch.setattr(block_sizes.os, "cpu_count", lambda: processors)
    assert (NumbaEngine().plan(program, samples).lanes is None) == in_batches
    assert NumbaEngine(Options(batch_qubits=12)).plan(program, samples).lanes is not None
    assert NumbaEngine().plan(program, samples, reads_states=True).lanes is not None


@pytest.mark.parametrize(
    ("layers", "second_level", "in_batches"),
    [
        (5, 1 << 20, True),
        (5, 2 << 20, False),  # two single states fit
        (2, 1 << 20, False),  # few rotations for each trip to memory
    ],
)
def test_large_tiles_come_from_memory_for_many_rotations(monkeypatch, layers, second_level, in_batches):
    w = ParameterVector("w", 16 * layers)
    circuit = Circuit(16)
    for layer in range(layers):
        for q in range(16):
            circuit = circuit.ry(w[16 * layer + q], q)
        for q in range(16):
            circuit = circuit.cx(q, (q + 1) % 16)
    program = Program(circuit, [Z(0)], weights=w)
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: 8 << 20 if level == 3 else second_level)
    monkeypatch.setattr(block_sizes, "cache_share", lambda: 4 << 20)
    monkeypatch.setattr(block_sizes.os, "cpu_count", lambda: 2)
    assert (NumbaEngine().plan(program, 32).lanes is None) == in_batches


def test_there_is_a_limit_to_the_plans_of_a_program():
    engine, program = NumbaEngine(), make_program()
    for samples in range(1, 200):
        engine.plan(program, samples)
    assert len(engine._plans[program].plans) <= 64


def test_threads_that_ask_at_once_share_what_is_derived():
    for _ in range(20):
        engine, program, barrier, plans = NumbaEngine(), make_program(), threading.Barrier(4), []

        def ask(engine=engine, program=program, barrier=barrier, plans=plans):
            barrier.wait(20)
            plans.append(engine.plan(program, 7).per_tile)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert plans == [engine.plan(program, 7).per_tile] * 4
        assert len(engine._plans[program].plans) == 1


def test_the_engine_is_restored_after_an_error():
    program = make_program()
    before = engine_for(program, 1)
    try:
        with using(NumbaEngine()):
            assert engine_for(program, 1) is not before
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    assert engine_for(program, 1) is before
