"""Tiles of kernel matrices on a cluster, here one of two processes on this machine."""

import numpy as np
import pytest
from joblib import parallel_config

import qml.kernels.kernel
from qml.kernels import FidelityKernel

distributed = pytest.importorskip("distributed")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_the_same_bits_on_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qml.kernels.kernel, "_TILE", 100)
    X = np.random.default_rng(0).uniform(-1.0, 1.0, (230, 5))
    Y = X[:110] + 0.1
    kernel = FidelityKernel("zz", reps=2)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        distributed.Client(cluster),
    ):
        with parallel_config(backend="dask"):
            square, rectangle = kernel(X), kernel(X, Y)
        tasks = cluster.scheduler.cumulative_worker_metrics
        assert tasks, "the workers did nothing"
    np.testing.assert_array_equal(square, kernel(X))
    np.testing.assert_array_equal(rectangle, kernel(X, Y))
