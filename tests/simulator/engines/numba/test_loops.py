"""Calls of kernels as data, and loops over them: arguments of every kind arrive, and a refusal ends the loop."""

import math

import numpy as np
import pytest

from simulator.engines.numba.jit import bridged, kernel
from simulator.engines.numba.loops import Call, Loop, clear


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
