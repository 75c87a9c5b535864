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
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.program.program import Program


def make_program():
    x = ParameterVector("x", 5)
    circuit = Circuit(5)
    for q in range(5):
        circuit = circuit.ry(x[q], q).cx(q, (q + 1) % 5)
    return Program(circuit, [Z(0)], x)


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
    ("text", "qubits"),
    [("512K", 12), ("1024K", 12), ("2048K", 13), ("2M", 13), ("64M", 14), ("0K", 12), ("none", 12), (None, 12)],
)
def test_tiles_fit_in_the_cache_that_the_system_reports(monkeypatch, text, qubits):
    def read_text(path):
        if text is None:
            raise FileNotFoundError(path)
        return text + "\n"

    monkeypatch.setattr(block_sizes.Path, "read_text", read_text)
    block_sizes.cache_bytes.cache_clear()
    try:
        assert block_sizes.batch_qubits(Options()) == qubits
        assert block_sizes.batch_qubits(Options(batch_qubits=5)) == 5
    finally:
        block_sizes.cache_bytes.cache_clear()


@pytest.mark.parametrize(
    ("samples", "cache", "processors", "in_batches"),
    [
        (32, 300 << 20, 2, True),
        (8, 300 << 20, 2, False),  # one of two processors would have no tile
        (32, 300 << 20, 16, False),
        (32, 24 << 20, 2, False),  # two tiles of two states of 8 MiB do not fit
    ],
)
def test_large_tiles_need_a_shared_cache_and_work_for_all(monkeypatch, samples, cache, processors, in_batches):
    w = ParameterVector("w", 16)
    circuit = Circuit(16)
    for q in range(16):
        circuit = circuit.ry(w[q], q).cx(q, (q + 1) % 16)
    program = Program(circuit, [Z(0)], weights=w)
    monkeypatch.setattr(block_sizes, "cache_bytes", lambda level=2: cache if level == 3 else 1 << 20)
    monkeypatch.setattr(block_sizes.os, "cpu_count", lambda: processors)
    assert (NumbaEngine().plan(program, samples).lanes is None) == in_batches
    assert NumbaEngine(Options(batch_qubits=12)).plan(program, samples).lanes is not None
    assert NumbaEngine().plan(program, samples, reads_states=True).lanes is not None


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
