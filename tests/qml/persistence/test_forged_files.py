"""Model files with a right checksum and contents that `save` never writes: one error, nothing run or made huge."""

import json
import os
import pickle
import sys

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import qml
from qml import (
    FidelityKernel,
    NystroemFeatures,
    PauliMap,
    QuantumKernelClassifier,
    QuantumModel,
    RandomQuantumFeatures,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.files import container
from qml.files.container import FileTooLargeError, ModelFileError, read_container, write_container
from qml.persistence.estimators import VERSION
from simulator import Circuit, ParameterVector, Z, memory
from simulator.files import NotAFileError

RNG = np.random.default_rng(8)
X = RNG.normal(size=(30, 3))
LABELS = (X[:, 0] > 0).astype(int)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.qumba"


def forged(estimator, path, change):
    """Save, change the header and the arrays, and write both again."""
    qml.save(estimator, path)
    header, arrays = read_container(path, kind="model", version=VERSION)
    change(header, arrays)
    write_container(path, header, arrays, kind="model", version=VERSION)
    return path


def refused(estimator, path, change, words="its contents make no sense"):
    with pytest.raises(ModelFileError, match=words):
        qml.load(forged(estimator, path, change))


def variational():
    return VariationalClassifier(epochs=1, n_layers=1, random_state=0).fit(X, LABELS)


def pipeline():
    return make_pipeline(StandardScaler(), variational())


def kernel_classifier():
    kernel = FidelityKernel(PauliMap(("Z", "ZZ")), bandwidth=0.2)
    return QuantumKernelClassifier(kernel, random_state=0).fit(X, LABELS)


class TestWhatSaveLeavesOut:
    @pytest.mark.parametrize("name", ["callback", "backend"])
    def test_in_an_estimator(self, path, name):
        refused(variational(), path, lambda h, a: h["parameters"].update({name: "x"}), f"it sets {name}")

    def test_the_memory_of_a_pipeline_is_never_unpickled(self, path, tmp_path):
        """joblib would run the sender's pickle at the next fit."""
        cache = tmp_path / "cache"
        make_pipeline(StandardScaler(), Ridge(), memory=str(cache)).fit(X, LABELS)

        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(tmp_path / "executed"),)

        stored = list(cache.rglob("output.pkl"))
        assert stored
        for file in stored:
            file.write_bytes(pickle.dumps(Evil()))
        ours = make_pipeline(StandardScaler(), VariationalRegressor(epochs=1, n_layers=1)).fit(X, LABELS)
        refused(ours, path, lambda h, a: h["parameters"].update(memory=str(cache)), "it sets memory")
        assert not (tmp_path / "executed").exists()

    def test_through_what_was_learnt(self, path):
        refused(
            pipeline(),
            path,
            lambda h, a: h["learnt"].update(memory="x"),
            "'memory' is not a learnt attribute of Pipeline",
        )

    def test_in_a_part(self, path):
        def change(header, arrays):
            header["parameters"]["kernel"]["parameters"]["resume"] = "x"

        refused(kernel_classifier(), path, change, "it sets resume")

    def test_in_a_step(self, path):
        def change(header, arrays):
            _, step = header["parameters"]["steps"][1]["entries"]
            step["parameters"]["backend"] = "numba"

        refused(pipeline(), path, change, "it sets backend")

    def test_none_is_what_save_writes(self, path):
        qml.save(pipeline(), path)
        assert qml.load(path).memory is None


class TestNamesAndSettings:
    @pytest.mark.parametrize("name", ["predict", "__class__", "__dict__", "epochs", "circuit_", "not a name", "fit"])
    def test_attributes_that_are_not_learnt(self, path, name):
        refused(variational(), path, lambda h, a: h["learnt"].update({name: 3}), "is not a learnt attribute")

    @pytest.mark.parametrize(
        ("name", "value"),
        [("n_layers", 0), ("epochs", -1), ("precision", "quad"), ("noise", 0.1), ("patience", 1.5), ("schedule", "x")],
    )
    def test_settings_of_ours(self, path, name, value):
        refused(variational(), path, lambda h, a: h["parameters"].update({name: value}))

    @pytest.mark.parametrize(("name", "value"), [("with_mean", "yes"), ("copy", 3)])
    def test_settings_of_scikit_learn(self, path, name, value):
        def change(header, arrays):
            _, step = header["parameters"]["steps"][0]["entries"]
            step["parameters"][name] = value

        refused(pipeline(), path, change)

    def test_settings_that_load_would_refuse_are_not_saved(self, path):
        with pytest.raises(ValueError, match="n_layers expects"):
            qml.save(VariationalClassifier(n_layers=0), path)
        assert not path.exists()


class TestSizes:
    """A few digits that would mean hours or all of the memory."""

    @pytest.mark.parametrize("size", [10**6, 2**40, 2**70])
    def test_of_a_kernels_circuit(self, path, size):
        def repetitions(header, arrays):
            header["learnt"]["kernel_"]["parameters"]["feature_map"]["fields"]["reps"] = size

        def qubits(header, arrays):
            header["learnt"]["kernel_"]["parameters"]["num_qubits"] = size

        def processes(header, arrays):
            header["learnt"]["kernel_"]["parameters"]["n_jobs"] = size

        for change in (repetitions, qubits, processes):
            refused(kernel_classifier(), path, change, "is too large")

    def test_of_options_of_a_kernel(self, path):
        kernel = FidelityKernel("zz", reps=2)

        def change(header, arrays):
            header["parameters"]["kernel"]["learnt"]["_options"]["pairs"][0][1] = 10**9

        refused(NystroemFeatures(kernel, n_landmarks=5).fit(X), path, change, "reps=1000000000 is too large")

    def test_of_random_features(self, path):
        estimator = RandomQuantumFeatures(8, n_qubits=2, random_state=0).fit(X)
        refused(
            estimator, path, lambda h, a: h["parameters"].update(n_qubits=10**9), "n_qubits=1000000000 is too large"
        )

    @pytest.mark.parametrize("size", [10**9, 2**70, -1])
    def test_of_a_circuit(self, path, size):
        w = ParameterVector("w", 3)
        circuit = Circuit(3).ry(w[0], 0).ry(w[1], 1).ry(w[2], 2)
        estimator = VariationalClassifier(model=QuantumModel(circuit, inputs=w, observables=Z(0)))
        refused(
            estimator,
            path,
            lambda h, a: h["parameters"]["model"]["fields"]["circuit"]["circuit"].update(num_qubits=size),
        )

    def test_of_states_that_are_compared(self, path):
        """The engine would read beyond the end of shorter ones."""
        estimator = kernel_classifier()

        def change(header, arrays):
            number = header["learnt"]["basis_"]
            states = arrays[str(number["number"])]
            arrays[str(number["number"])] = states[:, :4].copy()
            number["shape"] = [len(states), 4]

        loaded = qml.load(forged(estimator, path, change))
        with pytest.raises(ValueError, match="states of the same length and precision are expected"):
            loaded.predict(X)

    def test_of_a_file_beside_the_memory_there_is(self, path, monkeypatch):
        qml.save(variational(), path)
        monkeypatch.setattr(container, "_SMALL", 1000)
        monkeypatch.setattr(memory, "available_bytes", lambda: 10**9)
        qml.load(path)
        monkeypatch.setattr(memory, "available_bytes", lambda: 2000)
        with pytest.raises(
            FileTooLargeError, match=r"model\.qumba: reading it takes [\d,]+ bytes of memory, 2,000 are"
        ) as e:
            qml.load(path)
        assert isinstance(e.value, MemoryError)
        assert isinstance(e.value, ModelFileError)


class TestRandomStates:
    """NumPy believes any position and reads there."""

    @pytest.mark.parametrize(
        "change",
        [
            lambda inner, state, arrays: inner.update(pos=10**6),
            lambda inner, state, arrays: inner.update(pos=-1),
            lambda inner, state, arrays: inner.update(pos="0"),
            lambda inner, state, arrays: inner.update(key=[1, 2, 3]),
            lambda inner, state, arrays: arrays.update({k: v[:10] for k, v in arrays.items() if v.dtype == np.uint32}),
            lambda inner, state, arrays: state.update(bit_generator="PCG64"),
        ],
    )
    def test_refused(self, path, change):
        def change_state(header, arrays):
            stored = header["parameters"]["random_state"]["state"]
            state = dict(stored["pairs"])
            inner = dict(state["state"]["pairs"])
            change(inner, state, arrays)
            state["state"] = {"type": "dict", "pairs": [list(pair) for pair in inner.items()]}
            stored["pairs"] = [list(pair) for pair in state.items()]

        refused(VariationalClassifier(random_state=np.random.RandomState(3)), path, change_state)

    def test_a_used_one_goes_on_where_it_was(self, path):
        state = np.random.RandomState(3)
        state.normal(size=7)
        qml.save(VariationalClassifier(random_state=state), path)
        np.testing.assert_array_equal(qml.load(path).random_state.normal(size=1000), state.normal(size=1000))


class TestJson:
    def raw(self, path, third_line):
        import hashlib

        first = f"qumba model {VERSION} written by 0.1.0".encode()
        body = third_line + b"\n"
        second = f"sha256 {hashlib.sha256(first + body).hexdigest()} bytes {len(body)}".encode()
        path.write_bytes(first + b"\n" + second + b"\n" + body)
        return path

    @pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000])
    def test_numbers_that_are_none(self, path, number):
        header = b'{"arrays": [], "header": {"estimator": "VariationalClassifier", "tol": %s}}' % number
        with pytest.raises(ModelFileError, match="malformed header"):
            qml.load(self.raw(path, header))

    @pytest.mark.parametrize("depth", [100, 900, 3000, 200_000])
    def test_deep_nesting(self, path, depth):
        deep = b'{"type": "tuple", "entries": [' * depth + b"1" + b"]}" * depth
        header = {"circuit_parameters": [], "estimator": "VariationalClassifier", "learnt": {}, "parameters": {}}
        text = json.dumps(header)[:-1].encode() + b', "extra": ' + deep + b"}"
        path = self.raw(path, b'{"arrays": [], "header": ' + text + b"}")
        if depth == 100:
            qml.load(path)
        else:
            with pytest.raises(ModelFileError, match="RecursionError"):
                qml.load(path)


@pytest.mark.skipif(sys.platform == "win32", reason="FIFOs and devices are POSIX")
class TestWhatIsNotAFile:
    @pytest.mark.parametrize(("name", "kind"), [("/dev/zero", "device"), ("fifo", "FIFO"), (".", "folder")])
    def test_is_not_read(self, tmp_path, name, kind):
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(NotAFileError, match=f"expected the path of a regular file, this is a {kind}"):
            qml.load(tmp_path / name)

    def test_is_not_replaced(self, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(NotAFileError, match="this is a FIFO"):
            variational().save(tmp_path / "fifo")
        assert os.listdir(tmp_path) == ["fifo"]
