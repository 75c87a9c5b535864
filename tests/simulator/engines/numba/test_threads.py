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
from simulator.engines.numba import threads
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
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


def test_a_caller_that_fails_leaves_no_helper_at_work():
    """Its buffers are given to others at once."""
    caller, begun, finished = threading.get_ident(), threading.Event(), []

    def call():
        if threading.get_ident() == caller:
            assert begun.wait(20)
            raise ArithmeticError("the caller's own")
        begun.set()
        time.sleep(0.2)
        finished.append(True)

    with pytest.raises(ArithmeticError, match="own"):
        threads.parallel(call, 2, wait=False)
    assert finished


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


def test_an_error_in_a_thread_is_raised_and_the_next_call_works(eager):
    def fails():
        raise ZeroDivisionError("in a thread")

    with pytest.raises(ZeroDivisionError, match="in a thread"):
        threads.parallel(fails, 3)
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
    monkeypatch.setattr(threads, "_environment_cache", {})
    with pytest.warns(UserWarning, match="not a sensible number of threads"):
        assert 1 <= get_num_threads() <= threads._available()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        get_num_threads()  # said once


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
