"""Weight decay: as AdamW has it, given or chosen on held-out rows."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_score

from qml import SGD, AdamW, NetworkRegressor, ReuploadingClassifier, VariationalClassifier, VariationalRegressor, load
from qml.layers import Dense, Sequential

SMALL = {"n_qubits": 2, "n_layers": 1, "epochs": 4, "random_state": 0}


@pytest.fixture(scope="module")
def waves():
    x = np.linspace(-2, 2, 40)[:, None]
    return x, np.sin(2 * x[:, 0])


def test_a_given_decay_is_that_of_adamw(waves):
    ours = VariationalRegressor(weight_decay=0.2, **SMALL).fit(*waves)
    optimizer = AdamW(learning_rate=0.05, weight_decay=0.2)
    theirs = VariationalRegressor(optimizer=optimizer, weight_decay=0.0, **SMALL).fit(*waves)
    np.testing.assert_array_equal(ours.weights_, theirs.weights_)
    assert ours.weight_decay_ == 0.2


def test_noise_is_shrunk_and_a_clean_curve_is_not(waves):
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(80, 6)), rng.normal(size=80)
    settings = {"n_qubits": 4, "n_layers": 2, "batch_size": 16, "random_state": 0}
    assert VariationalRegressor(**settings).fit(*noise).weight_decay_ > 0
    assert VariationalRegressor(**settings).fit(*waves).weight_decay_ == 0


@pytest.mark.slow
def test_the_default_regressor_is_near_ridge_on_diabetes():
    X, y = load_diabetes(return_X_y=True)
    folds = KFold(5, shuffle=True, random_state=0)
    ours, ridge = (
        cross_val_score(regressor, X, y, cv=folds).mean()
        for regressor in (VariationalRegressor(random_state=0), RidgeCV(np.logspace(-3, 3, 13)))
    )
    assert ours > ridge - 0.05


def test_classifiers_have_none_by_default(waves):
    assert VariationalClassifier(**SMALL).fit(waves[0], waves[1] > 0).weight_decay_ == 0


@pytest.mark.parametrize(
    ("optimizer", "n_qubits", "expected"),
    [("adam", 4, 0.1), ("adam", None, 0.1), ("adam", 3, 0.0), ("sgd", 4, 0.0), (AdamW(), 4, 0.0), ("bfgs", 4, 0.0)],
)
def test_re_uploading_decays_by_default_where_the_optimizer_can(waves, optimizer, n_qubits, expected):
    x, _ = waves
    settings = SMALL | {"optimizer": optimizer, "n_qubits": n_qubits}
    clf = ReuploadingClassifier(**settings).fit(x, x[:, 0] > 0)
    same = ReuploadingClassifier(weight_decay=expected, **settings).fit(x, x[:, 0] > 0)
    assert clf.weight_decay_ == expected
    np.testing.assert_array_equal(clf.weights_, same.weights_)
    again = ReuploadingClassifier(**settings).partial_fit(x, x[:, 0] > 0, classes=[False, True])
    assert again.weight_decay_ == expected


def test_none_is_no_decay_for_other_classifiers(waves):
    assert VariationalClassifier(weight_decay=None, **SMALL).fit(waves[0], waves[1] > 0).weight_decay_ == 0


def test_what_cannot_be_decayed_is_left_alone_or_refused(waves):
    assert VariationalRegressor(optimizer="bfgs", **SMALL).fit(*waves).weight_decay_ == 0
    assert VariationalRegressor(optimizer=SGD(), **SMALL).fit(*waves).weight_decay_ == 0
    with pytest.raises(ValueError, match=r"weight_decay=0.1 goes with optimizer='adam'.*got SGD"):
        VariationalRegressor(optimizer="sgd", weight_decay=0.1, **SMALL).fit(*waves)
    with pytest.raises(ValueError, match="weight_decay expects a finite number of 0 or more, got -1"):
        VariationalRegressor(weight_decay=-1, **SMALL).fit(*waves)


def test_a_resumed_run_chooses_the_same(waves, tmp_path):
    X, y = waves[0], waves[1] + np.random.default_rng(1).normal(size=40)
    settings = SMALL | {"schedule": "constant"}
    once = VariationalRegressor(**settings).fit(X, y)
    VariationalRegressor(**settings | {"epochs": 2}).fit(X, y, resume=tmp_path / "run")
    again = VariationalRegressor(**settings).fit(X, y, resume=tmp_path / "run")
    assert again.weight_decay_ == once.weight_decay_
    np.testing.assert_array_equal(again.weights_, once.weights_)


def test_files_keep_the_choice(waves, tmp_path):
    reg = VariationalRegressor(**SMALL).fit(*waves)
    reg.save(tmp_path / "model")
    assert load(tmp_path / "model").weight_decay_ == reg.weight_decay_


def test_a_strong_decay_keeps_a_network_small(waves):
    sizes = [
        np.linalg.norm(
            NetworkRegressor(Sequential(Dense(1, 1)), weight_decay=decay, random_state=0).fit(*waves).weights_
        )
        for decay in (0.0, 10.0)
    ]
    assert sizes[1] < 0.5 * sizes[0]
