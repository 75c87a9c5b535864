"""Schedules: their formulas, PyTorch's schedulers where it is installed, and resumed runs."""

import math

import numpy as np
import pytest

from qml import VariationalClassifier, load
from qml.optimizers import SGD
from qml.training import train
from qml.training.checkpoints import CheckpointMismatchError
from qml.training.progress import EpochRecord, History
from qml.training.schedules import (
    SCHEDULES,
    Constant,
    Cosine,
    OneCycle,
    Plateau,
    Schedule,
    WarmRestarts,
    get_schedule,
)
from simulator.errors import UnknownNameError
from tests.qml.logistic_regression import N_WEIGHTS, LogisticRegression

START = np.full(N_WEIGHTS, 0.3)


def rates(schedule, epochs=7, batch_size=20):
    """Learning rate of the last step of each epoch, and of every step, as measured by the moves of a line."""

    class Line(LogisticRegression):
        def value_and_gradient(self, weights, rows):
            return float(weights.sum()) + 1e3, np.ones(N_WEIGHTS)

    moves = []

    class Recorded(SGD):
        def step(self, state, weights, gradient):
            moves.append(weights[0])
            return super().step(state, weights, gradient)

    result = train(Line(), START, Recorded(0.1, momentum=0.0), epochs=epochs, batch_size=batch_size, schedule=schedule)
    steps = -np.diff([*moves, result.last_weights[0]]) / 0.1
    return np.array([record.learning_rate for record in result.history]) / 0.1, steps


def test_warm_restarts_follow_the_paper():
    _, steps = rates(WarmRestarts(period=1, growth=2))
    lengths = [3, 6, 12]
    expected = [0.5 * (1 + math.cos(math.pi * t / length)) for length in lengths for t in range(length)]
    np.testing.assert_allclose(steps, expected, atol=1e-12)


def test_one_cycle_rises_and_falls():
    _, steps = rates(OneCycle(rise=0.25, start=0.1, end=0.01))
    peak = 0.25 * 20
    up = [0.1 + 0.9 * 0.5 * (1 - math.cos(math.pi * t / peak)) for t in range(6)]
    down = [0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (t - peak) / (20 - peak))) for t in range(6, 21)]
    np.testing.assert_allclose(steps, up + down, atol=1e-12)
    assert steps[5] == pytest.approx(1.0)


def test_one_cycle_and_warm_restarts_equal_torchs_where_it_is_installed():
    torch = pytest.importorskip("torch")
    share = (0.3 * 20 + 1) / 21  # PyTorch has the maximum at step share * 21 - 1, we at 0.3 of the 20 intervals
    for ours, make in (
        (OneCycle(), lambda o: torch.optim.lr_scheduler.OneCycleLR(o, 1.0, 21, pct_start=share, cycle_momentum=False)),
        (WarmRestarts(1, 2), lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 3, 2)),
    ):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler, theirs = make(optimizer), []
        for _ in range(21):
            theirs.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        np.testing.assert_allclose(rates(ours)[1], theirs, atol=1e-6)


def records(losses, scores=None):
    scores = [None] * len(losses) if scores is None else scores
    return [EpochRecord(k + 1, loss, s, 0.1, 1.0, 0.1) for k, (loss, s) in enumerate(zip(losses, scores, strict=True))]


def test_plateau_waits_and_shrinks():
    schedule = Plateau(factor=0.5, patience=2, tol=0.01, least=0.2)
    assert schedule.at_epoch(()) == 1.0
    losses = [1.0, 0.9, 0.895, 0.895, 0.895, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    factors = [schedule.at_epoch(records(losses[:k])) for k in range(len(losses) + 1)]
    assert factors == [1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2]
    falling = records([1.0 - 0.1 * k for k in range(9)], [0.5] * 9)
    assert schedule.at_epoch(falling) == 0.25  # the validation score decides where there is one


def test_plateau_reads_each_epoch_of_a_run_once():
    schedule, read = Plateau(factor=0.5, patience=2, tol=0.01, least=0.2), []

    class Recorded(History):
        def __getitem__(self, index):
            read.append(len(super().__getitem__(index)))
            return super().__getitem__(index)

    factors, history = schedule.factors(), records(np.linspace(1.0, 0.98, 30))
    for k in range(31):
        assert factors(Recorded(history[:k])) == schedule.at_epoch(history[:k])
    assert read == [0] + [1] * 30


def test_a_plateau_of_ones_own_decides_in_a_run():
    class Falling(Plateau):
        def at_epoch(self, history):
            return 0.5 ** len(history)

    by_epoch, _ = rates(Falling())
    np.testing.assert_allclose(by_epoch[:3], [1.0, 0.5, 0.25])


def test_plateau_in_a_run():
    by_epoch, _ = rates(Plateau(patience=1))
    np.testing.assert_allclose(by_epoch, 1.0)  # a falling line never waits


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_resumed_run_is_the_uninterrupted_one(name, tmp_path):
    settings = {"epochs": 9, "batch_size": 20, "rng": 0, "schedule": name}

    class Stop(Exception):
        pass

    def stop(progress):
        if progress.epoch == 4:
            raise Stop

    whole = train(LogisticRegression(), START, "adam", **settings)
    with pytest.raises(Stop):
        train(LogisticRegression(), START, "adam", resume=tmp_path / "run", callback=stop, **settings)
    resumed = train(LogisticRegression(), START, "adam", resume=tmp_path / "run", **settings)
    np.testing.assert_array_equal(resumed.weights, whole.weights)
    assert [r.learning_rate for r in resumed.history] == [r.learning_rate for r in whole.history]


def test_identities_of_earlier_versions_and_of_settings(tmp_path):
    assert Constant().identity(9) == "constant"
    assert Cosine().identity(9) == "cosine over 9 epochs"
    assert OneCycle(rise=0.5).identity(9) == "OneCycle(rise=0.5, start=0.04, end=4e-06) over 9 epochs"
    train(LogisticRegression(), START, epochs=2, schedule=WarmRestarts(3), resume=tmp_path / "run")
    with pytest.raises(CheckpointMismatchError, match=r"WarmRestarts\(period=4.*there 'WarmRestarts\(period=3"):
        train(LogisticRegression(), START, epochs=2, schedule=WarmRestarts(4), resume=tmp_path / "run")


def test_methods_that_choose_their_steps_ignore_it():
    for name in ("rotosolve", "nft", "umda"):
        runs = [
            train(LogisticRegression(), START, name, epochs=3, rng=0, schedule=s) for s in ("constant", "one_cycle")
        ]
        np.testing.assert_array_equal(runs[0].last_weights, runs[1].last_weights)


def test_an_own_schedule_and_a_model_file(tmp_path):
    class Half(Schedule):
        def at_step(self, step, steps, steps_per_epoch):
            return 0.5

    np.testing.assert_allclose(rates(Half())[1], 0.5)
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.array([0, 1] * 10)
    classifier = VariationalClassifier(n_layers=1, epochs=3, schedule=WarmRestarts(2), random_state=0).fit(X, y)
    classifier.save(tmp_path / "model.qumba")
    assert load(tmp_path / "model.qumba").schedule == WarmRestarts(2)


def test_bad_schedules():
    with pytest.raises(UnknownNameError, match="did you mean 'one_cycle'"):
        get_schedule("onecycle")
    with pytest.raises(TypeError, match="expects a name or a Schedule"):
        get_schedule(0.5)
    for kind, settings in (
        (WarmRestarts, {"period": 0}),
        (OneCycle, {"rise": 1.0}),
        (Plateau, {"factor": 1.0}),
        (Plateau, {"patience": -1}),
    ):
        with pytest.raises(ValueError, match=f"{next(iter(settings))} of {kind.__name__}.*got"):
            kind(**settings)
    with pytest.raises(UnknownNameError, match="unknown schedule 'x'"):
        VariationalClassifier(schedule="x").fit([[0.0], [1.0]], [0, 1])
