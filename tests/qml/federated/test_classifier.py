import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml import VariationalClassifier
from qml.federated import FederatedClassifier, Federation, GaussianMechanism, dirichlet_split
from qml.losses import Hinge

X, Y = load_iris(return_X_y=True)
SMALL = VariationalClassifier(n_layers=1, learning_rate=0.2)


@parametrize_with_checks([FederatedClassifier(SMALL, n_clients=2, rounds=15, local_epochs=2, random_state=0)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_checks(estimator, check):
    check(estimator)


def test_it_is_a_split_and_a_federation():
    clf = FederatedClassifier(SMALL, 4, "dirichlet", 0.5, strategy="fedprox", rounds=3, random_state=0).fit(X, Y)
    rng = np.random.RandomState(0)
    federation = Federation(dirichlet_split(X, Y, 4, 0.5, rng), "fedprox", rounds=3, random_state=rng)
    np.testing.assert_array_equal(clf.estimator_.weights_, federation.fit(SMALL).weights_)
    np.testing.assert_array_equal(clf.predict_proba(X), clf.estimator_.predict_proba(X))
    assert [len(client[1]) for client in clf.federation_.clients] == [len(client[1]) for client in federation.clients]


@pytest.mark.parametrize("split", ["iid", "quantity", "feature"])
def test_other_splits_and_tables(split):
    table = pd.DataFrame(X, columns=list("abcd"))
    clf = FederatedClassifier(SMALL, 3, split, rounds=8, local_epochs=4, random_state=0).fit(table, Y)
    assert clf.score(table, Y) > 0.8
    assert list(clf.feature_names_in_) == list("abcd")


def test_privacy_and_cross_validation():
    clf = FederatedClassifier(SMALL, 3, rounds=2, privacy=GaussianMechanism(noise=2.0), random_state=0)
    assert clf.fit(X, Y).epsilon_ == clf.history_[-1].epsilon < np.inf
    scores = cross_val_score(FederatedClassifier(SMALL, 3, rounds=10, local_epochs=2, random_state=0), X, Y, cv=3)
    assert scores.mean() > 0.8


def test_methods_are_those_of_the_model():
    assert not hasattr(FederatedClassifier(VariationalClassifier(loss=Hinge())), "predict_proba")
    assert hasattr(FederatedClassifier(), "predict_proba")


def test_a_resumed_run_needs_its_split(tmp_path):
    with pytest.raises(ValueError, match="resume needs an integer random_state"):
        FederatedClassifier().fit(X, Y, resume=tmp_path / "a")
    with pytest.raises(ValueError, match="unknown split 'dirichlett'"):
        FederatedClassifier(split="dirichlett").fit(X, Y)
    settings = {"estimator": SMALL, "n_clients": 3, "random_state": 0}
    FederatedClassifier(**settings, rounds=2).fit(X, Y, resume=tmp_path / "a")
    resumed = FederatedClassifier(**settings, rounds=4).fit(X, Y, resume=tmp_path / "a")
    whole = FederatedClassifier(**settings, rounds=4).fit(X, Y)
    np.testing.assert_array_equal(resumed.estimator_.weights_, whole.estimator_.weights_)
