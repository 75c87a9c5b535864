"""The vector type: arithmetic, lanes, and sines against NumPy's."""

import numba
import numpy as np
import pytest

from simulator.engines.numba import simd


@numba.njit
def sines(x, s, c):
    for i in range(0, len(x), simd.lanes_of(x)):
        a, b = simd.sincos(simd.load(x, i))
        simd.store(s, i, a)
        simd.store(c, i, b)


@numba.njit
def shuffles(x, out):
    W = simd.lanes_of(x)
    v = simd.load(x, 0)
    simd.store(out, 0, simd.exchange0(v))
    simd.store(out, W, simd.exchange1(v))
    simd.store(out, 2 * W, simd.exchange2(v))
    simd.store(out, 3 * W, simd.lane_signs(v, 1) * v)
    simd.store(out, 4 * W, v * v - simd.splat(simd.like(x, 3)) * v + v)
    return simd.lane_sum(v)


@pytest.mark.parametrize(("dtype", "accuracy"), [(np.float64, 2.3e-16), (np.float32, 1.3e-7)])
def test_sines_equal_numpys_to_an_ulp(dtype, accuracy):
    rng = np.random.default_rng(0)
    special = [0.0, np.pi / 4, np.pi / 2, np.pi, -np.pi, 3 * np.pi / 2, 1e-300, -1e-8]
    x = np.concatenate([special, rng.uniform(-10, 10, 4000), rng.uniform(-1e4, 1e4, 3992)]).astype(dtype)
    s, c = np.empty_like(x), np.empty_like(x)
    sines(x, s, c)
    np.testing.assert_allclose(s, np.sin(x.astype(float)), atol=accuracy, rtol=0)
    np.testing.assert_allclose(c, np.cos(x.astype(float)), atol=accuracy, rtol=0)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arithmetic_and_lanes(dtype):
    W = simd.width(dtype)
    x = np.random.default_rng(0).normal(size=W).astype(dtype)
    out = np.empty(5 * W, dtype)
    total = shuffles(x, out)
    lanes = np.arange(W)
    signs = 1 - 2 * (lanes >> 1 & 1)
    expected = [x[lanes ^ 1], x[lanes ^ 2], x[lanes ^ 4], signs * x, x * x - 3 * x + x]
    np.testing.assert_allclose(out.reshape(5, W), expected, rtol=1e-6)
    assert total == pytest.approx(x.sum(), rel=1e-5)


@numba.njit
def exceeding(x, bound):
    return simd.exceeds(simd.load(x, 0), simd.splat(simd.like(x, bound)))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_one_large_lane_or_nan_is_seen(dtype):
    for lane in range(simd.width(dtype)):
        for value, seen in ((2.0, False), (-2.0, False), (2.1, True), (-2.1, True), (np.nan, True), (-np.inf, True)):
            x = np.zeros(simd.width(dtype), dtype)
            x[lane] = value
            assert exceeding(x, 2.0) is seen


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_buffers_begin_on_a_vector_boundary(dtype):
    for size in (1, 17, 1000):
        buffer = simd.aligned_zeros(size, dtype)
        assert len(buffer) == size
        assert buffer.ctypes.data % simd.VECTOR_BYTES == 0


@numba.njit
def bits(masks, lengths, zeros):
    for k in range(len(masks)):
        lengths[k], zeros[k] = simd.bit_length(masks[k]), simd.trailing_zeros(masks[k])


def test_the_highest_and_the_lowest_bit_of_a_mask():
    masks = [0, 1, 2, 3, 12, 1 << 40, (1 << 62) + 8, (1 << 63) - 1, -(1 << 63), -1]
    lengths, zeros = np.empty(len(masks), np.int64), np.empty(len(masks), np.int64)
    bits(np.array(masks), lengths, zeros)
    unsigned = [mask % (1 << 64) for mask in masks]
    assert lengths.tolist() == [mask.bit_length() for mask in unsigned]
    assert zeros.tolist() == [(mask & -mask).bit_length() - 1 if mask else 64 for mask in unsigned]
