"""Threads: same bits on any number, callers at once, forks, pools, and what the environment says."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from simulator import Circuit, ParameterVector, X, Z, get_num_threads, set_num_threads
from simulator.calculations.gradients import adjoint_sweep
from simulator.engines.choice import using
from simulator.engines.numba import sharing, threads
from simulator.engines.numba.jit import bridged
from simulator.engines.numba.jit.bridges import address_of
from simulator.engines.numba.layout import queues
from simulator.engines.numba.options import Options
from simulator.engines.numba.simd import fetch_add, look, relax
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.errors import ParameterError
from simulator.program.program import Program
from tests.simulator.engines.engines import NUMBA

EAGER = Options(serial_work=0)


@pytest.fixture
def eager(monkeypatch):
    """An engine that shares even the smallest work, and believes in three processors."""
    monkeypatch.setattr(threads, "_available", lambda: 3)
    with using(NumbaEngine(EAGER)):
        yield
    set_num_threads(None)


def make_program(num_qubits=5, observables=(Z(0), X(1))):
    x, w = ParameterVector("x", num_qubits), ParameterVector("w", 3 * num_qubits)
    circuit = Circuit(num_qubits)
    for layer in range(3):
        for q in range(num_qubits):
            circuit = circuit.ry(x[q], q).rz(w[layer * num_qubits + q], q)
        for q in range(num_qubits):
            circuit = circuit.cx(q, (q + 1) % num_qubits)
    return Program(circuit, observables, list(x), list(w))


def sweep(program, seed=0, rows=150, inputs=True):
    rng = np.random.default_rng(seed)
    X_values = rng.uniform(-3, 3, (rows, len(program.inputs)))
    weights = rng.uniform(-3, 3, len(program.weights))
    v = rng.normal(size=(rows, len(program.observables)))
    return adjoint_sweep(program, X_values, weights, v, inputs=inputs)


@pytest.mark.parametrize("options", NUMBA)
def test_results_are_bit_equal_on_any_number_of_threads(eager, options):
    program = make_program()
    with using(NumbaEngine(replace(NUMBA[options], serial_work=0))):
        set_num_threads(1)
        alone = sweep(program, rows=20)
        for count in (2, 3):
            set_num_threads(count)
            for ours, theirs in zip(sweep(program, rows=20), alone, strict=True):
                np.testing.assert_array_equal(ours, theirs)


def test_results_are_bit_equal_where_tiles_hold_several_states(eager):
    program = make_program(3)
    set_num_threads(1)
    alone = sweep(program, rows=400, inputs=False)[:2]
    assert NumbaEngine(EAGER).plan(program, 400).states > 1
    for count in (2, 3) * 10:
        set_num_threads(count)
        for ours, theirs in zip(sweep(program, rows=400, inputs=False)[:2], alone, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_an_overflow_in_a_helpers_tile_is_noticed(eager):
    """Helpers prepare copies of what threads share, and take tiles from the end."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    circuit = Circuit(2).ry(1e200 * x[0], 0).rz(w[0], 0).cx(0, 1).ry(x[1], 1).ry(w[1], 1)
    program = Program(circuit, [Z(1)], list(x), list(w))
    X_values = np.full((400, 2), 0.5e-200)
    X_values[-1] = 1e200
    for count in (1, 2, 3) * 10:
        set_num_threads(count)
        with pytest.raises(ParameterError, match="x"):
            sweep_of(program, X_values)
        assert np.isfinite(sweep_of(program, X_values[:-1])[1]).all()


def sweep_of(program, X_values):
    return adjoint_sweep(program, X_values, np.array([0.3, 0.4]), np.ones((len(X_values), 1)), inputs=False)


@bridged
def meet(queue, scratch, out, expected, rounds):
    """Count the threads here, which wait for each other; write where each has its scratch."""
    number = fetch_add(queue, 0, 1)
    while look(queue, 0) < expected and rounds > 0:
        relax(queue)
        rounds -= 1
    out[number] = address_of(scratch)


def met(expected, dtype=np.float64):
    """Let up to three threads meet; return their number, the caller's scratch, and the places of all scratches."""
    queue, scratch, out = sharing.new_queue(), np.zeros(2000, dtype), np.zeros(3, np.int64)
    sharing.share(meet, (queue, scratch, out, expected, 1_000_000), queue, 3, 1, 0, scratch_bytes=scratch.nbytes)
    return int(queue[0]), scratch, out


@pytest.mark.parametrize("obstacle", [None, "a release of numba that the shortcuts do not support"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_are_in_a_call_at_the_same_time_each_with_its_own_scratch(eager, monkeypatch, dtype, obstacle):
    monkeypatch.setattr(sharing, "obstacle", lambda: obstacle)
    for _ in range(100):  # a helper may just have gone to sleep
        present, scratch, out = met(3, dtype)
        if present == 3:
            break
        time.sleep(0.01)
    assert present == 3
    assert scratch.ctypes.data in out
    assert np.diff(np.sort(out)).min() >= scratch.nbytes


def test_a_call_is_withdrawn_from_a_helper_that_does_not_take_it(eager):
    met(1)
    states, count = threads._pool.states, len(threads._pool.beds)
    while set(states[:count].tolist()) != {queues.ASLEEP}:
        time.sleep(0.001)
    for number in range(count):
        states[number] = queues.FREE  # as if awake, but it does not look
    present, scratch, out = met(1)
    assert states[:count].tolist() == [queues.FREE] * count
    for number in range(count):
        states[number] = queues.ASLEEP
    assert (present, out.tolist()) == (1, [scratch.ctypes.data, 0, 0])


def test_python_threads_calling_at_once_get_what_they_get_alone(eager):
    program = make_program()
    expected = [sweep(program, seed) for seed in range(6)]
    found = {}

    def work(seed):
        for _ in range(10):
            found[seed] = sweep(program, seed)

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
        assert not worker.is_alive()
    for seed in range(6):
        for ours, theirs in zip(found[seed], expected[seed], strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_loss_may_call_the_engine_itself(eager):
    program, inner = make_program(), make_program(4)
    seen = []

    def cotangent(values, rows):
        seen.append(sweep(inner)[0])
        return np.ones_like(values)

    rng = np.random.default_rng(0)
    X_values, weights = rng.uniform(-3, 3, (150, 5)), rng.uniform(-3, 3, 15)
    nested = adjoint_sweep(program, X_values, weights, cotangent)
    plain = adjoint_sweep(program, X_values, weights, np.ones((150, 2)))
    np.testing.assert_array_equal(nested[1], plain[1])
    np.testing.assert_array_equal(seen[0], sweep(inner)[0])


def test_an_error_in_a_watched_call_is_raised_and_the_next_call_works(eager):
    def fails():
        raise ZeroDivisionError("in a thread")

    with pytest.raises(ZeroDivisionError, match="in a thread"):
        sharing.watched(fails, np.zeros(1, np.int64), 3)
    sweep(make_program())


def _sum(seed):
    return sweep(make_program(), seed)[1]


def _check_pool(method):
    set_num_threads(2)
    expected = [_sum(seed) for seed in range(3)]
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        for ours, theirs in zip(pool.map(_sum, range(3), timeout=240), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_processes_spawned_after_use_work(eager):
    _check_pool("spawn")


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_processes_forked_after_use_work():
    """In a process of its own: other libraries, such as JAX, may have started threads here that no fork survives."""
    done = _run("""
        from simulator.engines.choice import using
        from simulator.engines.numba import threads
        from simulator.engines.numba.sweeps import NumbaEngine
        from tests.simulator.engines.numba.test_threads import EAGER, _check_pool
        threads._available = lambda: 3  # as the fixture `eager`
        with using(NumbaEngine(EAGER)):
            _check_pool("fork")
        print("equal")
    """)
    assert done.stdout.strip() == "equal", done.stderr


def _run(code, **environment):
    """Run code in a new process."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, **environment},
    )


def test_set_num_threads_refuses_nonsense():
    for bad in (0, -1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="positive integer or None"):
            set_num_threads(bad)
    set_num_threads(1)
    assert get_num_threads() == 1
    set_num_threads(None)


@pytest.mark.parametrize("text", ["0", "-3", "many", "100000"])
def test_an_absurd_environment_is_clamped_with_a_warning(monkeypatch, text):
    monkeypatch.setenv("QUMBA_NUM_THREADS", text)
    monkeypatch.setattr(threads, "_default", None)
    with pytest.warns(UserWarning, match="not a sensible number of threads"):
        assert 1 <= get_num_threads() <= threads._available()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        get_num_threads()  # said once


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_the_environment_is_read_once_and_again_after_a_fork():
    code = """
        import os
        from simulator import get_num_threads
        from simulator.engines.numba import threads
        threads._available = lambda: 8
        first = get_num_threads()
        os.environ["QUMBA_NUM_THREADS"] = "5"
        later = get_num_threads()
        child = os.fork()
        if not child:
            os._exit(get_num_threads())
        print(first, later, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    assert _run(code, QUMBA_NUM_THREADS="3").stdout.split() == ["3", "3", "5"]


def test_an_interrupt_ends_a_call_and_leaves_the_process_sound():
    code = """
        import signal, threading, time, os
        import numpy as np
        from tests.simulator.engines.numba.test_threads import make_program, sweep
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        program = make_program()
        before = sweep(program)[1]
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                sweep(program)
        except KeyboardInterrupt:
            pass
        assert np.array_equal(sweep(program)[1], before)
        print("sound")
    """
    done = _run(code)
    assert done.stdout.strip() == "sound", done.stderr


@pytest.mark.parametrize("text", ["0", "-3"])
def test_a_number_of_threads_that_numba_cannot_be_imported_with_is_removed(text):
    code = """
        from simulator import Circuit, get_num_threads
        print(Circuit(1).x(0).probabilities().tolist(), get_num_threads() >= 1)
    """
    done = _run(code, NUMBA_NUM_THREADS=text)
    assert done.stdout.strip() == "[0.0, 1.0] True", done.stderr
    assert done.stderr.count(f"NUMBA_NUM_THREADS='{text}' is not a sensible number of threads") == 1
    quiet = _run(code, NUMBA_NUM_THREADS="1")
    assert (quiet.stdout.strip(), quiet.stderr) == ("[0.0, 1.0] True", "")
