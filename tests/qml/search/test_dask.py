"""Trials on a cluster, here one of two processes on this machine."""

import pytest
from joblib import parallel_config
from sklearn.datasets import load_iris

from qml.search import QuantumSearchCV

distributed = pytest.importorskip("distributed")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_trials_run_on_a_cluster() -> None:
    X, y = load_iris(return_X_y=True)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
    ):
        with parallel_config(backend="dask"):
            search = QuantumSearchCV(n_trials=6, cv=2, models=["KitchenSinks"], random_state=0).fit(X, y)
        assert cluster.scheduler.cumulative_worker_metrics, "the workers did nothing"
    assert [record.number for record in search.trials_] == list(range(6))
    assert all(record.complete for record in search.trials_)
    assert search.score(X, y) > 0.9
