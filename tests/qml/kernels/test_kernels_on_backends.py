"""Quantum kernels by measurement: exact where a backend is, else within shot noise, with as many circuits as told."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import StandardScaler

from qml import (
    FidelityKernel,
    NystroemFeatures,
    ProjectedKernel,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelClassifier,
    QuantumKernelPCA,
    QuantumKernelRegressor,
    QuantumKernelRidge,
    QuantumOneClassSVM,
    RandomQuantumFeatures,
    TrainedKernel,
    load,
)
from qml.kernels import RBF
from simulator import Circuit, NoiseModel, ParameterVector, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.errors import BackendError, JobError
from simulator.qiskit_backend import Patience, QiskitBackend
from tests.simulator.remote import TOKEN, RemoteBackend

X, y = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)[::15]
y = y[::15]
FEW = X[:4, :2]
SHOTS = 2000


class Counting(NumbaBackend):
    """The engine as a backend that counts requests and parameter sets, and sends nothing anywhere."""

    log: list = []  # noqa: RUF012

    def expectations(self, circuit, observables, values=None, *, resume=None):
        self.log.append(len(values))
        return super().expectations(circuit, observables, values)

    def probabilities(self, circuit, values=None, *, outcomes=None, resume=None):
        self.log.append(len(values))
        return super().probabilities(circuit, values, outcomes=outcomes)


@pytest.fixture
def counting():
    backend = Counting()
    backend.log.clear()
    return backend


def aer():
    return QiskitBackend(pytest.importorskip("qiskit_aer").AerSimulator(), shots=SHOTS, seed=7)


def fake_ibm():
    pytest.importorskip("qiskit_aer")
    provider = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    return QiskitBackend(provider.FakeManilaV2(), shots=SHOTS, seed=7)


OWN_INPUTS = ParameterVector("u", 4)
KERNELS = [
    FidelityKernel("zz"),
    FidelityKernel("angle"),  # without entanglement, it has a closed form here
    FidelityKernel("qaoa", random_state=0),  # with weights
    FidelityKernel(Circuit(2).ry(OWN_INPUTS[0] + OWN_INPUTS[1], 0).cx(0, 1).rx(2 * OWN_INPUTS[2] - OWN_INPUTS[3], 1)),
    FidelityKernel("zz", bandwidth="auto"),
    ProjectedKernel("zz"),
    ProjectedKernel("iqp", order=2, outer="laplacian"),
    ProjectedKernel("amplitude", outer="linear"),
    TrainedKernel(FidelityKernel("iqp"), epochs=2, random_state=0),
]


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_matrices_on_an_exact_backend_are_those_of_states(kernel, counting):
    kernel = clone(kernel).fit(X, y)
    there = kernel.on(counting)
    np.testing.assert_allclose(there(X), kernel(X), atol=1e-10)
    assert counting.log == [there.plan(X).parameter_sets]
    counting.log.clear()
    np.testing.assert_allclose(there(X, X[:3]), kernel(X, X[:3]), atol=1e-10)
    assert sum(counting.log) == there.plan(X, X[:3]).parameter_sets
    assert np.array_equal(there.diag(X), kernel.diag(X))


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: type(kernel).__name__)
def test_number_of_circuits_is_told_before_the_kernel_is_fitted(kernel):
    is_projected = isinstance(kernel, ProjectedKernel)
    plan = clone(kernel).plan(X, backend=NumbaBackend())
    assert plan.parameter_sets == (10 if is_projected else 45)
    assert clone(kernel).plan(X, X[:3]).parameter_sets == (13 if is_projected else 30)


def test_projected_kernels_measure_in_few_bases(tmp_path):
    backend = QiskitBackend(RemoteBackend(tmp_path / "server"), shots=100)
    assert ProjectedKernel("angle").plan(X, backend=backend).executions == 3 * len(X)
    assert ProjectedKernel("angle", order=2).plan(X, backend=backend).executions <= 15 * len(X)
    assert FidelityKernel("angle").plan(X, backend=backend).executions == 45
    assert not (tmp_path / "server").exists() or not list((tmp_path / "server").iterdir())


def test_noise_of_a_backend_is_in_the_kernel():
    noisy = NumbaBackend(noise=NoiseModel(after_1q=depolarizing(0.3)))
    seen = FidelityKernel("angle", backend=noisy)(FEW)
    # each qubit is depolarised twice, after either sample, and its Bloch vector is shrunk by 1 - 0.3 each time
    shrunk = (1 - 0.3) ** 2
    single = np.cos(FEW[:, None, :] - FEW[None, :, :])
    expected = np.prod((1 + shrunk * single) / 2, axis=2)
    np.fill_diagonal(expected, 1.0)
    np.testing.assert_allclose(seen, expected, atol=1e-10)


def test_landmarks_are_measured_once(counting):
    here = NystroemFeatures(ProjectedKernel("zz", gamma=1.0), n_landmarks=5, random_state=0)
    there = clone(here).set_params(kernel__backend=counting).fit(X)
    assert counting.log == [5]
    np.testing.assert_allclose(there.transform(X[:3]), here.fit(X).transform(X[:3]), atol=1e-9)
    assert counting.log == [5, 3]


@pytest.mark.parametrize("make", [aer, fake_ibm])
def test_fidelities_by_shots(make):
    exact, measured = FidelityKernel("zz")(FEW), FidelityKernel("zz", backend=make())(FEW)
    assert np.array_equal(measured, measured.T)
    assert np.all(np.diag(measured) == 1)
    bias = 0.0 if make is aer else 0.15
    assert np.abs(measured - exact).max() < 5 * np.sqrt(0.25 / SHOTS) + bias
    assert not np.array_equal(measured, exact)


@pytest.mark.parametrize("make", [aer, fake_ibm])
def test_projections_by_shots(make):
    kernel = ProjectedKernel("zz", outer="linear", gamma=1.0)
    exact, measured = kernel.features(FEW), kernel.on(make()).features(FEW)
    bias = 0.0 if make is aer else 0.2
    assert np.abs(measured - exact).max() < 5 / np.sqrt(SHOTS) + bias
    assert not np.array_equal(measured, exact)


@pytest.mark.parametrize("name", ["fidelity", "projected", "trained"])
@pytest.mark.parametrize("estimator", [QuantumKernelClassifier, QuantumKernelRegressor, QuantumKernelRidge])
def test_estimators_trained_here_predict_there(estimator, name, counting):
    model = estimator(name).fit(X, y)
    np.testing.assert_allclose(model.predict(X, backend=counting), model.predict(X), atol=1e-10)
    plan = model.plan(X, counting)
    assert counting.log == [plan.parameter_sets]
    assert plan.parameter_sets == len(X) * (1 if name == "projected" else len(model.basis_))
    if hasattr(model, "decision_function"):
        np.testing.assert_allclose(model.decision_function(X, backend=counting), model.decision_function(X), atol=1e-10)
        np.testing.assert_allclose(model.predict_proba(X, backend=counting), model.predict_proba(X), atol=1e-9)
        np.testing.assert_allclose(model.predict_log_proba(X, backend=counting), model.predict_log_proba(X), atol=1e-8)
    assert model.score(X, y) == pytest.approx(
        model.score(X, y, **({} if estimator is QuantumKernelRidge else {"backend": counting}))
    )


def test_transformers_and_outliers_on_a_backend(counting):
    pca = QuantumKernelPCA(2, "projected", random_state=0).fit(X)
    np.testing.assert_allclose(pca.transform(X, backend=counting), pca.transform(X), atol=1e-8)
    outliers = QuantumOneClassSVM(nu=0.3).fit(X)
    np.testing.assert_allclose(
        outliers.decision_function(X, backend=counting), outliers.decision_function(X), atol=1e-10
    )
    assert np.array_equal(outliers.predict(X, backend="numba"), outliers.predict(X))


@pytest.mark.parametrize("kind", [FidelityKernel, ProjectedKernel])
def test_a_kernel_on_a_backend_trains_there_with_no_circuit_twice(kind, counting):
    """Neither the search for the bandwidth nor the median of distances costs a circuit of its own."""
    here = QuantumKernelClassifier(kind("zz", bandwidth="auto"), tol=1e-9, random_state=0)
    there = QuantumKernelClassifier(kind("zz", bandwidth="auto", backend=counting), tol=1e-9, random_state=0)
    plan = there.plan(X, y=y)
    assert counting.log == []
    here.fit(X, y), there.fit(X, y)
    assert counting.log == [plan.parameter_sets]
    assert there.kernel_.bandwidth_ == here.kernel_.bandwidth_
    np.testing.assert_allclose(there.decision_function(X), here.decision_function(X), atol=1e-6)
    counting.log.clear()
    there.predict(X)
    assert counting.log == [there.plan(X).parameter_sets]
    np.testing.assert_allclose(there.decision_function(X, backend="numba"), here.decision_function(X), atol=1e-6)


def test_the_pauli_expectations_of_the_training_rows_are_kept(counting):
    """On a backend a projected kernel measures the new samples only."""
    model = QuantumKernelClassifier("projected").fit(X, y)
    model.predict(X[:2], backend=counting)
    assert counting.log == [2]


def test_random_features_on_a_backend(counting):
    here = RandomQuantumFeatures(10, n_qubits=3, random_state=0).fit(X)
    there = RandomQuantumFeatures(10, n_qubits=3, random_state=0, backend=counting).fit(X)
    assert there.plan(X).parameter_sets == 4 * len(X)
    assert counting.log == []
    np.testing.assert_allclose(there.transform(X), here.transform(X), atol=1e-10)
    assert counting.log == [4 * len(X)]
    assert "4 random circuits for each of 10 samples" in str(here.plan(X, counting))
    with pytest.raises(NotFittedError):
        RandomQuantumFeatures().plan(X)


def test_a_broken_kernel_matrix_goes_on_where_it_was(tmp_path):
    """Of three jobs one fails: the others are kept, and the same line sends that one only."""
    server = RemoteBackend(tmp_path / "server", seed_simulator=1)
    patience = Patience(poll_interval=0.001)
    backend = QiskitBackend(server, shots=200, seed=1, max_sets_per_job=2, patience=patience)
    kernel = FidelityKernel("angle", backend=backend, resume=tmp_path / "run")
    assert kernel.plan(FEW).jobs == 3
    server.fate = ["DONE", "ERROR", "DONE"]
    with pytest.raises(JobError, match="qubit 2 is out of order"):
        kernel(FEW)
    assert server.num_jobs == 3
    K = kernel(FEW)
    assert server.num_jobs == 4
    np.testing.assert_allclose(K, FidelityKernel("angle")(FEW), atol=0.2)
    assert np.array_equal(kernel(FEW), K)
    assert server.num_jobs == 4

    classifier = QuantumKernelClassifier(n_qubits=2).fit(FEW, [0, 0, 1, 1])
    there = [classifier.decision_function(FEW, backend=backend, resume=tmp_path / "predict") for _ in range(2)]
    assert np.array_equal(*there)


def test_a_repaired_matrix_is_positive_semidefinite(tmp_path):
    backend = QiskitBackend(RemoteBackend(tmp_path / "server"), shots=20, seed=1)
    K = FidelityKernel("angle", bandwidth=0.2, regularization="threshold", backend=backend)(X[:6, :2])
    assert np.linalg.eigvalsh(K).min() > -1e-12


def test_what_can_not_be_measured(tmp_path, counting):
    with pytest.raises(NotImplementedError, match="no inverse: .* a ProjectedKernel needs none"):
        FidelityKernel("amplitude", backend=counting)(X)
    with pytest.raises(ValueError, match="shots are those of the backend"):
        FidelityKernel("angle", shots=100, backend=counting)(X)
    with pytest.raises(TypeError, match="backend expects a Backend"):
        FidelityKernel("angle", backend="ibm_nowhere")(X)
    with pytest.raises(ValueError, match="got states"):
        FidelityKernel("zz", backend=counting).gram(FidelityKernel("zz").features(X))
    classical = QuantumKernelClassifier("rbf").fit(X, y)
    for ask in (lambda: classical.plan(X, counting), lambda: classical.predict(X, backend=counting)):
        with pytest.raises(TypeError, match="ClassicalKernel runs no circuits"):
            ask()
    assert counting.log == []
    wide = QiskitBackend(RemoteBackend(tmp_path / "server"))
    rows = np.ones((2, 6))
    assert not FidelityKernel("zz").plan(rows, backend=wide).fits
    with pytest.raises(BackendError, match="6 qubits"):
        FidelityKernel("zz", backend=wide)(rows)


def test_files_and_pickles_hold_no_connection(tmp_path):
    backend = QiskitBackend(RemoteBackend(tmp_path / "server"), shots=100, seed=1)
    kernel = FidelityKernel("angle", backend=backend, resume=tmp_path / "run")
    model = QuantumKernelClassifier(kernel).fit(X[:4], [0, 0, 1, 1])
    model.save(tmp_path / "model.qumba")
    assert TOKEN.encode() not in (tmp_path / "model.qumba").read_bytes()
    loaded = load(tmp_path / "model.qumba")
    assert (loaded.kernel.backend, loaded.kernel_.backend, loaded.kernel_.resume) == (None, None, None)
    there = loaded.decision_function(X[:4], backend=backend, resume=tmp_path / "run")
    assert np.array_equal(there, model.decision_function(X[:4]))
    with pytest.raises(TypeError, match="set backend=None"):
        pickle.dumps(model)
    assert clone(kernel).backend is backend


@pytest.mark.parametrize("estimator", [QuantumGaussianProcessRegressor, QuantumGaussianProcessClassifier])
def test_gaussian_processes_measure_each_row_once(estimator, counting):
    kernel = ProjectedKernel("angle", backend=counting)
    model = estimator(kernel).fit(X, y)
    assert counting.log == [len(X)]
    here = estimator(kernel.on(None)).fit(X, y)
    np.testing.assert_allclose(model.predict(X), here.predict(X), atol=1e-6)


def test_a_diagonal_of_ones_is_not_measured(counting):
    assert np.all(ProjectedKernel("angle", backend=counting).diag(X) == 1)
    assert counting.log == []


class TestCompositeKernels:
    kernel = 0.5 * RBF(0.3) + FidelityKernel("zz", bandwidth=0.5) * ProjectedKernel("iqp", bandwidth=0.5)

    def test_quantum_parts_run_there(self, counting):
        kernel = clone(self.kernel).fit(X, y)
        there = kernel.on(counting)
        np.testing.assert_allclose(there(X), kernel(X), atol=1e-10)
        assert sorted(counting.log) == [10, 45]
        assert there.plan(X).parameter_sets == 55
        assert clone(self.kernel).plan(X, X[:3], counting).parameter_sets == 30 + 13
        assert "a circuit for each of 45 pairs" in str(there.plan(X))
        assert (kernel.backend, there.backend) == (None, counting)

    @pytest.mark.parametrize("estimator", [QuantumKernelClassifier, QuantumKernelRidge])
    def test_estimators_trained_here_predict_there(self, estimator, counting):
        model = estimator(self.kernel).fit(X, y)
        np.testing.assert_allclose(model.predict(X, backend=counting), model.predict(X), atol=1e-10)
        assert sum(counting.log) == model.plan(X, counting).parameter_sets == len(X) * (1 + len(model.basis_))

    def test_no_circuit_runs_twice_in_training(self, counting):
        kernel = clone(self.kernel).on(counting)
        model = QuantumKernelClassifier(kernel, tol=1e-9)
        plan = model.plan(X, y=y)
        assert counting.log == []
        model.fit(X, y)
        assert sum(counting.log) == plan.parameter_sets == 55
        here = QuantumKernelClassifier(self.kernel, tol=1e-9).fit(X, y)
        np.testing.assert_allclose(model.decision_function(X), here.decision_function(X), atol=1e-6)

    def test_jobs_of_each_part_have_a_folder(self, tmp_path):
        backend = QiskitBackend(RemoteBackend(tmp_path / "server"), shots=200, seed=1)
        kernel = FidelityKernel("angle") + 0.5 * (RBF(0.3) * FidelityKernel("angle", bandwidth=0.5) ** 2)
        there = kernel.on(backend, tmp_path / "run")
        K = there(FEW)
        assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["k1", "k2"]
        np.testing.assert_array_equal(there(FEW), K)
        np.testing.assert_allclose(K, kernel(FEW), atol=0.3)
        model = QuantumKernelClassifier(kernel.on(backend)).fit(FEW, [0, 0, 1, 1])
        first, again = (model.decision_function(FEW, resume=tmp_path / "predict") for _ in range(2))
        np.testing.assert_array_equal(first, again)
        assert (tmp_path / "predict" / "k2" / "k2").exists()

    def test_classical_ones_run_nowhere(self, counting):
        for ask in (lambda kernel: kernel.on(counting), lambda kernel: kernel.plan(X, backend=counting)):
            with pytest.raises(TypeError, match="SumKernel runs no circuits"):
                ask(RBF() + 2 * RBF() ** 2)

    def test_trained_parts(self, counting):
        kernel = TrainedKernel(FidelityKernel("angle"), epochs=1, random_state=0) + RBF(0.3)
        there = kernel.on(counting).fit(X, y)
        np.testing.assert_allclose(there(X), clone(kernel).fit(X, y)(X), atol=1e-10)
        assert counting.log == [45]
