"""Streams: order, late frames, errors in the middle, flat memory, percentiles."""

import asyncio
import itertools
import math
import multiprocessing
import subprocess
import sys
import threading
import time
import tracemalloc

import numpy as np
import pytest

from qml import ImagePooling
from qml.deploy import Stream, collapse
from qml.deploy.latencies import Latencies
from tests.qml.deploy.fitted_models import IRIS, fitted
from tests.qml.deploy.sources import Ending, Endless, Raising

MAX_GROWTH = 1_000_000


def collect(stream, values):
    """Append all predictions of a stream to a list, also if it raises in the middle."""
    for _, value in stream:
        values.append(value)


class Sums:
    """Model that predicts the sum of a row, after a delay."""

    def __init__(self, n_features_in_=4, delay=0.0):
        self.n_features_in_, self.delay = n_features_in_, delay

    def predict(self, X):
        if self.delay:
            time.sleep(self.delay)
        return X.sum(axis=1)


@pytest.mark.parametrize("concurrency", ["thread", "inline", "process"])
def test_all_frames_are_predicted_in_order(concurrency):
    fast = collapse(fitted("multiclass"))
    stream = Stream(fast, IRIS if concurrency == "process" else iter(IRIS), concurrency=concurrency)
    frames, labels = zip(*stream, strict=True)
    np.testing.assert_array_equal(np.array(frames), IRIS)
    np.testing.assert_array_equal(labels, fast.predict(IRIS))
    report = stream.report
    assert (report.predicted, report.dropped) == (len(IRIS), 0)
    assert 0 < report.p50_ms <= report.p99_ms <= report.p999_ms
    assert f"{len(IRIS)} predicted, 0 dropped" in str(report)


def test_late_frames_are_dropped_and_counted_and_the_order_is_kept():
    stream = Stream(Sums(1, delay=0.003), np.arange(200.0)[:, None], budget_ms=10)
    values = [value for _, value in stream]
    report = stream.report
    assert report.dropped > 0
    assert report.predicted + report.dropped == 200
    assert values == sorted(values)
    assert len(values) == report.predicted


def test_a_full_queue_drops_its_oldest_frames():
    arrived = threading.Event()

    def burst():
        yield from np.arange(100.0)[:, None]
        arrived.set()

    class Waiting(Sums):
        def predict(self, X):
            assert arrived.wait(10)
            return super().predict(X)

    stream = Stream(Waiting(1), burst(), budget_ms=60_000, max_waiting=8)
    values = [value for _, value in stream]
    assert values[-8:] == list(range(92, 100))
    assert stream.report.dropped == 100 - len(values) >= 91


@pytest.mark.parametrize("concurrency", ["thread", "inline"])
def test_a_source_that_raises_in_the_middle_gives_what_arrived_before(concurrency):
    def frames():
        yield from IRIS[:10]
        raise ConnectionError("camera unplugged")

    stream = Stream(Sums(), frames(), concurrency=concurrency)
    values = []
    with pytest.raises(ConnectionError, match="camera unplugged"):
        collect(stream, values)
    np.testing.assert_allclose(values, IRIS[:10].sum(axis=1))
    assert stream.report.predicted == 10


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (np.zeros(5), r"frame 3 has shape \(5,\), the frames before it \(4,\)"),
        (np.array([1, 2, np.nan, 4]), "frame 3 contains NaN"),
        (np.array(["a"] * 4), "frame 3 is not an array of real numbers"),
        (np.zeros(4) * 1j, "frame 3 is not an array of real numbers"),
        (None, "frame 3"),
    ],
)
def test_bad_frames_are_refused_by_number(frame, text):
    values = []
    with pytest.raises(ValueError, match=text):
        collect(Stream(Sums(), [*IRIS[:3], frame, *IRIS[3:5]]), values)
    assert len(values) == 3


def test_images_are_reduced_as_by_image_pooling():
    images = np.random.default_rng(0).integers(0, 256, (20, 12, 8)).astype(np.uint8)
    stream = Stream(Sums(6), images, size=(3, 2), scale=1 / 255)
    expected = ImagePooling((3, 2)).fit_transform(images.reshape(20, 12, 8).astype(float)).sum(axis=1) / 255
    np.testing.assert_allclose([value for _, value in stream], expected)
    with pytest.raises(ValueError, match="the model takes 4 features, frame 0 of shape"):
        list(Stream(Sums(4), images))
    with pytest.raises(ValueError, match="at least this height and width"):
        list(Stream(Sums(), images, size=(20, 2)))


def test_asynchronous_sources():
    async def camera(count):
        for number in range(count):
            await asyncio.sleep(0)
            yield np.full(4, number / 4)
        raise EOFError("end of tape")

    async def main(stream, values):
        async for _, value in stream:
            values.append(value)

    stream, values = Stream(Sums(), camera(30)), []
    with pytest.raises(EOFError, match="end of tape"):
        asyncio.run(main(stream, values))
    assert (values, stream.report.predicted) == (list(range(30)), 30)
    with pytest.raises(TypeError, match="async for"):
        list(Stream(Sums(), camera(1)))


def test_leaving_early_stops_the_reader():
    stopped = threading.Event()

    def frames():
        try:
            yield from itertools.repeat(IRIS[0])
        finally:
            stopped.set()

    source = frames()
    results = iter(Stream(Sums(), source, max_waiting=4))
    next(results)
    results.close()
    for _ in range(1000):
        if not any(thread.name == "qumba-stream" for thread in threading.enumerate()):
            break
        time.sleep(0.01)
    source.close()
    assert stopped.is_set()


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        (Raising(IRIS[:10]), ConnectionError, "^camera unplugged$"),
        (Raising(IRIS[:10], pickled=False), RuntimeError, "the source raised ConnectionError: camera unplugged"),
        (Ending(IRIS[:10]), RuntimeError, "has ended, exit code 3"),
    ],
)
def test_a_process_that_fails_in_the_middle_gives_what_arrived_before(source, error, text):
    values = []
    with pytest.raises(error, match=text):
        collect(Stream(Sums(), source, concurrency="process"), values)
    np.testing.assert_allclose(values, IRIS[:10].sum(axis=1))
    assert not stream_processes()


def stream_processes():
    """Running processes of streams; other tests may have left a pool of workers."""
    return [child for child in multiprocessing.active_children() if child.name == "qumba-stream"]


def test_leaving_early_ends_the_process():
    results = iter(Stream(Sums(), Endless(IRIS[0]), concurrency="process", max_waiting=4))
    next(results)
    assert len(stream_processes()) == 1
    results.close()
    assert not stream_processes()


def test_a_script_whose_process_cannot_start_is_told(tmp_path):
    # on standard input there is no file that the new process could import; the source is larger than a pipe holds
    script = (
        "from tests.qml.deploy.test_stream import *\nlist(Stream(Sums(), np.ones((50_000, 4)), concurrency='process'))"
    )
    done = subprocess.run([sys.executable], input=script, capture_output=True, text=True, timeout=100, check=False)
    assert "RuntimeError: the process that reads the source has ended, exit code 1" in done.stderr


def test_a_source_for_a_process_must_be_pickled():
    with pytest.raises(TypeError, match="expects a source that can be pickled.*got <generator"):
        list(Stream(Sums(), (frame for frame in IRIS), concurrency="process"))


@pytest.mark.slow
def test_memory_is_flat_over_a_hundred_thousand_frames():
    frame = np.ones(4)
    stream = iter(Stream(Sums(), itertools.repeat(frame, 100_000), concurrency="inline"))
    for _ in itertools.islice(stream, 1000):
        pass
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in stream:
            pass
        assert tracemalloc.get_traced_memory()[0] - before < MAX_GROWTH
    finally:
        tracemalloc.stop()


def test_percentiles_are_those_of_numpy_to_five_percent():
    durations = np.random.default_rng(0).lognormal(-8, 1.5, 10_000)
    latencies = Latencies()
    assert math.isnan(latencies.percentile(50))
    for duration in durations:
        latencies.add(duration)
    for percent in (50, 99, 99.9):
        assert latencies.percentile(percent) == pytest.approx(np.percentile(durations, percent), rel=0.05)


def test_bad_arguments_are_refused():
    for settings in ({"budget_ms": 0}, {"budget_ms": math.nan}, {"size": (0, 3)}, {"concurrency": "fiber"}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            Stream(Sums(), IRIS, **settings)
    with pytest.raises(TypeError, match="predict"):
        Stream(None, IRIS)
    with pytest.raises(TypeError, match="iterable"):
        Stream(Sums(), 3)
    stream = Stream(Sums(), IRIS[:2])
    list(stream)
    with pytest.raises(RuntimeError, match="read once"):
        list(stream)
