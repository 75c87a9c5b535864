"""The fidelity kernel against Qiskit, and what users do to it."""

import errno
import os
import pickle
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from qiskit.circuit.library import zz_feature_map
from qiskit.quantum_info import Statevector
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import qml.kernels.kernel
from qml.feature_maps import FEATURE_MAPS, Encoding, PauliMap
from qml.kernels import FidelityKernel
from simulator import Circuit, ParameterVector, memory
from simulator.errors import CircuitError, KernelTooLargeError, ParameterError, StateTooLargeError, UnknownNameError
from tests.qml.feature_maps.samples import samples_for

PATTERNS = ["full", "linear", "reverse_linear", "circular", "sca", "pairwise"]


def data(rows: int, columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (rows, columns))


@pytest.mark.parametrize("entanglement", PATTERNS)
@pytest.mark.parametrize("reps", [1, 2, 3])
@pytest.mark.parametrize("n", [2, 4, 8])
def test_zz_equals_qiskit(n: int, reps: int, entanglement: str) -> None:
    X = data(5, n)
    circuit = zz_feature_map(n, reps=reps, entanglement=entanglement)
    psi = np.array([Statevector(circuit.assign_parameters(row)).data for row in X])
    kernel = FidelityKernel("zz", reps=reps, entanglement=entanglement)
    np.testing.assert_allclose(kernel(X), np.abs(psi @ psi.conj().T) ** 2, atol=1e-10)
    np.testing.assert_allclose(kernel(X[:2], X), np.abs(psi[:2] @ psi.conj().T) ** 2, atol=1e-10)


@pytest.mark.parametrize("entanglement", PATTERNS)
@pytest.mark.parametrize("n", range(2, 9))
def test_zz_equals_qiskit_machine_learning(n: int, entanglement: str) -> None:
    library = pytest.importorskip("qiskit_machine_learning.kernels")
    X = data(4, n, seed=n)
    for reps in (1, 2, 3):
        theirs = library.FidelityStatevectorKernel(
            feature_map=zz_feature_map(n, reps=reps, entanglement=entanglement)
        ).evaluate(X)
        np.testing.assert_allclose(FidelityKernel("zz", reps=reps, entanglement=entanglement)(X), theirs, atol=1e-10)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("name", sorted(FEATURE_MAPS))
def test_every_feature_map(name: str, precision: str) -> None:
    X = samples_for(name, data(30, 4))
    atol = {"double": 1e-12, "single": 1e-4}[precision]
    kernel = FidelityKernel(name, precision=precision, random_state=0).fit(X)
    K, psi = kernel(X), kernel.states(X)
    assert K.dtype == psi.real.dtype == {"double": np.float64, "single": np.float32}[precision]
    np.testing.assert_allclose(K, np.abs(psi @ psi.conj().T) ** 2, atol=atol)
    np.testing.assert_allclose(np.diag(K), kernel.diag(X), atol=atol)
    np.testing.assert_array_equal(K, K.T)
    assert np.linalg.eigvalsh(K.astype(float))[0] > -atol * len(X)
    np.testing.assert_allclose(kernel(X[:7], X), K[:7], atol=atol)
    features = kernel.features(X)
    np.testing.assert_allclose(kernel.gram(features[:7], features), K[:7], atol=atol)
    np.testing.assert_allclose(kernel.gram(features), K, atol=atol)


def test_unentangled_maps_take_any_number_of_qubits() -> None:
    X, Y = data(9, 100), data(3, 100, seed=1)
    expected = np.prod(np.cos((X[:, None] - Y) / 2) ** 2, axis=2)
    np.testing.assert_allclose(FidelityKernel("angle")(X, Y), expected, rtol=1e-10)


def test_unentangled_blocks() -> None:
    X = data(600, 2)
    expected = np.prod(np.cos((X[:, None] - X) / 2) ** 2, axis=2)
    np.testing.assert_allclose(FidelityKernel("angle")(X), expected, atol=1e-13)
    np.testing.assert_allclose(FidelityKernel("angle")(X, X[:300]), expected[:, :300], atol=1e-13)


def test_own_circuit_with_weights() -> None:
    x, w = ParameterVector("x", 2), ParameterVector("w", 1)
    circuit = Circuit(2).ry(x[0], 0).crx(w[0], 0, 1).ry(x[1], 1).cx(0, 1)
    X = data(6, 2)
    psi = np.array([Statevector(circuit.bind({x: row, w: [0.7]}).to_qiskit()).data for row in X])
    kernel = FidelityKernel(circuit, inputs=x, weights=[0.7])
    np.testing.assert_allclose(kernel(X), np.abs(psi @ psi.conj().T) ** 2, atol=1e-12)
    np.testing.assert_allclose(clone(kernel)(X), kernel(X))
    np.testing.assert_allclose(pickle.loads(pickle.dumps(kernel))(X), kernel(X))
    with pytest.raises(ParameterError, match=r"shape \(1,\) expected"):
        FidelityKernel(circuit, inputs=x, weights=[0.7, 0.1])(X)
    with pytest.raises(ParameterError, match="needs inputs"):
        FidelityKernel(circuit, weights=[0.7])(X)
    with pytest.raises(NotFittedError, match="call fit"):
        FidelityKernel(circuit, inputs=x)(X)


def test_objects_stand_for_names() -> None:
    X = data(5, 3)
    expected = FidelityKernel("zz", reps=1)(X)
    np.testing.assert_array_equal(FidelityKernel(PauliMap(reps=1))(X), expected)
    encoding = PauliMap(reps=1).encoding(3)
    assert isinstance(encoding, Encoding)
    np.testing.assert_array_equal(FidelityKernel(encoding)(X), expected)


def test_bandwidth_multiplies_features() -> None:
    X = data(5, 3)
    np.testing.assert_array_equal(FidelityKernel(bandwidth=0.3)(X), FidelityKernel()(0.3 * X))
    scales = np.array([0.1, 2.0, 0.5])
    np.testing.assert_array_equal(FidelityKernel(bandwidth=scales).fit(X)(X), FidelityKernel()(scales * X))


def test_settings_of_the_map_are_settings_of_the_kernel() -> None:
    kernel = FidelityKernel("zz", reps=3, entanglement="linear")
    assert repr(kernel) == "FidelityKernel(entanglement='linear', reps=3)"
    assert clone(kernel).get_params()["reps"] == 3
    np.testing.assert_array_equal(
        kernel.set_params(reps=1)(data(4, 3)), FidelityKernel(reps=1, entanglement="linear")(data(4, 3))
    )


def test_in_a_pipeline_with_a_support_vector_machine() -> None:
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(-1, 0.4, (30, 2)), rng.normal(1, 0.4, (30, 2))])
    y = np.repeat([0, 1], 30)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), SVC(kernel=FidelityKernel("angle"))), {"svc__C": [0.1, 1.0]}, n_jobs=2
    )
    assert search.fit(X, y).best_score_ > 0.9


def test_on_disk(tmp_path: Path) -> None:
    X = data(40, 3)
    path = tmp_path / "kernel.npy"
    found = FidelityKernel()(X, out=path)
    assert isinstance(found, np.memmap)
    found.flush()
    np.testing.assert_array_equal(np.load(path), FidelityKernel()(X))
    given = np.memmap(tmp_path / "raw", np.float64, "w+", shape=(40, 40))
    assert FidelityKernel()(X, out=given) is given
    np.testing.assert_array_equal(given, FidelityKernel()(X))
    with pytest.raises(ValueError, match=r"shape \(40, 40\), got float64, \(40, 39\)"):
        FidelityKernel()(X, out=np.empty((40, 39)))


def test_a_matrix_that_does_not_fit_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def reserve(descriptor: int, start: int, size: int) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(os, "posix_fallocate", reserve, raising=False)
    path, reason = tmp_path / "kernel.npy", errno.ENOSPC
    with pytest.raises(OSError, match="No space left") as error:
        FidelityKernel()(data(40, 3), out=path)
    assert error.value.filename == str(path)
    assert not path.exists()
    reason = errno.EOPNOTSUPP  # a file system that cannot reserve space
    FidelityKernel()(data(40, 3), out=path)
    assert path.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("there", [False, True])
def test_a_process_killed_in_the_middle_of_a_file(
    there: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "kernel.npy"
    before = np.arange(9.0)
    if there:
        np.save(path, before)
    script = """
        import sys, time
        import numpy as np
        from qml.kernels import FidelityKernel

        class Slow(FidelityKernel):
            def finish(self, out, symmetric):
                out[20:] = 0  # as in a file whose second half is not computed yet
                out.flush()
                print("half", flush=True)
                time.sleep(60)

        Slow()(np.random.default_rng(0).normal(size=(40, 3)), out=sys.argv[1])
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    if there:
        np.testing.assert_array_equal(np.load(path), before)
    else:
        assert not path.exists()
    (rest,) = set(tmp_path.iterdir()) - {path}
    X = data(40, 3)
    with caplog.at_level("INFO", "simulator.files"):
        matrix = FidelityKernel()(X, out=path)
    assert f"removed {rest} (0.0129 MB)" in caplog.text
    assert list(tmp_path.iterdir()) == [path] == [Path(matrix.filename)]
    np.testing.assert_array_equal(np.load(path), FidelityKernel()(X))
    matrix[0, 1] = 2.0  # the result is the file
    matrix.flush()
    assert np.load(path)[0, 1] == 2.0


def test_an_exception_in_the_middle_of_a_file(tmp_path: Path) -> None:
    class Failing(FidelityKernel):
        def finish(self, out: np.ndarray, symmetric: bool) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Failing()(data(40, 3), out=tmp_path / "kernel.npy")
    assert not list(tmp_path.iterdir())


def test_a_bar_when_asked(capsys: pytest.CaptureFixture[str]) -> None:
    FidelityKernel("iqp", verbose=True)(data(1100, 2))
    assert "kernel" in capsys.readouterr().err
    FidelityKernel("iqp")(data(1100, 2))
    assert not capsys.readouterr().err


def test_one_sample_and_equal_samples() -> None:
    X = data(1, 3)
    np.testing.assert_allclose(FidelityKernel()(X), [[1.0]], atol=1e-14)
    np.testing.assert_allclose(FidelityKernel()(np.repeat(X, 9, axis=0)), np.ones((9, 9)), atol=1e-13)


def test_shots() -> None:
    X = data(12, 3)
    exact = FidelityKernel()(X)
    kernel = FidelityKernel(shots=4000, random_state=5)
    K = kernel(X)
    np.testing.assert_array_equal(K, K.T)
    np.testing.assert_array_equal(np.diag(K), 1.0)
    np.testing.assert_array_equal(K * 4000, np.round(K * 4000))
    assert np.abs(K - exact).max() < 5 * 0.5 / np.sqrt(4000)
    assert (exact != K)[np.triu_indices(12, 1)].all()
    np.testing.assert_array_equal(kernel(X), K)
    np.testing.assert_array_equal(kernel.gram(kernel.features(X)), K)
    assert (FidelityKernel(shots=4000, random_state=6)(X) != K).any()
    rectangle = kernel(X[:3], X)
    assert np.abs(rectangle - exact[:3]).max() < 5 * 0.5 / np.sqrt(4000)
    few = FidelityKernel(shots=5, random_state=0)(data(40, 2))
    assert np.linalg.eigvalsh(few)[0] < -0.1
    regular = FidelityKernel(shots=5, random_state=0, regularization="threshold")(data(40, 2))
    assert np.linalg.eigvalsh(regular)[0] > -1e-12


@pytest.mark.parametrize("shots", [0, -1, 1.5, True])
def test_bad_shots(shots: object) -> None:
    with pytest.raises(ValueError, match="shots is an integer"):
        FidelityKernel(shots=shots)(data(2, 2))  # type: ignore[arg-type]


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    X = data(6, 3)
    with pytest.raises(ValueError, match="contains NaN"):
        FidelityKernel()([[np.nan, 1.0]])
    with pytest.raises(ValueError, match="X has 2 features, but FidelityKernel is expecting 3"):
        FidelityKernel().fit(X)(X[:, :2])
    with pytest.raises(ValueError, match="Expected 2D array"):
        FidelityKernel()(X[0])
    with pytest.raises(CircuitError, match="at most 2 features on 2 qubits, got 3"):
        FidelityKernel(num_qubits=2)(X)
    with pytest.raises(UnknownNameError, match="unknown feature map"):
        FidelityKernel("zzz")(X)
    with pytest.raises(UnknownNameError, match="unknown regularization"):
        FidelityKernel(regularization="none")(X)
    with pytest.raises(ValueError, match="column 1 has 2"):
        FidelityKernel("chebyshev")([[0.0, 2.0]])
    with pytest.raises(ValueError, match="bandwidth is a finite number, 3 of them"):
        FidelityKernel(bandwidth=[1.0, 2.0])(X)
    with pytest.raises(StateTooLargeError, match="40 qubits"):
        FidelityKernel()(data(2, 40))
    monkeypatch.setattr(memory, "available_bytes", lambda: 1 << 30)
    with pytest.raises(KernelTooLargeError, match=r"20000 x 20000 .* 2.98 GiB, 1 GiB are available.*NystroemFeatures"):
        FidelityKernel("angle")(np.zeros((20000, 1)))


def test_dataframes_and_lists() -> None:
    pandas = pytest.importorskip("pandas")
    X = data(6, 3)
    expected = FidelityKernel()(X)
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    kernel = FidelityKernel().fit(frame)
    assert list(kernel.feature_names_in_) == ["a", "b", "c"]
    np.testing.assert_array_equal(kernel(frame), expected)
    np.testing.assert_array_equal(FidelityKernel()(X.tolist()), expected)
    np.testing.assert_array_equal(FidelityKernel()(np.asfortranarray(X)), expected)
    X.setflags(write=False)
    np.testing.assert_array_equal(FidelityKernel()(X), expected)


def test_tiles_of_joblib_have_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qml.kernels.kernel, "_TILE", 40)
    X, Y = data(130, 4), data(60, 4, seed=1)
    for name in ("zz", "angle"):
        one, two = FidelityKernel(name), FidelityKernel(name, n_jobs=2)
        np.testing.assert_array_equal(two(X), one(X))
        np.testing.assert_array_equal(two(X, Y), one(X, Y))
