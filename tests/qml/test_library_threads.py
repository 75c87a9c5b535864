"""Contexts in which libraries use one thread, and who uses them."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from qml import ReservoirForecaster
from qml.library_threads import one_blas_thread, one_library_thread


def blas_threads():
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.mark.parametrize("context", [one_blas_thread, one_library_thread])
def test_one_thread_inside_and_as_many_as_before_outside(context):
    before = blas_threads()
    with context():
        assert blas_threads() == {1}
    assert blas_threads() == before


@pytest.mark.parametrize("context", [one_blas_thread, one_library_thread])
def test_the_limit_ends_with_the_last_of_overlapping_contexts(context):
    before = blas_threads()
    first, second = one_blas_thread(), context()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert blas_threads() == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before


@pytest.mark.parametrize(("num_qubits", "limited"), [(6, True), (7, False)])
def test_small_reservoirs_are_prepared_on_one_thread(num_qubits, limited, monkeypatch):
    seen, eigh, before = [], np.linalg.eigh, blas_threads()
    monkeypatch.setattr(np.linalg, "eigh", lambda matrix: (seen.append(blas_threads()), eigh(matrix))[1])
    ReservoirForecaster(n_qubits=num_qubits, virtual_nodes=1, washout=0, random_state=0).fit(np.sin(np.arange(20.0)))
    assert seen == [{1} if limited else before]
