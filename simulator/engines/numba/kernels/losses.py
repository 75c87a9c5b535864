"""Losses: the value of each sample and, beside it, its derivative with respect to the outputs.

Each kernel takes ``outputs`` (n_samples, n_outputs), float64, and targets ``y``, and fills ``values`` (n_samples,) and
``slopes`` (n_samples, n_outputs). Targets of shape (n_samples,) are passed as one column, except class indices. A
kernel returns whether it accepts all targets; where it does not, the results are incomplete.
"""

from __future__ import annotations

import math

from simulator.engines.numba.jit import bridged, part


@bridged
def squared_error(outputs, y, values, slopes):
    """``mean_k r_k^2`` and ``2 r_k / n_outputs``, with the residuals ``r = outputs - y``."""
    n_outputs = outputs.shape[1]
    scale = 2.0 / n_outputs
    for i in range(len(outputs)):
        total = 0.0
        for k in range(n_outputs):
            residual = outputs[i, k] - y[i, k]
            total += residual * residual
            slopes[i, k] = residual * scale
        values[i] = total / n_outputs
    return True


@bridged
def absolute_error(outputs, y, values, slopes):
    """``mean_k |r_k|`` and ``sign(r_k) / n_outputs``."""
    n_outputs = outputs.shape[1]
    for i in range(len(outputs)):
        total = 0.0
        for k in range(n_outputs):
            residual = outputs[i, k] - y[i, k]
            total += abs(residual)
            sign = residual - residual  # 0, or NaN
            if residual > 0.0:
                sign = 1.0
            elif residual < 0.0:
                sign = -1.0
            slopes[i, k] = sign / n_outputs
        values[i] = total / n_outputs
    return True


@bridged
def huber(delta, outputs, y, values, slopes):
    """``mean_k c_k (|r_k| - c_k / 2)`` with ``c = min(|r|, delta)``, and ``r_k``, clipped, over ``n_outputs``."""
    n_outputs = outputs.shape[1]
    for i in range(len(outputs)):
        total = 0.0
        for k in range(n_outputs):
            residual = outputs[i, k] - y[i, k]
            size, clipped = abs(residual), residual
            if residual > delta:
                clipped = delta
            elif residual < -delta:
                clipped = -delta
            least = abs(clipped)
            total += least * (size - 0.5 * least)
            slopes[i, k] = clipped / n_outputs
        values[i] = total / n_outputs
    return True


@bridged
def binary_cross_entropy(outputs, y, values, slopes):
    """``y log(1 + e^-z) + (1 - y) log(1 + e^z)`` and ``(1 - y) p - y (1 - p)``, means over the outputs.

    Without cancellation for either class, however large the logit, and small differences keep their digits.
    """
    n_outputs = outputs.shape[1]
    for i in range(len(outputs)):
        total = 0.0
        for k in range(n_outputs):
            logit, target = outputs[i, k], float(y[i, k])
            if not 0.0 <= target <= 1.0:
                return False
            decay = math.exp(-abs(logit))
            rest = math.log1p(decay)
            likely, unlikely = 1.0 / (1.0 + decay), 1.0 / (1.0 + math.exp(abs(logit)))
            if logit >= 0.0:
                total += target * rest + (1.0 - target) * (logit + rest)
                slope = (1.0 - target) * likely - target * unlikely
            else:
                total += target * (rest - logit) + (1.0 - target) * rest
                slope = (1.0 - target) * unlikely - target * likely
            slopes[i, k] = slope / n_outputs
        values[i] = total / n_outputs
    return True


@part
def _cross_entropy(outputs, y, values, slopes):
    """See `cross_entropy`."""
    n_outputs = outputs.shape[1]
    for i in range(len(outputs)):
        label = y[i]
        if not 0 <= label < n_outputs:
            return False
        peak, largest = 0, outputs[i, 0] - outputs[i, label]
        for k in range(1, n_outputs):
            difference = outputs[i, k] - outputs[i, label]
            if difference > largest:
                peak, largest = k, difference
        smaller = 0.0
        for k in range(n_outputs):
            slopes[i, k] = 1.0
            if k != peak:
                slopes[i, k] = math.exp(outputs[i, k] - outputs[i, label] - largest)
                smaller += slopes[i, k]
        values[i] = largest + math.log1p(smaller)
        others = 0.0
        for k in range(n_outputs):
            if k != label:
                slopes[i, k] /= 1.0 + smaller
                others += slopes[i, k]
        slopes[i, label] = -others
    return True


@bridged
def cross_entropy(outputs, y, values, slopes):
    """``log sum_j exp(z_j - z_y)`` and ``p - onehot(y)`` with ``p = softmax(z)``.

    The entry of ``y`` is minus the sum of the others, exact also when ``p_y`` is nearly 1.
    """
    return _cross_entropy(outputs, y, values, slopes)


@bridged
def smoothed_cross_entropy(smoothing, outputs, y, values, slopes):
    """As `cross_entropy`, with the target ``(1 - smoothing) onehot(y) + smoothing / n_outputs``."""
    if not _cross_entropy(outputs, y, values, slopes):
        return False
    n_outputs = outputs.shape[1]
    share = smoothing / n_outputs
    for i in range(len(outputs)):
        label = y[i]
        for k in range(n_outputs):
            values[i] += share * (outputs[i, label] - outputs[i, k])
            slopes[i, k] -= share
        slopes[i, label] += smoothing
    return True


@bridged
def hinge(outputs, y, values, slopes):
    """``max(0, 1 - y z)`` and minus the derivative of the margin ``y z`` where it is below 1; ``y`` is -1 or 1."""
    for i in range(len(outputs)):
        sign = float(y[i, 0])
        if abs(sign) != 1.0:
            return False
        short = 1.0 - sign * outputs[i, 0]
        values[i], slopes[i, 0] = short, -sign
        if short <= 0.0:
            values[i] = slopes[i, 0] = 0.0
    return True


@bridged
def hinge_of_classes(outputs, y, values, slopes):
    """As `hinge`, with class indices ``y`` and the margin ``z_y - max_{j != y} z_j``."""
    n_outputs = outputs.shape[1]
    for i in range(len(outputs)):
        label = y[i]
        if not 0 <= label < n_outputs:
            return False
        rival = 0 if label else 1
        for k in range(rival + 1, n_outputs):
            is_better = not outputs[i, k] <= outputs[i, rival]  # NaN included, which the loss must show
            if k != label and is_better and outputs[i, rival] == outputs[i, rival]:
                rival = k
        short = 1.0 - (outputs[i, label] - outputs[i, rival])
        for k in range(n_outputs):
            slopes[i, k] = 0.0
        values[i] = short
        if short <= 0.0:
            values[i] = 0.0
        else:
            slopes[i, label], slopes[i, rival] = -1.0, 1.0
    return True


@bridged
def weigh(shares, slopes):
    """Multiply the slopes of each sample by its share."""
    for i in range(len(slopes)):
        for k in range(slopes.shape[1]):
            slopes[i, k] *= shares[i]


@bridged
def add_up(shares, values, total):
    """Add the sum of ``shares * values`` to ``total[0]``."""
    loss = 0.0
    for i in range(len(values)):
        loss += shares[i] * values[i]
    total[0] += loss
