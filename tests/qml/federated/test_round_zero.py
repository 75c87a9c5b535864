import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import (
    BoltzmannClassifier,
    DressedClassifier,
    NetworkClassifier,
    NystroemFeatures,
    QuanvolutionClassifier,
    RandomQuantumFeatures,
    ReuploadingClassifier,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.federated import AgreementError, Federation, dirichlet_split
from qml.layers import Dense
from tests.qml.federated import flat_models as flat

SAME = {"rtol": 1e-9, "atol": 1e-9}

MODELS = {
    "angles": VariationalClassifier(n_layers=1),
    "weights of balanced classes": VariationalClassifier(n_layers=1, class_weight="balanced"),
    "amplitudes": VariationalClassifier("amplitude", n_layers=1, n_qubits=2),
    "components": VariationalClassifier(n_layers=1, n_qubits=2, reduction="components"),
    "dressed": DressedClassifier(),
    "reuploading": ReuploadingClassifier(),
    "boltzmann": BoltzmannClassifier(),
    "network": NetworkClassifier(),
    "without scaling": VariationalClassifier(n_layers=1, scale_features=False),
}


@pytest.mark.filterwarnings("ignore:.*principal components")
@pytest.mark.parametrize("name", MODELS)
def test_scaling_and_first_weights_are_those_of_one_place(name):
    X, y = load_iris(return_X_y=True)
    model = MODELS[name].set_params(random_state=0, epochs=0)
    with pytest.warns(match="epochs is 0"):
        alone = model.fit(X, y)
    federation = Federation(dirichlet_split(X, y, 4, 1.0, 0), rounds=1, random_state=0)
    together = federation.fit(model.set_params(learning_rate=1e-300))
    np.testing.assert_allclose(together.scaling_.mean, alone.scaling_.mean, **SAME)
    np.testing.assert_allclose(together.scaling_.factor, alone.scaling_.factor, **SAME)
    np.testing.assert_allclose(together.weights_, alone.weights_, **SAME)


def test_components_of_bent_features_are_shared_and_close():
    """The dense layer starts as the components of features behind an arctangent, of which round 0 has no moments."""
    X, y = load_iris(return_X_y=True)
    model = VariationalClassifier(n_layers=1, n_qubits=2, random_state=0, learning_rate=1e-300)
    alone = model.fit(X, y)
    together = Federation(dirichlet_split(X, y, 4, 1.0, 0), rounds=1, random_state=0).fit(model)
    np.testing.assert_allclose(together.scaling_.factor, alone.scaling_.factor, **SAME)
    assert np.abs(together.weights_ - alone.weights_).max() < 0.1


def test_targets_of_a_regressor_are_scaled_together():
    X, _ = load_iris(return_X_y=True)
    Y = np.column_stack([X[:, 0] ** 2, 100 + X[:, 1]])
    together = Federation([(X[:30], Y[:30]), (X[30:], Y[30:])], rounds=1, random_state=0).fit(VariationalRegressor())
    np.testing.assert_allclose(together.target_mean_, Y.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(together.target_scale_, Y.std(axis=0), rtol=1e-10)


def test_images_and_labels_of_their_own_kind():
    rng = np.random.default_rng(0)
    images, labels = rng.uniform(size=(24, 4, 4)), np.repeat(["cat", "dog"], 12)
    clients = [(images[::2], labels[::2]), (images[1::2], labels[1::2])]
    clf = Federation(clients, rounds=1, random_state=0).fit(QuanvolutionClassifier())
    assert set(clf.predict(images)) <= {"cat", "dog"}
    several = np.column_stack([labels == "cat", images[:, 0, 0] > 0.5]).astype(int)
    flat_images = images.reshape(24, 16)[:, :4]
    clf = Federation([(flat_images, several), (flat_images, several)], rounds=1, random_state=0).fit(
        VariationalClassifier(n_layers=1)
    )
    assert clf.predict(flat_images).shape == (24, 2)


@pytest.mark.parametrize(
    "features",
    [
        (NystroemFeatures("angle", n_landmarks=30, random_state=0),),
        (RandomQuantumFeatures(random_state=0),),
        (StandardScaler(), PCA(3)),
    ],
    ids=["nystroem", "random features", "scikit-learn"],
)
def test_fixed_features_with_a_linear_model(features):
    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :4] / X[:, :4].max(axis=0)
    clients = dirichlet_split(X, y, 3, 5.0, 0)
    model = make_pipeline(*features, NetworkClassifier(Dense(), learning_rate=0.1))
    pipeline = Federation(clients, rounds=10, local_epochs=3, random_state=0).fit(model, validation_data=(X, y))
    assert pipeline.score(X, y) > 0.85
    again = Federation(clients, rounds=10, local_epochs=3, random_state=0).fit(model)
    np.testing.assert_array_equal(again[-1].weights_, pipeline[-1].weights_)


def test_no_row_is_a_landmark():
    """Landmarks are drawn from artificial rows, so that they give no client's row away."""
    X, y = load_iris(return_X_y=True)
    model = make_pipeline(NystroemFeatures("angle", n_landmarks=20, random_state=0), NetworkClassifier(Dense()))
    pipeline = Federation([(X[:75], y[:75]), (X[75:], y[75:])], rounds=1, random_state=0).fit(model)
    distances = np.abs(pipeline[0].landmarks_[:, None] - X).max(axis=2)
    assert distances.min() > 1e-3


class Spy:
    """Plain sum that notes what it was asked for."""

    def __init__(self):
        self.rounds, self.largest = [], 0.0

    def sum(self, vectors, *, round, dropped=()):
        self.rounds.append(round)
        self.largest = max(self.largest, *(np.abs(vector).max() for vector in vectors.values()))
        return np.sum([vector for name, vector in vectors.items() if name not in dropped], axis=0)


def test_statistics_and_updates_pass_through_the_secure_sum():
    X, y = flat.rows()
    X = 1e6 * X
    clients = flat.unequal_clients(X, y)
    spy = Spy()
    model = NetworkClassifier(Dense(), random_state=0)
    secure = Federation(clients, rounds=4, dropout_rate=0.3, secure=spy, random_state=1).fit(model)
    open_one = Federation(clients, rounds=4, dropout_rate=0.3, random_state=1).fit(model)
    np.testing.assert_allclose(secure.weights_, open_one.weights_, rtol=1e-12)
    assert spy.rounds == [-1, 1, 2, 3, 4]  # no number twice, or masks would be used twice
    assert spy.largest <= 1.0


def test_public_rows_in_place_of_sums():
    X, y = load_iris(return_X_y=True)
    spy = Spy()
    federation = Federation([(X, y)], rounds=1, reference=(X[::3], y[::3]), secure=spy, random_state=0)
    clf = federation.fit(VariationalClassifier(n_layers=1))
    np.testing.assert_allclose(clf.scaling_.mean, X[::3].mean(axis=0), rtol=1e-12)
    assert spy.rounds == [1]
    with pytest.raises(AgreementError, match=r"client 'client 0' has the classes \[2\]"):
        Federation([(X, y)], reference=(X[:100], y[:100])).fit(VariationalClassifier())


def table(X, names):
    return pd.DataFrame(X[:, : len(names)], columns=names)


X, Y = load_iris(return_X_y=True)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ((table(X, ["b", "a"]), Y), "client 'b' has the features in another order than client 'a': column 0 is 'b'"),
        ((table(X, ["a", "c"]), Y), "client 'b' has other features than client 'a': column 1 is 'c' instead of 'b'"),
        ((X[:, :2], Y), "client 'a' has column names and client 'b' has none"),
        ((X, Y), r"client 'b' has rows of shape \(4,\), client 'a' of \(2,\)"),
        ((table(X, ["a", "b"]), Y.astype(str)), "client 'b' has labels such as '0', client 'a' such as"),
        ((table(X, ["a", "b"]), np.where(Y == 2, 9, Y)), r"client 'b' has the classes \[9\], which are not among"),
        ((table(X, ["a", "b"]), np.where(Y == 2, np.nan, Y)), "client 'b': y contains NaN"),
        ((table(X, ["a", "b"]).replace(X[0, 0], np.inf), Y), "client 'b': column 0 of X contains NaN or infinity"),
        ((table(X, ["a", "b"]).astype(str) + "x", Y), "client 'b': X and y must be numbers"),
        ((table(X, ["a", "b"]), Y[:-1]), "client 'b': expected one or more rows and as many targets"),
        ((table(X, ["a", "b"])[:0], Y[:0]), "client 'b': expected one or more rows"),
        ((table(X, ["a", "b"]), np.column_stack([Y, Y])), "client 'b' has 2 columns of y, client 'a' 1"),
    ],
)
def test_a_client_that_differs_is_named(other, message):
    clients = {"a": (table(X, ["a", "b"]), Y), "b": other}
    with pytest.raises(AgreementError, match=message):
        Federation(clients, rounds=1, classes=[0, 1, 2]).fit(VariationalClassifier(n_layers=1))


def test_clients_with_one_class_agree_on_all_classes():
    parts = [(X[rows], Y[rows]) for rows in np.split(np.arange(150), 3)]
    clf = Federation(parts, rounds=1, random_state=0).fit(VariationalClassifier(n_layers=1))
    np.testing.assert_array_equal(clf.classes_, [0, 1, 2])
    with pytest.raises(AgreementError, match="all clients together have one"):
        Federation(parts[:1]).fit(VariationalClassifier())
    clf = Federation({"a": (table(X, ["a", "b"]), Y)}, rounds=1).fit(VariationalClassifier(n_layers=1))
    assert list(clf.feature_names_in_) == ["a", "b"]
