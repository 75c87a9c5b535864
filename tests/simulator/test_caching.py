"""Attributes computed on first use, in several threads and after a fork; results kept as long as an object lives."""

import ctypes
import os
import signal
import threading
import weakref

import pytest

from simulator.caching import cached_property, clearing_reference

SECONDS = 5


class Subject:
    def __init__(self):
        self.computing, self.go_on = threading.Event(), threading.Event()

    @cached_property
    def value(self):
        self.computing.set()
        assert self.go_on.wait(SECONDS)
        return object()


def test_another_instance_is_not_waited_for():
    slow, quick = Subject(), Subject()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.computing.wait(SECONDS)
    quick.go_on.set()
    other = threading.Thread(target=lambda: quick.value)
    other.start()
    other.join(SECONDS)
    waited = other.is_alive()
    slow.go_on.set()
    thread.join(SECONDS)
    assert not waited


def test_threads_that_compute_at_once_get_one_object():
    subject, results = Subject(), []
    threads = [threading.Thread(target=lambda: results.append(subject.value)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert subject.computing.wait(SECONDS)
    subject.go_on.set()
    for thread in threads:
        thread.join(SECONDS)
    assert len(results) == 4
    assert all(result is subject.value for result in results)
    assert isinstance(Subject.value, cached_property)


class Sigint:
    """The argument of C's ``raise`` in place of the reference that a callback is given."""

    @classmethod
    def from_param(cls, reference):
        return ctypes.c_int(signal.SIGINT)


@pytest.mark.parametrize("kept", [[1, 2], {"a": 1}], ids=["list", "dict"])
def test_what_is_kept_goes_with_its_owner(kept):
    owner, another = Subject(), Subject()
    references = clearing_reference(owner, kept), clearing_reference(another, kept)
    assert references[0]() is owner
    assert references[0] == weakref.ref(owner) != references[1]
    del references, another
    assert kept
    reference = clearing_reference(owner, kept)
    del owner
    assert not kept
    assert reference() is None


@pytest.fixture
def interruptible():
    """Python's handler of SIGINT, which a shell's background processes do not have."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(os.name != "posix", reason="the C library is found in another way")
def test_an_interrupt_is_not_lost_at_the_end_of_an_owner():
    owner, kept = Subject(), [1]
    reference = clearing_reference(owner, kept)
    interrupt = ctypes.CDLL(None)["raise"]
    interrupt.argtypes = [Sigint]
    earlier = weakref.ref(owner, interrupt)  # later references come first: the signal arrives right before ours
    owners = [owner]
    del owner
    with pytest.raises(KeyboardInterrupt):
        owners.clear()
    assert not kept
    assert reference() is earlier() is None
