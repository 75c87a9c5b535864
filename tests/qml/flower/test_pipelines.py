"""Pipelines through the Flower apps: transformers are fitted by the server to artificial rows, and sent as data."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer, StandardScaler

pytest.importorskip("flwr")

from flwr.serverapp.strategy import FedAvg

import qml
from qml import NetworkClassifier, NystroemFeatures, VariationalClassifier, VariationalRegressor
from qml.federated import AgreementError, Federation, QuorumError, SecureAggregation
from qml.flower import client_app, server_app
from qml.layers import Dense
from tests.qml.flower.local_grid import CLIENTS, NAMES, NODES, ROUNDING, X, Y, grid_of, run

NYSTROEM = make_pipeline(
    NystroemFeatures("angle", n_landmarks=10, random_state=0), NetworkClassifier(Dense(), learning_rate=0.1)
)
SCALED = make_pipeline(StandardScaler(), PCA(2), VariationalClassifier(n_layers=1))
NAMED = dict(zip(NAMES, CLIENTS, strict=True))


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        (SCALED, {}),
        (SCALED, {"strategy": "fedadam", "local_epochs": 2}),
        (SCALED, {"reference": (X[::5], Y[::5])}),
        (SCALED, {"secure": SecureAggregation(threshold=3)}),
        (NYSTROEM, {}),
        (NYSTROEM, {"secure": SecureAggregation(threshold=2)}),
        (make_pipeline("passthrough", MinMaxScaler(), VariationalRegressor(n_layers=1)), {}),
    ],
)
def test_the_result_is_that_of_one_process(model: object, settings: dict, tmp_path: Path) -> None:
    here = Federation(NAMED, rounds=2, random_state=4, **settings).fit(model)
    there = run(grid_of(model), model, tmp_path / "model.qumba", rounds=2, random_state=4, **settings)
    np.testing.assert_array_equal(there[-1].weights_, here[-1].weights_)
    np.testing.assert_array_equal(there.predict(X), here.predict(X))
    assert [type(step) for step in there] == [type(step) for step in here]


def test_columns_with_names(tmp_path: Path) -> None:
    data = load_iris(as_frame=True).data
    clients = [(data[k::3], Y[k::3]) for k in range(3)]
    columns = [("scaled", StandardScaler(), list(data.columns[:2])), ("kept", "passthrough", list(data.columns[2:]))]
    model = make_pipeline(ColumnTransformer(columns), VariationalClassifier(n_layers=1))
    settings = {"rounds": 1, "random_state": 1, "reference": (data[::5], Y[::5])}
    here = Federation(dict(zip(NAMES, clients, strict=True)), **settings).fit(model)
    there = run(grid_of(model, clients), model, tmp_path / "model.qumba", **settings)
    np.testing.assert_array_equal(there[-1].weights_, here[-1].weights_)
    np.testing.assert_array_equal(there.predict(data), here.predict(data))


def test_flowers_own_strategies(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), PCA(2), VariationalClassifier(n_layers=1, batch_size="full"))
    settings = {"rounds": 2, "random_state": 4}
    here = Federation(NAMED, **settings).fit(model)
    strategy = FedAvg(fraction_evaluate=1.0)
    there = run(grid_of(model), model, tmp_path / "model.qumba", strategy, **settings)
    np.testing.assert_allclose(there[-1].weights_, here[-1].weights_, rtol=0, atol=ROUNDING)
    np.testing.assert_array_equal(there.predict(X), here.predict(X))


def test_clients_use_their_own_transformers_only(tmp_path: Path) -> None:
    other = make_pipeline(StandardScaler(), PCA(2, whiten=True), VariationalClassifier(n_layers=1))
    with pytest.raises(AgreementError, match=r"client 'south' uses PCA.*asked for PCA.*differs in \['whiten'\]"):
        run(grid_of(SCALED, own={"south": other}), SCALED, tmp_path / "model.qumba", rounds=1)
    fewer = SCALED[-1]
    with pytest.raises(
        AgreementError, match="client 'south' has 0 transformers before its estimator, the server sent 2"
    ):
        run(grid_of(SCALED, own={"south": fewer}), SCALED, tmp_path / "model.qumba", rounds=1)
    with pytest.raises(QuorumError, match="has 2 transformers before its estimator, the server sent 0"):
        run(grid_of(SCALED), fewer, tmp_path / "model.qumba", rounds=1)


def test_settings_of_its_own_stay_with_a_client(tmp_path: Path) -> None:
    verbose = make_pipeline(StandardScaler(), PCA(2), VariationalClassifier(n_layers=1, verbose=True))
    there = run(grid_of(SCALED, own={"south": verbose}), SCALED, tmp_path / "model.qumba", rounds=1, quorum=3)
    assert not there[-1].verbose


def test_what_no_model_file_holds_is_named_before_anything_runs() -> None:
    with pytest.raises(TypeError, match="an object of class PowerTransformer cannot be stored in a model file"):
        server_app(make_pipeline(PowerTransformer(), VariationalClassifier()), path="model.qumba")
    for app in (lambda model: server_app(model, path="model.qumba"), lambda model: client_app(model, X, Y)):
        with pytest.raises(TypeError, match="a federation trains an estimator of qml that trains a network"):
            app(make_pipeline(StandardScaler(), qml.QuantumKernelClassifier()))


def test_nothing_is_asked_twice(tmp_path: Path) -> None:
    grid = grid_of(SCALED)
    run(grid, SCALED, tmp_path / "model.qumba", rounds=1)
    kinds = [kind for _, kind in grid.sent]
    queries = ["query.describe", "query.moments", "query.describe", "query.moments", "train.change"]
    assert kinds == [kind for kind in queries for _ in NODES]
