"""Calls of kernels as data, and loops over them: arguments of every kind arrive, and a refusal ends the loop."""

import math
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from simulator.engines.numba import loops, threads
from simulator.engines.numba.jit import bridged, kernel
from simulator.engines.numba.jit.bridges import table_of
from simulator.engines.numba.kernels.loops import _is_trial, _pays, _record_duration
from simulator.engines.numba.layout.queues import ALONE, PAYS, SHARED, TRIAL
from simulator.engines.numba.loops import Call, Loop, RowCalls, clear
from tests.simulator.row_calls import on_rows


@bridged
def collect(numbers, nothing, tables, flag, integer, real, out):
    (first, second), third = numbers
    single, double = tables
    out[0], out[1], out[2] = first, second, third
    out[3], out[4] = single[1, 0], double[2].imag
    out[5] = 1.0 if flag else 0.0
    out[6], out[7] = integer, real
    out[8] = 1.0 if nothing is None else 0.0


@bridged
def below(place, bound, seen):
    seen[place[0]] += 1
    return place[0] < bound


@bridged
def scaled(factor, columns, X, halves, out):
    """Row by row: its share of the columns, and the sum of the row of X."""
    for i in range(len(X)):
        if X[i, 0] < 0.0:
            return False
        total = 0.0
        for j in range(X.shape[1]):
            total += X[i, j] * columns[j]
        out[i] = factor * total
    for i in range(len(halves)):
        halves[i] = 0.5 * out[i >> 1] + (i & 1)
    return True


@kernel
def without_bridge(seen):
    seen[0] = 1


def place():
    return np.zeros(1, np.int64)


@pytest.mark.parametrize("flag", [True, False])
def test_arguments_of_every_kind_arrive(flag):
    single, double, out = np.eye(3, dtype=np.float32) * 7, np.arange(4) * 2j, np.empty(9)
    single[1, 0] = 0.5
    call = Call(collect, ((1.5, -2.0), 3), None, (single, double), flag, -(1 << 62), math.pi, out)
    Loop([call], place()).run(1)
    assert out.tolist() == [1.5, -2.0, 3.0, 0.5, 4.0, float(flag), -(2.0**62), math.pi, 1.0]


def calls_on_rows(n):
    """Two calls, of which the second one takes what the first one fills; their arrays."""
    X, columns, halves, sums = (
        np.random.default_rng(n).uniform(size=(n, 3)),
        np.array([1.0, 2.0, 0.3]),
        *np.empty((2, n, 2)),
    )
    first, second = halves.reshape(-1), sums.reshape(-1)
    middle, out = np.empty(n), np.empty(n)
    calls = [
        Call(scaled, 2.0, columns, X, first, middle, rows=n, of_rows=(X, first, middle)),
        Call(scaled, 3.0, columns[:2].copy(), halves, second, out, rows=n, of_rows=(halves, second, out)),
    ]
    return calls, X, (halves, sums, middle, out)


@pytest.mark.parametrize("piece", [1, 3, 8, 50])
def test_calls_on_rows_give_the_bits_of_the_whole(piece):
    """Also from two threads at a time, each with its rows."""
    calls, _, results = calls_on_rows(29)
    Loop(calls, place()).run(1)
    expected = [result.copy() for result in results]
    for result in results:
        result[...] = np.nan
    table = RowCalls(calls)
    assert table.words == max(len(call._block) for call in calls)
    with ThreadPoolExecutor(2) as pool:
        ends = pool.map(
            lambda rows: on_rows(table.table, *rows, piece, np.empty(table.words, np.int64)), [(0, 13), (13, 29)]
        )
        assert list(ends) == [13, 29]
    for result, whole in zip(results, expected, strict=True):
        np.testing.assert_array_equal(result, whole)


def test_a_refusal_on_rows_is_told():
    calls, X, _ = calls_on_rows(9)
    X[5, 0] = -1.0
    table = RowCalls(calls)
    assert on_rows(table.table, 0, 9, 2, np.empty(table.words, np.int64)) == 4


def test_a_call_tells_whether_it_has_rows():
    calls, X, _ = calls_on_rows(4)
    assert all(call.has_rows for call in calls)
    assert not clear(X).has_rows
    assert RowCalls([]).words == 0


def test_a_refusal_ends_the_loop_in_the_middle():
    at, before, after = place(), np.zeros(9, np.int64), np.zeros(9, np.int64)
    loop = Loop([Call(below, at, 3, before), Call(below, at, 9, after)], at)
    assert loop.run(2) == 2
    assert loop.run(9) == 3
    assert before.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0]
    assert after.tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_zeros():
    cleared = np.ones((2, 3), complex)
    Loop([clear(cleared)], place()).run(1)
    assert not cleared.any()


@pytest.mark.parametrize("argument", [np.zeros((2, 2))[:, 0], np.broadcast_to(0, 2), "text", [1.0], np.zeros(2)[::-1]])
def test_other_arguments_are_refused(argument):
    with pytest.raises(TypeError, match="a call takes"):
        Call(without_bridge, argument)


def test_a_kernel_without_bridge_gets_one():
    """As do all kernels, with a release of numba that the shortcuts do not support."""
    seen, at = np.zeros(2, np.int64), place()
    Loop([Call(without_bridge, seen)], at).run(1)
    assert seen.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("alone", "shared", "pays"), [(100, 60, True), (60, 100, False), (0, 60, True), (60, 300_000, False)]
)
def test_a_call_is_made_in_the_way_that_takes_less_time(alone, shared, pays):
    """As found in a few trials; 0 stands for a helper that is never absent, as in trials of long calls."""
    table = np.zeros((1, 16), np.int64)
    for _ in range(20):
        trial = _is_trial.py_func(table, 0)
        if alone or not trial:
            _record_duration.py_func(table, 0, ALONE if trial else SHARED, alone if trial else shared)
        table[0, TRIAL] += 1
    if shared > 200_000:  # so long a call is not tried alone
        assert not table[0, ALONE]
        table[0, ALONE] = alone
    assert (table[0, SHARED], _pays.py_func(table, 0)) == (shared, pays)


def test_a_helper_that_loses_its_processor_gets_no_more_calls():
    table = np.zeros((1, 16), np.int64)
    table[0, [ALONE, SHARED, TRIAL]] = 10_000, 6_000, 100
    for _ in range(1000):  # an interrupted call without helpers counts as little longer
        _record_duration.py_func(table, 0, SHARED, 6_100)
        _record_duration.py_func(table, 0, ALONE, 10_000)
    assert _pays.py_func(table, 0)
    _record_duration.py_func(table, 0, SHARED, 8_000_000)
    assert not _pays.py_func(table, 0)


@pytest.fixture
def asked(monkeypatch):
    """The numbers of helpers for which loops ask, and whether these are to be woken."""
    out = []

    def helpers(count, scratch_bytes, wake):
        out.append((count, wake))
        return 0, 0

    monkeypatch.setattr(loops, "helpers", helpers)
    monkeypatch.setattr(loops, "get_num_threads", lambda: 2)
    return out


def shareable_loop():
    at = place()
    call = Call(below, at, 100, np.zeros(200, np.int64))
    call.most_threads = 2
    return Loop([call], at)


def test_helpers_are_left_alone_for_a_while_where_they_do_not_pay(asked):
    loop = shareable_loop()
    loop.run(1)
    assert len(asked) == 1
    loop._table[0, PAYS], loop._table[0, TRIAL], loop._tried = 0, 50, time.monotonic() + 1e6
    loop._round = 1.0
    loop.run(2)
    assert len(asked) == 1
    loop._tried, loop._round = -1e6, 1.0
    loop.run(3)
    assert len(asked) == 2
    assert loop._table[0, TRIAL] == 0


def test_helpers_are_woken_for_long_runs_and_frequent_ones(asked):
    loop = shareable_loop()
    for number, (ended, seconds) in enumerate([(0.0, 1.0), (0.0, 1e-4), (1e12, 1e-4), (1e12, 1e-6)], 1):
        loop._ended, loop._round = ended, seconds
        loop.run(number)
    assert asked == [(1, True), (1, False), (1, True)]  # and the last run is too short to ask for helpers


def test_rows_of_a_table_begin_at_cache_lines():
    call = Call(below, place(), 1, np.zeros(1, np.int64))
    for count in range(1, 4):
        table = table_of([call] * count, 2)
        assert table.ctypes.data % 64 == 0
        assert table.shape == (count, 16)


def test_a_sleeping_helper_is_woken_only_if_that_is_worth_it():
    threads.helpers(1)
    states = threads._pool.states
    while states[0] != threads.ASLEEP:
        time.sleep(0.001)
    threads.helpers(1, wake=False)
    assert states[0] == threads.ASLEEP
    threads.helpers(1)
    assert states[0] != threads.ASLEEP
