"""Model files of kernel estimators: what comes back predicts bit for bit what was saved."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC

import qml
from qml import NystroemFeatures, RandomQuantumFeatures
from qml.estimators import kernel_methods as kernel_estimators
from qml.feature_maps import PauliMap
from qml.files.container import ModelFileError, read_container, write_container
from qml.kernels import RBF, ClassicalKernel, FidelityKernel, Polynomial, ProjectedKernel, TrainedKernel
from qml.persistence.estimators import VERSION
from simulator import Circuit, ParameterVector, Z
from simulator import X as PauliX

X, Y = load_iris(return_X_y=True)
METHODS = ("predict", "predict_proba", "decision_function", "score_samples", "transform")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.qumba"


def assert_comes_back(estimator, path):
    estimator.save(path)
    loaded = qml.load(path)
    assert type(loaded) is type(estimator)
    for method in METHODS:
        if hasattr(estimator, method):
            np.testing.assert_array_equal(getattr(loaded, method)(X), getattr(estimator, method)(X), strict=True)
    return loaded


@pytest.mark.parametrize("name", kernel_estimators.__all__)
def test_every_estimator(name, path):
    estimator = getattr(kernel_estimators, name)(random_state=0)
    y = np.array(["a", "b", "c"])[Y] if hasattr(estimator, "predict_proba") else X[:, 2]
    loaded = assert_comes_back(estimator.fit(X, y), path)
    if hasattr(estimator, "labels_"):
        np.testing.assert_array_equal(loaded.labels_, estimator.labels_)
    np.testing.assert_array_equal(getattr(loaded.fit(X, y), "basis_", 0), getattr(estimator, "basis_", 0))


def own_circuit():
    x = ParameterVector("x", 4)
    return Circuit(2).ry(x[0], 0).ry(2 * x[1], 1).cx(0, 1).rz(x[2], 0).ry(x[3], 1)


@pytest.mark.parametrize(
    "kernel",
    [
        "projected",
        "trained",
        "rbf",
        ClassicalKernel("polynomial", degree=2),
        FidelityKernel("iqp", reps=1, bandwidth="auto"),
        FidelityKernel(PauliMap(("Z", "YY")), bandwidth=np.array([0.1, 0.2, 0.3, 0.4]), precision="single"),
        ProjectedKernel("zz", order=2, outer="linear", bandwidth=0.2),
        TrainedKernel(FidelityKernel("angle"), epochs=2, random_state=0),
        FidelityKernel(own_circuit()),
        0.5 * RBF() + FidelityKernel("zz", bandwidth="auto") * Polynomial(2),
        (ProjectedKernel("iqp", bandwidth=0.2) + FidelityKernel("angle", precision="single") ** 2) ** 2,
        TrainedKernel(RBF() * FidelityKernel("qaoa", random_state=0), train="both", epochs=2, random_state=0),
    ],
    ids=str,
)
def test_every_kernel(kernel, path):
    loaded = assert_comes_back(qml.QuantumKernelClassifier(kernel, random_state=0).fit(X, Y), path)
    assert repr(loaded.kernel) == repr(kernel)


def test_return_std_comes_back(path):
    process = qml.QuantumGaussianProcessRegressor().fit(X[:, :3], X[:, 3])
    process.save(path)
    for a, b in zip(*(p.predict(X[:, :3], return_std=True) for p in (process, qml.load(path))), strict=True):
        np.testing.assert_array_equal(a, b)


def test_not_fitted(path):
    qml.QuantumKernelClassifier(FidelityKernel("zz", reps=3), C=7).save(path)
    loaded = qml.load(path)
    assert (loaded.C, loaded.kernel.get_params()["reps"]) == (7, 3)
    assert not hasattr(loaded, "basis_")


def test_forged_settings_of_composite_kernels_are_refused(path):
    for kernel, setting, value in ((0.5 * RBF(), "scale", -1.0), (RBF() ** 2, "exponent", 0.5)):
        qml.QuantumKernelClassifier(kernel).save(path)
        header, arrays = read_container(path, kind="model", version=VERSION)
        header["parameters"]["kernel"]["parameters"][setting] = value
        write_container(path, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match=f"{setting} expects"):
            qml.load(path)


class TestDamagedFiles:
    @pytest.fixture
    def saved(self, path):
        qml.QuantumKernelClassifier().fit(X, Y).save(path)
        return path

    def test_truncated_empty_and_bit_flipped(self, saved):
        content = saved.read_bytes()
        for damaged in (b"", content[:100], content[:-1], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]):
            saved.write_bytes(damaged)
            with pytest.raises(ModelFileError, match=r"model\.qumba"):
                qml.load(saved)

    @pytest.mark.parametrize(
        "change",
        [
            lambda h: h["learnt"]["kernel_"].update(type="Popen"),
            lambda h: h["learnt"]["kernel_"].pop("parameters"),
            lambda h: h["learnt"]["kernel_"]["parameters"].update(precision={"type": "array", "number": 999}),
            lambda h: h["learnt"]["kernel_"].update(learnt=[]),
            lambda h: h["learnt"]["kernel_"].update(type="SumKernel"),
            lambda h: h["learnt"].update(basis_={"type": "records", "fields": {"k1": h["learnt"]["basis_"], "k2": 3}}),
        ],
    )
    def test_contents_that_make_no_sense(self, saved, change):
        header, arrays = read_container(saved, kind="model", version=VERSION)
        change(header)
        write_container(saved, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match=r"model\.qumba"):
            qml.load(saved)


def test_kernels_of_ones_own_can_not_be_stored(path):
    class Mine(FidelityKernel):
        pass

    with pytest.raises(TypeError, match="kernel: an object of class Mine cannot be stored"):
        qml.QuantumKernelClassifier(Mine()).save(path)


@pytest.mark.parametrize(
    "features",
    [
        NystroemFeatures(n_landmarks=20, random_state=0),
        NystroemFeatures(ProjectedKernel("zz", bandwidth=0.1), n_landmarks=9, selection="kmeans", random_state=0),
        NystroemFeatures("rbf", n_landmarks=9, selection="leverage", random_state=0),
        NystroemFeatures(RBF() + FidelityKernel("zz", bandwidth=0.1), n_landmarks=9, random_state=0),
        RandomQuantumFeatures(16, random_state=0),
        RandomQuantumFeatures(7, circuit=own_circuit(), observables=[Z(0), PauliX(0) @ Z(1)], random_state=0),
    ],
    ids=str,
)
class TestApproximations:
    def test_come_back(self, features, path):
        loaded = assert_comes_back(features.fit(X), path)
        np.testing.assert_array_equal(loaded.fit(X).transform(X), features.transform(X))

    def test_in_a_pipeline_with_a_linear_model(self, features, path):
        model = make_pipeline(StandardScaler(), features, LogisticRegression(max_iter=2000)).fit(X, Y)
        qml.save(model, path)
        loaded = qml.load(path)
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
        assert list(loaded.named_steps) == list(model.named_steps)


@pytest.mark.parametrize(
    "scaler", [StandardScaler(), MinMaxScaler((-1, 1)), RobustScaler(), PCA(2), "passthrough", None]
)
@pytest.mark.parametrize(
    "last",
    [LogisticRegression(), LinearSVC(), Ridge(), LinearRegression(), qml.QuantumKernelClassifier(random_state=0)],
)
def test_steps_of_pipelines(scaler, last, path):
    model = make_pipeline(scaler, last, memory=None).fit(pd.DataFrame(X / 10, columns=list("abcd")), Y)
    qml.save(model, path)
    frame = pd.DataFrame(X[::3] / 10, columns=list("abcd"))
    np.testing.assert_array_equal(qml.load(path).predict(frame), model.predict(frame))


class TestPipelinesThatCanNotBeStored:
    def test_other_steps(self, path):
        with pytest.raises(TypeError, match="parameter steps: an object of class GaussianNB cannot be stored"):
            qml.save(make_pipeline(StandardScaler(), GaussianNB()), path)
        assert not path.exists()

    def test_a_class_of_the_same_name(self, path):
        mine = type("StandardScaler", (StandardScaler,), {})()
        with pytest.raises(TypeError, match="of class StandardScaler cannot be stored"):
            qml.save(make_pipeline(mine, LogisticRegression()), path)

    def test_code_is_not_read(self, path):
        qml.save(make_pipeline(StandardScaler(), LogisticRegression()), path)
        header, arrays = read_container(path, kind="model", version=VERSION)
        header["parameters"]["steps"][0]["entries"][1]["type"] = "FunctionTransformer"
        write_container(path, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match="make no sense"):
            qml.load(path)

    def test_folders_are_left_out(self, path, tmp_path):
        qml.save(make_pipeline(PCA(2), LogisticRegression(), memory=str(tmp_path)), path)
        assert qml.load(path).memory is None

    def test_of_a_newer_scikit_learn(self, path):
        qml.save(make_pipeline(StandardScaler(), LogisticRegression()), path)
        header, arrays = read_container(path, kind="model", version=VERSION)
        header["scikit_learn"] = "99.1.0"
        write_container(path, header, arrays, kind="model", version=VERSION)
        with pytest.raises(ModelFileError, match=r"scikit-learn 99\.1\.0, newer than the \d"):
            qml.load(path)


def test_damaged_and_newer_files_of_approximations(path):
    NystroemFeatures(n_landmarks=5).fit(X).save(path)
    content = path.read_bytes()
    for damaged in (b"", content[:100], content[:-1], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]):
        path.write_bytes(damaged)
        with pytest.raises(ModelFileError, match=r"model\.qumba"):
            qml.load(path)
    header, arrays = (path.write_bytes(content), read_container(path, kind="model", version=VERSION))[1]
    write_container(path, header, arrays, kind="model", version=VERSION + 1)
    with pytest.raises(ModelFileError, match="version"):
        qml.load(path)
