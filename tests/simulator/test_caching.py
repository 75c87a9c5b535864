"""Attributes computed on first use, in several threads and after a fork."""

import threading

from simulator.caching import cached_property

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
