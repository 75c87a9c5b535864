"""Large runs are interrupted at once, run out of memory without harm, and show how far they are."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from simulator import Circuit, Parameter, Z, progress
from simulator.engines.choice import using
from simulator.engines.numba import sharing, threads
from simulator.engines.numba.kernels.draws import add_up
from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine

ROOT = Path(__file__).parents[3]
START = """
    import os, resource, signal, threading, time
    import numpy as np
    from simulator import Circuit, NoiseModel, ParameterVector, Z, memory
    from simulator.engines.numba import sharing, threads
    from simulator.noise import amplitude_damping, depolarizing

    def layers(num_qubits, depth, parametrised=False):
        rng = np.random.default_rng(0)
        names = iter(ParameterVector("t", 3 * num_qubits * depth)) if parametrised else iter(
            rng.uniform(-3, 3, 3 * num_qubits * depth).tolist())
        circuit = Circuit(num_qubits)
        for _ in range(depth):
            for q in range(num_qubits):
                circuit = circuit.rz(next(names), q).rx(next(names), q).rz(next(names), q)
            for q in range(num_qubits):
                circuit = circuit.cx(q, (q + 1) % num_qubits)
        return circuit

    def state(num_qubits, depth):
        return layers(num_qubits, depth).statevector()

    def gradient(num_qubits, depth):
        circuit = layers(num_qubits, depth, True)
        return circuit.gradient(Z(0), np.linspace(-3, 3, circuit.num_parameters))

    def samples(num_qubits, depth):
        return layers(num_qubits, depth).sample_array(shots=1000, seed=1)[0]

    def batch(num_qubits, depth):
        circuit = layers(num_qubits, 1, True)
        values = np.random.default_rng(0).uniform(-3, 3, (100 * depth**2, circuit.num_parameters))
        return circuit.expectation(Z(0), values)

    def trajectories(num_qubits, depth):
        noise = NoiseModel(after_1q=amplitude_damping(0.1))
        return layers(num_qubits, 2).expectation(Z(0), noise=noise, trajectories=10 * depth**2, seed=1)

    def density(num_qubits, depth):
        return layers(num_qubits, depth).expectation(Z(0), noise=NoiseModel(after_2q=depolarizing(0.1)))

    def measured(num_qubits, depth):
        return layers(num_qubits, 1).measure_all().h(0).sample_array(shots=10 * depth**2, seed=1)[0]
"""


def run(code):
    text = textwrap.dedent(START) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, timeout=280)
    return done.stdout.split(), done.stderr


@pytest.mark.parametrize(
    ("kind", "num_qubits", "depth"),
    [
        ("state", 24, 60),
        ("gradient", 22, 12),
        ("samples", 24, 60),
        ("batch", 10, 200),
        ("trajectories", 12, 300),
        ("measured", 12, 500),
        ("density", 11, 60),
    ],
)
def test_an_interrupt_ends_a_large_run_at_once_and_leaves_the_process_sound(kind, num_qubits, depth):
    output, errors = run(f"""
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
        before = {kind}(5, 2)
        {kind}(8, 1)  # compiles what it needs besides
        sent = []
        def interrupt():
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        helpers = sharing.helpers
        def armed(*arguments):  # before the first call that threads share
            if not sent:
                sent.append(0.0)
                threading.Timer(0.3, interrupt).start()
            return helpers(*arguments)
        sharing.helpers = armed
        threads.set_num_threads(2)
        try:
            {kind}({num_qubits}, {depth})
            print("finished")
        except KeyboardInterrupt:
            print("interrupted", time.monotonic() - sent[-1])
        assert np.array_equal({kind}(5, 2), before)
        print("sound")
    """)
    assert output[:1] + output[2:] == ["interrupted", "sound"], errors
    assert float(output[1]) < 10  # half a second here; without it the run would take minutes


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not keep to the limit")
@pytest.mark.parametrize(
    ("kind", "num_qubits", "spare"),
    [("state", 24, 0.5), ("gradient", 23, 1.5), ("samples", 24, 0.9), ("density", 12, 0.2)],
)
def test_running_out_of_memory_leaves_the_process_sound(kind, num_qubits, spare):
    output, errors = run(f"""
        before = {kind}(5, 2)
        {kind}(14, 1) if {num_qubits} > 20 else {kind}(9, 1)
        memory.available_bytes = lambda: 1 << 40
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        spare = int({spare} * (16 << {num_qubits} if {num_qubits} > 20 else 8 << 2 * {num_qubits}))
        resource.setrlimit(resource.RLIMIT_AS, (used + spare, -1))
        for _ in range(2):
            try:
                {kind}({num_qubits}, 1)
                print("finished")
            except MemoryError as error:
                assert "memory" in str(error) or "Unable to allocate" in str(error), error
                print("refused")
        assert np.array_equal({kind}(5, 2), before)
        print("sound")
    """)
    assert output == ["refused", "refused", "sound"], errors


def test_without_another_thread_a_call_is_made_by_the_caller(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threads, "_pool", threads._Pool())
    monkeypatch.setattr(sharing, "get_num_threads", lambda: 4)
    monkeypatch.setattr(threads.threading.Thread, "start", refuse)
    values = np.arange(40.0)
    for long_work in (None, 0):
        queue, sums = sharing.new_queue(4), np.zeros(4)
        arguments = values, False, 40, sums, queue, 4
        sharing.share(add_up, arguments, queue, 4, 1, 0, long_work)
        assert sums.sum() == values.sum()


@pytest.fixture
def bars(monkeypatch):
    """Every bar's name, and the fractions it has shown."""
    seen = {}

    class Recorder:
        def __init__(self, total, desc, **options):
            self.n, self.shown = 0.0, seen.setdefault(desc, [])

        def update(self, amount):
            self.n += amount
            self.shown.append(self.n)

        def close(self):
            self.shown.append("closed")

    monkeypatch.setattr("tqdm.auto.tqdm", Recorder)
    return seen


@pytest.mark.parametrize("call", ["statevector", "probabilities", "sample", "sample_array", "density_matrix"])
def test_a_bar_goes_from_nothing_to_all(bars, call):
    circuit = Circuit(8 if call == "density_matrix" else 15)
    for q in range(circuit.num_qubits):
        circuit = circuit.ry(0.1 * q, q).cx(q, (q + 1) % circuit.num_qubits).rx(0.2, q)
    with using(NumbaEngine(Options(long_work=0))):
        plain, with_bar = (getattr(circuit, call)(**options) for options in seeded(call))
    assert str(plain) == str(with_bar)
    (shown,) = bars.values()
    assert shown[-2:] == [pytest.approx(1.0), "closed"]
    assert np.all(np.diff(shown[:-1]) >= -1e-12)
    assert len(shown) > (2 if call != "density_matrix" else 1)


def seeded(call):
    options = {"seed": 1} if call.startswith("sample") else {}
    return options, {**options, "progress": True}


@pytest.mark.parametrize("call", ["expectation", "gradient", "expectation_and_gradient"])
def test_loops_within_loops_divide_the_bar(bars, call):
    theta = Parameter("theta")
    circuit = Circuit(3).ry(theta, 0).cx(0, 1)
    values = np.linspace(0, 1, 40_000)[:, None]
    getattr(circuit, call)([Z(0), Z(1)], values, progress=True)
    (shown,) = bars.values()
    assert shown[-2:] == [pytest.approx(1.0), "closed"]
    assert np.all(np.diff(shown[:-1]) >= -1e-12)


def test_steps_nest():
    with progress.shown(True, "two loops"):
        fractions = []
        bar = progress._current.get()
        for _ in progress.steps(range(2)):
            for _ in progress.steps(range(4)):
                progress.report(0.5)
                fractions.append(bar.bar.n)
    np.testing.assert_allclose(fractions, [(k + 0.5) / 8 for k in range(8)])
    assert progress._current.get() is None


def test_a_bar_is_closed_when_the_run_fails(bars):
    with pytest.raises(ZeroDivisionError), progress.shown(True, "failing"):
        raise ZeroDivisionError
    assert bars["failing"] == ["closed"]
