"""Model files: what comes back is what was saved, bit for bit, and nothing else is ever read or run."""

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.datasets import load_iris

from qml import (
    SPSA,
    Adam,
    AngleMap,
    NLocal,
    OwnFunction,
    PauliMap,
    QuantumModel,
    SciPy,
    VariationalClassifier,
    VariationalRegressor,
    layered_model,
    load,
    save,
)
from qml.ansatze import ANSATZE, BasicEntangling
from qml.feature_maps import FEATURE_MAPS, Encoding
from qml.files.container import ModelFileError, read_container, write_container
from qml.persistence.estimators import VERSION
from simulator import gates
from simulator.circuit import Circuit
from simulator.observables import Hermitian, X, Z
from simulator.parameters import Parameter, ParameterVector
from tests.qml.feature_maps.samples import samples_for

IRIS = load_iris(return_X_y=True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.qumba"


def assert_comes_back(
    estimator: BaseEstimator, path, method: str = "decision_function", X: np.ndarray = IRIS[0]
) -> BaseEstimator:
    estimator.save(path)
    loaded = load(path)
    assert type(loaded) is type(estimator)
    np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(estimator, method)(X))
    np.testing.assert_array_equal(loaded.weights_, estimator.weights_)
    np.testing.assert_array_equal(loaded.loss_history_, estimator.loss_history_)
    assert loaded.n_iter_ == estimator.n_iter_
    assert loaded.n_features_in_ == estimator.n_features_in_
    return loaded


@pytest.mark.parametrize(
    "feature_map", [*FEATURE_MAPS, AngleMap("xz", 2), PauliMap(("XY",), entanglement=[(0, 2)])], ids=str
)
def test_every_feature_map(feature_map, path):
    X = samples_for(feature_map, IRIS[0])
    fitted = VariationalClassifier(feature_map, n_layers=2, epochs=2, random_state=0).fit(X, IRIS[1])
    assert_comes_back(fitted, path, X=X)


@pytest.mark.parametrize("ansatz", [*ANSATZE, BasicEntangling("z"), NLocal(("rx", "p"), "full")], ids=str)
def test_every_ansatz(ansatz, path):
    assert_comes_back(VariationalClassifier(ansatz=ansatz, n_layers=2, epochs=2, random_state=0).fit(*IRIS), path)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": Adam(0.1), "learning_rate": None},
        {"optimizer": SPSA()},
        {"optimizer": SciPy("COBYLA", {"rhobeg": 0.5})},
        {"class_weight": {"a": 2.0, "b": 1.0, "c": 1}},
        {"class_weight": "balanced", "precision": "single"},
        {"observables": [Z(0) @ X(1) + 0.5 * Z(2), Hermitian([[1, 2], [2, -1]], [3])]},
        {"random_state": np.random.RandomState(3)},
        {"early_stopping": True, "patience": 3, "batch_size": 16, "tol": 1e-3},
        {"n_qubits": 2, "loss": "hinge"},
    ],
    ids="-".join,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_setting(settings, path):
    y = np.array(["a", "b", "c"])[IRIS[1]]
    loaded = assert_comes_back(VariationalClassifier(epochs=4, **{"random_state": 0, **settings}).fit(IRIS[0], y), path)
    assert loaded.predict(IRIS[0]).tolist()[0] in "abc"
    for name, value in settings.items():
        if not isinstance(value, np.random.RandomState):
            assert loaded.get_params()[name] == value


@pytest.mark.parametrize(
    "labels", [["a", "b"], [1, 2], [2.0, 1.0], [False, True], np.array(["x", "yy"], object)], ids=str
)
def test_labels_keep_their_type(labels, path):
    y = np.asarray(labels)[IRIS[1] // 2]
    loaded = assert_comes_back(VariationalClassifier(epochs=1, random_state=0).fit(IRIS[0], y), path)
    assert loaded.classes_.dtype == y.dtype
    np.testing.assert_array_equal(loaded.predict(IRIS[0]), loaded.predict(IRIS[0]))


def test_regressor(path):
    reg = VariationalRegressor(epochs=3, random_state=0).fit(IRIS[0], IRIS[0][:, 2])
    loaded = assert_comes_back(reg, path, "predict")
    assert (loaded.target_mean_, loaded.target_scale_) == (reg.target_mean_, reg.target_scale_)


def test_training_goes_on_as_if_never_saved(path):
    clf = VariationalClassifier(epochs=3, random_state=0).fit(*IRIS)
    loaded = assert_comes_back(clf, path)
    np.testing.assert_array_equal(loaded.partial_fit(*IRIS).weights_, clf.partial_fit(*IRIS).weights_)
    np.testing.assert_array_equal(loaded.fit(*IRIS).weights_, clf.fit(*IRIS).weights_)


def test_parameters_set_after_fitting_do_not_matter(path):
    clf = VariationalClassifier(epochs=2, random_state=0).fit(*IRIS)
    assert_comes_back(clf.set_params(n_layers=9, n_qubits=7, feature_map="zz"), path)
    assert load(path).n_layers == 9


def test_not_fitted(path):
    VariationalClassifier("zz", n_layers=7).save(path)
    loaded = load(path)
    assert loaded.get_params() == VariationalClassifier("zz", n_layers=7).get_params()
    assert not hasattr(loaded, "weights_")


def test_column_names_and_extra(path):
    import pandas as pd

    frame = pd.DataFrame(IRIS[0], columns=list("abcd"))
    clf = VariationalClassifier(epochs=1, random_state=0).fit(frame, IRIS[1])
    extra = {"columns": ["a", None, 1.5, True], "deep": {"x": [[1, 2], []]}, "nan": float("inf")}
    clf.save(path, extra=extra)
    loaded, back = load(path, return_extra=True)
    assert loaded.feature_names_in_.tolist() == list("abcd")
    assert back == extra


def own_circuit() -> tuple[Circuit, ParameterVector, ParameterVector]:
    """Every kind of gate a circuit of one's own can hold, in affine expressions of its parameters."""
    x, w = ParameterVector("x", 4), ParameterVector("same name", 3)
    rng = np.random.default_rng(0)
    unitary = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    hermitian = rng.normal(size=(4, 4))
    circuit = Circuit(3).initialize(rng.normal(size=4), [0, 1], normalize=True).ry(x[0], 0).cry(2 * x[1] - 0.3, 1, 0)
    circuit = circuit.unitary(unitary, [2, 0]).diagonal(rng.normal(size=4), [1, 2])
    circuit = circuit.append(
        gates.Fixed("mine", unitary).controlled()(0, 1, 2),
        gates.Rotation("turn", hermitian + hermitian.T)(w[0] + x[2], 0, 2),
        gates.PauliRotation("XZY")(w[1], 0, 1, 2),
        gates.PauliRotation("ZX", name="zx").controlled(1, [0])(w[2], 1, 0, 2),
        gates.StatePreparation(rng.normal(size=2), normalize=True).inverse()[0].controlled()(0, 2),
        gates.RX.controlled(2, [0, 1])(x[3], 2, 1, 0),
        gates.Diagonal("phases", [0.1, 0.2]).controlled(1, [0])(1, 0),
    )
    return circuit.cu(w[2], 0.1, x[0], w[0], 0, 1).r(w[2], 0.4, 2).u(0.1, w[1], x[1], 0), x, w


def test_a_circuit_of_ones_own(path):
    circuit, x, w = own_circuit()
    model = QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), X(1) @ Z(2)], precision="double")
    loaded = assert_comes_back(VariationalClassifier(model=model, epochs=3, random_state=0).fit(*IRIS), path)
    assert [p.name for p in loaded.model.inputs] == [p.name for p in x]
    assert [(op.gate, op.qubits) for op in loaded.circuit_] == [(op.gate, op.qubits) for op in circuit]
    renamed = dict(zip((*loaded.model.inputs, *loaded.model.weights), (*x, *w), strict=True))
    assert loaded.circuit_.bind(renamed) == circuit


@pytest.mark.parametrize("seed", range(8))
def test_amplitudes_keep_their_last_bit(seed, path):
    amplitudes = np.random.default_rng(seed).normal(size=8)
    w = ParameterVector("w", 4)
    circuit = Circuit(3).initialize(amplitudes, normalize=True).rx(w[0], 0).rx(w[1], 1).rx(w[2], 2).ry(w[3], 0)
    VariationalClassifier(model=QuantumModel(circuit, inputs=w, observables=Z(0))).save(path)
    assert load(path).model.circuit.operations[0].gate == circuit.operations[0].gate


def test_a_feature_map_of_ones_own(path):
    x = ParameterVector("x", 4)
    own = Encoding(Circuit(4, [gates.RX(2 * p, q) for q, p in enumerate(x)]), x)
    assert_comes_back(VariationalClassifier(own, epochs=2, random_state=0).fit(*IRIS), path)


def test_a_model_with_a_data_function(path):
    model = layered_model("zz", "basic", 4, 2)
    assert_comes_back(VariationalClassifier(model=model, epochs=2, random_state=0).fit(*IRIS), path)


class TestWhatCanNotBeStored:
    def test_functions_of_ones_own(self, path):
        x, w = Parameter("x"), Parameter("w")
        model = QuantumModel(Circuit(1).ry(x, 0).rx(w, 0), x, w, Z(0), data=OwnFunction(np.sum), num_features=4)
        with pytest.raises(TypeError, match="model.data: an object of class OwnFunction cannot be stored"):
            VariationalClassifier(model=model).save(path)
        assert not path.exists()

    def test_classes_of_ones_own(self, path):
        class Mine(VariationalClassifier):
            pass

        with pytest.raises(TypeError, match="Mine"):
            Mine().save(path)
        with pytest.raises(TypeError, match="feature_map: an object of class"):
            VariationalClassifier(type("Mine", (AngleMap,), {})()).save(path)

    def test_gates_of_ones_own_class(self, path):
        class Strange(gates.Fixed):
            pass

        w = Parameter("w")
        model = QuantumModel(Circuit(1).rx(w, 0).append(Strange("s", np.eye(2))(0)), weights=w, observables=Z(0))
        with pytest.raises(TypeError, match="gate 's' is of a class of its own"):
            VariationalClassifier(model=model).save(path)

    def test_the_callback_is_left_out(self, path):
        VariationalClassifier(callback=print).save(path)
        assert load(path).callback is None


def in_version_1(header, arrays):
    """A file's content as the first release wrote it: model and readout apart, no network."""
    quantum, dense = header["learnt"].pop("network_")["layers"]
    header["learnt"]["model_"] = quantum["fields"]["model"]
    sizes = {"num_observables": dense["fields"]["num_inputs"], "num_outputs": dense["fields"]["num_outputs"]}
    header["learnt"]["readout_"] = {"type": "LinearReadout", "fields": sizes}
    return header, arrays


@pytest.mark.parametrize("estimator", [VariationalClassifier("zz", n_layers=2), VariationalRegressor("qaoa")], ids=str)
def test_files_of_version_1(estimator, path):
    estimator.set_params(epochs=2, random_state=0).fit(*IRIS).save(path)
    header, arrays = in_version_1(*read_container(path, kind="model", version=VERSION))
    write_container(path, header, arrays, kind="model", version=1)
    loaded = load(path)
    np.testing.assert_array_equal(loaded.predict(IRIS[0]), estimator.predict(IRIS[0]))
    np.testing.assert_array_equal(loaded.partial_fit(*IRIS).weights_, estimator.partial_fit(*IRIS).weights_)


class TestDamagedFiles:
    @pytest.fixture
    def saved(self, path):
        VariationalClassifier(epochs=1, random_state=0).fit(*IRIS).save(path)
        return path

    def test_truncated_empty_and_bit_flipped(self, saved):
        content = saved.read_bytes()
        broken = [content[:n] for n in (0, 1, 50, len(content) // 2, len(content) - 1)]
        for position in range(0, len(content), 97):
            broken.append(content[:position] + bytes([content[position] ^ 4]) + content[position + 1 :])
        for damaged in broken:
            saved.write_bytes(damaged)
            with pytest.raises(ModelFileError, match=r"model\.qumba"):
                load(saved)

    def test_pickles_are_not_opened(self, path):
        class Malicious:
            def __reduce__(self):
                return (path.with_name("executed").touch, ())

        path.write_bytes(pickle.dumps(Malicious()))
        with pytest.raises(ModelFileError):
            load(path)
        assert not path.with_name("executed").exists()

    @pytest.mark.parametrize(
        "change",
        [
            lambda h: h.update(estimator="Popen"),
            lambda h: h.update(estimator=None),
            lambda h: h.update(estimator=[]),
            lambda h: h["learnt"]["network_"]["layers"][0]["fields"]["model"]["fields"].pop("circuit"),
            lambda h: h["learnt"]["network_"]["layers"][0]["fields"].update(draw_weights="print"),
            lambda h: h["learnt"]["network_"]["layers"].reverse(),
            lambda h: h["learnt"]["network_"]["layers"].clear(),
            lambda h: h.pop("parameters"),
            lambda h: h["parameters"].update(shell=True),
            lambda h: h["parameters"].update(feature_map={"type": "Popen", "fields": {}}),
            lambda h: h["parameters"].update(optimizer={"type": "Adam", "fields": {"no_such_field": 1}}),
            lambda h: h["learnt"].update(weights_={"type": "array", "number": 999, "shape": [1]}),
            lambda h: h["learnt"].update(weights_={"type": "array", "number": 0, "shape": [123]}),
            lambda h: h.update(parameters=[]),
        ],
    )
    def test_contents_that_make_no_sense(self, saved, change):
        header, arrays = read_container(saved, kind="model", version=VERSION)
        change(header)
        write_container(saved, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match=r"model\.qumba"):
            load(saved)

    def test_a_later_version_names_both(self, saved):
        header, arrays = read_container(saved, kind="model", version=VERSION)
        write_container(saved, header, arrays, kind="model", version=VERSION + 1)
        with pytest.raises(ModelFileError, match=rf"version {VERSION + 1}.*reads up to version {VERSION}"):
            load(saved)

    def test_a_file_of_version_1_that_makes_no_sense(self, saved):
        header, arrays = in_version_1(*read_container(saved, kind="model", version=VERSION))
        header["learnt"]["readout_"].pop("fields")
        write_container(saved, header, arrays, kind="model", version=1)
        with pytest.raises(ModelFileError, match=r"model\.qumba"):
            load(saved)

    def test_no_file(self, path):
        with pytest.raises(FileNotFoundError):
            load(path)


def test_save_as_a_function(path):
    save(VariationalRegressor(n_layers=2), path)
    assert load(path).n_layers == 2
