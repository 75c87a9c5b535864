"""Progress on standard error: a bar for a terminal, lines for a log, and a notice when kernels are compiled."""

import numpy as np
import pytest
from numba.core import event

from qml.training.progress import EpochRecord, History, ProgressBar
from simulator.engines.numba.jit.announcement import TEXT, compilation_announced


def record(epoch, seconds=1.0, score=None):
    return EpochRecord(epoch, 0.5 / epoch, score, 0.1, 1.0, seconds)


def test_a_log_gets_a_line_for_each_tenth(capsys):
    bar = ProgressBar(200, 0, visible=True)
    for epoch in range(1, 201):
        bar.update(record(epoch, seconds=100.0 if epoch == 1 else 0.5))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "training: epoch 1 of 200, loss 0.5"
    assert lines[1] == "training: epoch 20 of 200, loss 0.025, about 90 s left"  # without the first epoch
    assert lines[-1] == "training: epoch 200 of 200, loss 0.0025"


def test_a_slow_run_says_something_every_minute(capsys):
    bar = ProgressBar(10**6, 0, visible=True)
    for epoch in range(1, 12):
        bar.update(record(epoch, seconds=13.0))
    epochs = [line.split()[2] for line in capsys.readouterr().err.splitlines()]
    assert epochs == ["1", "6", "11"]


def test_a_resumed_run_counts_from_where_it_was(capsys):
    bar = ProgressBar(4, 2, visible=True)
    bar.update(record(3, score=-0.25))
    bar.update(record(4))
    assert capsys.readouterr().err.splitlines() == [
        "training: epoch 3 of 4, loss 0.1667, score -0.25",
        "training: epoch 4 of 4, loss 0.125",
    ]


def test_a_terminal_gets_a_bar_that_forgets_the_first_epoch(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    bar = ProgressBar(10, 0, visible=True)
    bar._bar.start_t -= 1000.0  # as if the first epoch had taken so long
    bar._bar.last_print_t -= 1000.0
    bar.update(record(1))
    bar.say("a notice")
    assert bar._bar.format_dict["elapsed"] < 100
    assert bar._bar.initial == bar._bar.n == 1
    bar.close()
    shown = capsys.readouterr().err
    assert "training" in shown
    assert "a notice" in shown


def test_nothing_is_shown_unasked(capsys):
    bar = ProgressBar(3, 0, visible=False)
    bar.update(record(1))
    bar.say("a notice")
    bar.close()
    assert capsys.readouterr().err == ""


def test_compilation_is_announced_once():
    said = []
    with compilation_announced(said.append):
        for _ in range(2):
            with event.trigger_event("numba:compile", data={}):
                pass
    assert said == [TEXT]
    with event.trigger_event("numba:compile", data={}):
        pass
    assert said == [TEXT]


def test_a_kernel_that_is_compiled_is_announced():
    numba = pytest.importorskip("numba")
    said = []
    kernel = numba.njit(lambda values: values.sum())
    with compilation_announced(said.append):
        assert kernel(np.ones(3)) == 3
    assert said == [TEXT]


def test_a_history_grows_without_copies_and_keeps_its_length():
    first = History().with_record(record(1))
    second = first.with_record(record(2))
    after_an_interrupt = first.with_record(record(3))  # the state with the second record was never set
    assert [[entry.epoch for entry in history] for history in (first, second, after_an_interrupt)] == [
        [1],
        [1, 2],
        [1, 3],
    ]
    assert (second[-1].epoch, [entry.epoch for entry in second[:1]], len(second)) == (2, [1], 2)
    with pytest.raises(IndexError):
        first[1]
    assert second == History([record(1), record(2)]) != after_an_interrupt
    assert second._records is first._records  # a copy in each epoch makes long runs quadratic
    assert History().with_record(record(1)) == first  # the empty history is shared by all runs
    assert len(History()) == 0
