"""Tiles of kernel matrices and trials of a search on a cluster, here one of two processes on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.datasets import load_iris

import qml.kernels.kernel
from qml.kernels import FidelityKernel
from qml.search import QuantumSearchCV

distributed = pytest.importorskip("distributed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster that calculations on the backend "dask" of joblib run on; its processes import the packages once."""
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


@contextmanager
def worked(cluster: Any) -> Iterator[None]:
    """A block whose parallel calls go to the cluster, which must have had tasks in the end."""
    before = cluster.scheduler.transition_counter
    with parallel_config(backend="dask"):
        yield
    assert cluster.scheduler.transition_counter > before, "the workers did nothing"


def test_kernel_matrices_have_the_same_bits(monkeypatch: pytest.MonkeyPatch, cluster: Any) -> None:
    monkeypatch.setattr(qml.kernels.kernel, "_TILE", 100)
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (230, 5))
    Y = X[:110] + 0.1
    kernel = FidelityKernel("zz", reps=2)
    with worked(cluster):
        square, rectangle = kernel(X), kernel(X, Y)
    np.testing.assert_array_equal(square, kernel(X))
    np.testing.assert_array_equal(rectangle, kernel(X, Y))


def test_trials_run_on_a_cluster(cluster: Any) -> None:
    X, y = load_iris(return_X_y=True)
    with worked(cluster):
        search = QuantumSearchCV(n_trials=6, cv=2, models=["KitchenSinks"], random_state=0).fit(X, y)
    assert [record.number for record in search.trials_] == list(range(6))
    assert all(record.complete for record in search.trials_)
    assert search.score(X, y) > 0.9
