"""Buffers are used again by the thread that returned them."""

import threading

import numpy as np

from simulator.engines.numba import buffers


def test_buffers_are_used_again(monkeypatch):
    monkeypatch.setattr(buffers, "_buffers", threading.local())
    first = buffers.take(5000, np.float64)
    address = first.ctypes.data
    buffers.give(first)
    again = buffers.take(6000, np.float64)
    assert again.ctypes.data == address
    other = buffers.take(6000, np.float64)
    assert other.ctypes.data != address
    buffers.give(again)
    buffers.give(other)
