"""The engine as Qiskit's primitives and backend, against Qiskit's own."""

import threading

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import ClassicalRegister as Register
from qiskit.circuit import Parameter, ParameterVector, library
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorEstimator, StatevectorSampler
from qiskit.providers import JobError, JobStatus, JobTimeoutError
from qiskit.quantum_info import SparseObservable, SparsePauliOp
from qiskit.transpiler import CouplingMap
from qiskit.transpiler.preset_passmanagers import generate_preset_pass_manager

from simulator.errors import CircuitError, ParameterError, UnknownNameError
from simulator.noise import NoiseModel, depolarizing
from simulator.qiskit_provider import Estimator, QumbaBackend, QumbaJob, Sampler, UnsupportedCircuitError

EXACT = 1e-10
LINE = CouplingMap.from_line(5)


def feature_map():
    """A circuit whose angles are products of parameters."""
    circuit = library.zz_feature_map(3, reps=2)
    circuit.compose(library.real_amplitudes(3, reps=1), inplace=True)
    return circuit


def bell(measured=True):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


def teleported():
    """Teleports ry(0.8) from qubit 0 to qubit 2."""
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "a"), ClassicalRegister(1, "b"), Register(1, "c"))
    circuit.ry(0.8, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.cregs[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.cregs[0], 1)):
        circuit.z(2)
    circuit.measure(2, 2)
    return circuit


# Estimator


def test_estimator_agrees_with_statevector_estimator_over_a_broadcast_array():
    circuit, rng = feature_map(), np.random.default_rng(5)
    values = rng.uniform(-2, 2, (4, 1, circuit.num_parameters))
    observables = [SparsePauliOp(["ZZI", "IXY"], [0.5, -1.5]), {"IIZ": 2.0}, "YYX", SparsePauliOp(["III"])]
    pubs = [(circuit, observables, values), (circuit, observables[1], values[0, 0])]
    ours, theirs = Estimator().run(pubs).result(), StatevectorEstimator().run(pubs).result()
    assert ours.metadata == theirs.metadata
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data.evs, b.data.evs, atol=EXACT)
        assert a.data.evs.shape == b.data.evs.shape
        assert not np.any(a.data.stds)
        assert a.metadata == b.metadata


@pytest.mark.parametrize("noise", [None, NoiseModel(after_2q=depolarizing(0.1))], ids=["exact", "noisy"])
@pytest.mark.parametrize("precision", [0.0, 0.1])
@pytest.mark.parametrize(("observables", "shape"), [("ZZ", ()), (["ZZ"], (1,)), ([["ZZ", "XX"]], (1, 2))])
def test_results_have_the_types_of_statevector_estimators(observables, shape, precision, noise):
    pub = [(bell(measured=False), observables)]
    ours = Estimator(seed=0, noise=noise).run(pub, precision=precision).result()[0].data
    theirs = StatevectorEstimator(seed=0).run(pub, precision=precision).result()[0].data
    for mine, expected in ((ours.evs, theirs.evs), (ours.stds, theirs.stds)):
        assert type(mine) is type(expected) is np.ndarray
        assert mine.shape == expected.shape == shape
        assert mine.dtype == expected.dtype
    assert ours.shape == theirs.shape


def test_projectors_in_an_observable():
    circuit = QuantumCircuit(2)
    circuit.ry(0.6, 0)
    circuit.x(1)
    values = Estimator().run([(circuit, [SparseObservable("1+"), SparseObservable("0+")])]).result()[0].data.evs
    np.testing.assert_allclose(values, [(1 + np.sin(0.6)) / 2, 0], atol=EXACT)


def test_one_observable_a_set_of_values():
    circuit = library.real_amplitudes(2, reps=1)
    values = np.random.default_rng(6).uniform(-2, 2, (30, circuit.num_parameters))
    observables = [SparsePauliOp(["ZZ", "XI"], [1.0, k]) for k in range(30)]
    pub = [(circuit, observables, values)]
    theirs = StatevectorEstimator().run(pub).result()[0].data.evs
    np.testing.assert_allclose(Estimator().run(pub).result()[0].data.evs, theirs, atol=EXACT)


def test_precision_is_noise_with_the_same_seed_as_qiskits():
    pub = [(bell(measured=False), [["ZZ", "XI"], ["IZ", "YY"]])]
    ours = Estimator(default_precision=0.1, seed=7).run(pub).result()[0].data
    theirs = StatevectorEstimator(default_precision=0.1, seed=7).run(pub).result()[0].data
    np.testing.assert_allclose(ours.evs, theirs.evs, atol=EXACT)
    np.testing.assert_array_equal(ours.stds, np.full((2, 2), 0.1))
    exact = Estimator(default_precision=0.1, seed=7).run(pub, precision=0).result()[0].data
    np.testing.assert_allclose(exact.evs, [[1, 0], [0, -1]], atol=EXACT)


def test_expectations_of_a_circuit_that_measures_are_averages():
    reset = bell(measured=False)
    reset.reset(0)
    values = Estimator(seed=1).run([(reset, ["ZI", "IZ", "ZZ"]), (teleported(), ["ZII", "XII"])]).result()
    np.testing.assert_allclose(values[0].data.evs, [0, 1, 0], atol=EXACT)
    # the last measurement took X away; over 1000 trajectories the standard deviation is 0.023
    np.testing.assert_allclose(values[1].data.evs, [np.cos(0.8), 0], atol=0.1)


def test_a_noise_model_is_applied():
    noise = NoiseModel(after_2q=depolarizing(0.1, 2), readout=0.0)
    value = Estimator(noise=noise).run([(bell(measured=False), "ZZ")]).result()[0].data.evs
    np.testing.assert_allclose(value, 0.9, atol=EXACT)
    noisy = Sampler(noise=noise, seed=1).run([bell()], shots=20_000).result()[0].data.meas.get_counts()
    assert abs((noisy["01"] + noisy["10"]) / 20_000 - 0.05) < 0.007


def test_estimator_on_circuits_laid_out_for_a_wide_device():
    circuit = library.efficient_su2(4, reps=1)
    backend = QumbaBackend(coupling_map=CouplingMap.from_line(60))
    laid_out = generate_preset_pass_manager(1, backend=backend, seed_transpiler=3).run(circuit)
    observable = SparsePauliOp(["ZIZI", "XXII", "IIYZ"], [1, 2, 3])
    values = np.linspace(-1, 1, circuit.num_parameters)
    (found,) = Estimator().run([(laid_out, observable.apply_layout(laid_out.layout), values)]).result()
    (expected,) = StatevectorEstimator().run([(circuit, observable, values)]).result()
    np.testing.assert_allclose(found.data.evs, expected.data.evs, atol=1e-9)


# Sampler


def test_sampler_draws_the_shots_of_statevector_sampler():
    a, b = ClassicalRegister(1, "a"), ClassicalRegister(9, "b")
    circuit = QuantumCircuit(QuantumRegister(3), a, b)
    angles = ParameterVector("t", 3)
    for k in range(3):
        circuit.ry(angles[k], k)
    circuit.cx(0, 2)
    circuit.measure([2, 0, 1], [0, 9, 3])
    values = np.random.default_rng(8).uniform(0, 3, (2, 2, 3))
    pubs = [(circuit, values, 500), bell(), (circuit, values[0], 77)]
    ours = Sampler(seed=11).run(pubs, shots=300).result()
    theirs = StatevectorSampler(seed=11).run(pubs, shots=300).result()
    for x, y in zip(ours, theirs, strict=True):
        assert x.metadata == y.metadata
        assert set(x.data) == set(y.data)
        for name in x.data:
            assert x.data[name] == y.data[name], name


def test_circuits_that_differ_in_numbers_only_are_one_batch(monkeypatch):
    from simulator.qiskit_provider import sampling

    circuit = library.real_amplitudes(3, reps=2)
    values = np.random.default_rng(9).uniform(-2, 2, (5, circuit.num_parameters))
    circuits = [circuit.assign_parameters(row).measure_all(inplace=False) for row in values]
    found = []
    original = sampling.groups_of_equal_structure
    monkeypatch.setattr(sampling, "groups_of_equal_structure", lambda *a: found.append(original(*a)) or original(*a))
    ours = Sampler(seed=2).run(circuits).result()
    assert [len(members) for _, members, _ in found[0]] == [5]
    theirs = StatevectorSampler(seed=2).run(circuits).result()
    assert all(x.data.meas == y.data.meas for x, y in zip(ours, theirs, strict=True))


def test_a_generator_goes_on_and_no_seed_is_never_the_same():
    generator = Sampler(seed=np.random.default_rng(3))
    first, second = generator.run([bell(), bell()], shots=200).result()
    assert first.data.meas != second.data.meas
    first, second = Sampler().run([bell(), bell()], shots=200).result()
    assert first.data.meas != second.data.meas


def test_measurements_in_the_middle_and_if_tests():
    data = Sampler(seed=4).run([teleported()], shots=20_000).result()[0].data
    ones = data.c.get_counts()["1"] / 20_000
    assert abs(ones - np.sin(0.4) ** 2) < 0.011
    assert abs(data.a.get_counts()["1"] / 20_000 - 0.5) < 0.014
    again = Sampler(seed=4).run([teleported()], shots=20_000).result()[0].data
    assert again.a == data.a


def test_averages_over_trajectories_say_how_well_they_are_known():
    exact = np.cos(0.8)  # <Z> of what `teleported` sends to qubit 2
    found = [Estimator(seed=seed).run([(teleported(), "ZII")]).result()[0].data for seed in range(40)]
    errors = np.array([data.stds for data in found])
    off = np.array([data.evs for data in found]) - exact
    assert np.all(errors > 0.01)
    assert abs(off.mean()) < 4 * errors.mean() / np.sqrt(40)
    assert 0.7 < off.std() / errors.mean() < 1.4
    noisy = Estimator(seed=1, default_precision=0.1).run([(teleported(), "ZII")]).result()[0].data
    assert noisy.stds == pytest.approx(np.hypot(0.1, errors[1]))


def test_what_can_not_be_sampled_is_an_error_of_qiskits_too():
    loop = QuantumCircuit(1, 1)
    with loop.while_loop((loop.clbits[0], 0)):
        loop.h(0)
        loop.measure(0, 0)
    with pytest.raises(
        UnsupportedCircuitError, match="if-tests and boxes are the only supported control flow, got 'while_loop'"
    ):
        Sampler().run([loop]).result()
    with pytest.warns(UserWarning, match="no classical registers"):
        assert len(Sampler().run([bell(measured=False)]).result()[0].data) == 0
    with pytest.raises(ValueError, match="inconsistent with last dimension"):
        Sampler().run([(bell(), [0.3])])
    with pytest.raises(ValueError, match="shots"):
        Sampler().run([bell()], shots=0)


def test_primitives_run_in_several_threads_at_once():
    circuit = feature_map()
    values = np.random.default_rng(1).uniform(-2, 2, (20, circuit.num_parameters))
    expected = Estimator().run([(circuit, "ZZZ", values)]).result()[0].data.evs
    found = {}

    def work(number):
        found[number] = Estimator().run([(circuit, "ZZZ", values)]).result()[0].data.evs

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[k], expected) for k in range(4))


# Backend


def test_backend_counts_and_memory():
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(2, "x"), ClassicalRegister(1, "y"))
    circuit.x(0)
    circuit.h(1)
    circuit.measure([0, 1], [2, 0])
    job = QumbaBackend().run([circuit, bell()], shots=400, memory=True, seed_simulator=3)
    assert isinstance(job, QumbaJob)
    result = job.result()
    counts = result.get_counts(0)
    assert set(counts) == {"1 00", "1 01"}
    assert sum(counts.values()) == 400
    memory = result.get_memory(circuit)
    assert {key: memory.count(key) for key in counts} == counts
    assert result.get_counts(1) == Sampler(seed=3).run([bell()], shots=400).result()[0].data.meas.get_counts()
    assert result.to_dict()["results"][0]["header"]["creg_sizes"] == [["x", 2], ["y", 1]]
    assert job.status() is JobStatus.DONE
    assert result.job_id == job.job_id()
    assert set(QumbaBackend(shots=10).run(bell()).result().get_counts()) <= {"00", "11"}


@pytest.mark.parametrize(
    "backend",
    [QumbaBackend(), QumbaBackend(coupling_map=LINE), QumbaBackend(5, ["rz", "sx", "x", "cz"], coupling_map=LINE)],
    ids=["everywhere", "line", "line_of_few_gates"],
)
def test_transpiled_circuits_respect_the_target_and_give_the_same_results(backend):
    circuit = library.efficient_su2(4, reps=1, entanglement="full")
    values = np.linspace(-2, 2, circuit.num_parameters)
    measured = circuit.measure_all(inplace=False)
    made = transpile(measured, backend, seed_transpiler=1)
    for instruction in made.data:
        place = tuple(made.find_bit(q).index for q in instruction.qubits)
        assert backend.target.instruction_supported(instruction.name, place) or instruction.name == "barrier"
    sampled = BackendSamplerV2(backend=backend, options={"seed_simulator": 5}).run([(made, values)], shots=4000)
    exact = Sampler(seed=6).run([(measured, values)], shots=4000).result()[0].data.meas.get_int_counts()
    found = sampled.result()[0].data.meas.get_int_counts()
    assert sum(abs(found.get(k, 0) - exact.get(k, 0)) for k in range(16)) / 8000 < 0.08
    observable = SparsePauliOp(["ZZII", "IXXI"])
    plain = transpile(circuit, backend, seed_transpiler=1)
    (estimated,) = (
        BackendEstimatorV2(backend=backend, options={"seed_simulator": 5})
        .run([(plain, observable.apply_layout(plain.layout), values)], precision=0.01)
        .result()
    )
    (expected,) = StatevectorEstimator().run([(circuit, observable, values)]).result()
    assert abs(estimated.data.evs - expected.data.evs) < 0.06


def test_backend_errors():
    backend = QumbaBackend(3)
    with pytest.raises(CircuitError, match=r"circuit '.*' has 4 qubits, the backend has 3"):
        backend.run(QuantumCircuit(4))
    free = QuantumCircuit(1, 1)
    free.rx(Parameter("theta"), 0)
    with pytest.raises(ParameterError, match="has no values for theta; bind them with assign_parameters"):
        backend.run(free)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        backend.run(bell(), shots=0)
    with pytest.raises(UnsupportedCircuitError, match="expected a qiskit.QuantumCircuit, got str"):
        backend.run(["bell"])
    with pytest.warns(UserWarning, match="this backend has no option method, only shots, memory, seed_simulator"):
        backend.run(bell(), method="statevector").result()
    with pytest.raises(UnknownNameError, match="unknown basis gate 'cxx'; did you mean 'cx'"):
        QumbaBackend(2, ["cxx"])
    with pytest.raises(CircuitError, match="the coupling map is on 5 qubits, got num_qubits=3"):
        QumbaBackend(3, coupling_map=LINE)


def test_a_job_may_fail_wait_and_be_cancelled():
    release = threading.Event()
    job = QumbaJob(QumbaBackend(), lambda job_id: release.wait(10))
    with pytest.raises(JobError, match="was not submitted"):
        job.status()
    job.submit()
    with pytest.raises(JobError, match="submitted already"):
        job.submit()
    with pytest.raises(JobTimeoutError, match=r"is not done after 0\.01 seconds"):
        job.result(timeout=0.01)
    assert job.status() is JobStatus.RUNNING
    assert not job.cancel()
    release.set()
    job.result()
    assert job.status() is JobStatus.DONE

    def fail(job_id):
        raise MemoryError("too large")

    failing = QumbaJob(QumbaBackend(), fail)
    failing.submit()
    with pytest.raises(MemoryError, match="too large"):
        failing.result()
    assert failing.status() is JobStatus.ERROR
