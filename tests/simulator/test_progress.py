"""Every progress bar comes from one helper: its options reach tqdm, and logs get lines instead."""

import io
import sys
import warnings
from types import SimpleNamespace
from typing import ClassVar

import pytest

from qml import FidelityKernel
from qml.kernels import kernel
from qml.search.progress import SearchProgress
from qml.training.progress import EpochRecord, ProgressBar
from simulator import progress
from simulator.qiskit_backend.progress import JobProgress


class Recorder:
    """Stands for tqdm: its options, and what was done with it."""

    made: ClassVar[list["Recorder"]] = []

    def __init__(self, **options):
        self.options, self.written, self.closed, self.n = options, [], False, 0
        Recorder.made.append(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def update(self, count=1):
        self.n += count

    def write(self, text, file):
        self.written.append(text)

    def set_postfix(self, *_, **__):
        pass

    set_postfix_str = set_postfix
    last_print_t = 0.0

    def close(self):
        self.closed = True


@pytest.fixture
def made(monkeypatch):
    monkeypatch.setattr("tqdm.auto.tqdm", Recorder)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    Recorder.made = []
    return Recorder.made


def test_calculations_wait_two_seconds(made):
    with progress.shown(True, "states"):
        assert made[0].options["delay"] == 2.0
        assert made[0].options["total"] == 1.0
        assert not made[0].closed
    assert made[0].closed
    with progress.shown(False, "states"):
        pass
    assert len(made) == 1


def test_training(made):
    bar = ProgressBar(10, 3, visible=True)
    assert made[0].options == {"total": 10, "initial": 3, "desc": "training", "unit": "epoch"}
    bar.say("a notice")
    bar.update(EpochRecord(4, 0.5, None, 0.1, None, 1.0))
    bar.close()
    assert (made[0].written, made[0].n, made[0].closed) == (["a notice"], 1, True)
    ProgressBar(10, 3, visible=False).say("nobody sees it")
    assert len(made) == 1


@pytest.mark.parametrize(("verbose", "options"), [(True, (0.0, False)), (None, (kernel._BAR_AFTER, None))])
def test_kernels(made, verbose, options):
    with FidelityKernel(verbose=verbose)._progress(1 << 20) as update:
        update(100)
    assert (made[0].options["delay"], made[0].options["disable"]) == options
    assert (made[0].n, made[0].closed) == (100, True)


def test_small_kernels_and_silent_ones(made):
    with FidelityKernel(verbose=True)._progress((1 << 20) - 1) as update:
        assert update is None
    with FidelityKernel(verbose=False)._progress(1 << 30) as update:
        assert update is None
    assert not made


def test_jobs(made):
    shown = JobProgress(True)
    shown.show(3, 1, ["id"])
    shown.show(3, 2, [])
    shown.close()
    assert (len(made), made[0].options["total"], made[0].n, made[0].closed) == (1, 3, 2, True)
    JobProgress(False).show(3, 1, [])
    assert len(made) == 1


def trial(done, total):
    return SimpleNamespace(done=done, total=total, best={}, record=SimpleNamespace(error=""), seconds_left=3.0)


def test_searches(made):
    with SearchProgress("search", True) as shown:
        shown(trial(4, 10))
        shown(trial(5, 10))
    assert made[0].options == {"total": 10, "initial": 3, "desc": "search", "unit": "trial"}
    assert (len(made), made[0].n, made[0].closed) == (1, 2, True)
    with SearchProgress("search", False) as shown:
        shown(trial(1, 10))
    assert len(made) == 1


def test_logs_get_lines(made, monkeypatch):
    log = io.StringIO()
    monkeypatch.setattr("sys.stderr", log)
    bar = ProgressBar(10, 0, visible=True)
    bar.say("a notice")
    bar.update(EpochRecord(1, 0.5, None, 0.1, None, 1.0))
    assert log.getvalue().splitlines() == ["a notice", "training: epoch 1 of 10, loss 0.5"]
    assert not made
    with SearchProgress("search", True) as shown:
        for done in range(1, 101):
            shown(trial(done, 100))
    lines = log.getvalue().splitlines()[2:]
    assert len(lines) == 20
    assert lines[0] == "search: trial 5 of 100, no complete trial yet (pruned), about 3 s left"
    assert not made
    monkeypatch.setattr("sys.stderr", None)  # as under pythonw
    assert not progress.has_bars()


def test_a_notebook_without_widgets_gets_a_bar_and_no_warning(monkeypatch):
    import tqdm.notebook

    monkeypatch.setitem(sys.modules, "ipykernel.zmqshell", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=SimpleNamespace))
    monkeypatch.setattr(tqdm.notebook, "IProgress", None)
    for module in ("tqdm.auto", "tqdm.autonotebook"):  # which decide at their import, with a warning
        monkeypatch.delitem(sys.modules, module, raising=False)
    written = io.StringIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")  # as an error, tqdm would catch it
        progress.new_bar("training", 1, file=written).close()
    assert written.getvalue().startswith("\rtraining:   0%|")
    assert [str(warning.message) for warning in caught] == []
