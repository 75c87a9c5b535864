"""Steps of optimizers: new weights and new state, each weight by itself, from the old ones and the gradient.

Results go to other arrays than the arguments', so that an interrupted step leaves both as they were. Each expression
is evaluated in the order in which it is written, without contraction: the bits are those of the same line of numpy.
"""

from __future__ import annotations

import math

from simulator.engines.numba.jit import bridged, inlined


@inlined
def _record(loss, gradient, samples, sums):
    square = 0.0
    for k in range(len(gradient)):
        square += gradient[k] * gradient[k]
    if not (math.isfinite(loss[0]) and math.isfinite(square)):
        return False
    sums[0] += loss[0] * samples
    sums[1] += math.sqrt(square)
    sums[2] += 1.0
    return True


@inlined
def _scaled(before, after, rate, out):
    finite = True
    for k in range(len(out)):
        out[k] = after[k] if rate == 1.0 else before[k] + rate * (after[k] - before[k])
        finite = finite and math.isfinite(out[k])
    return finite


@bridged
def record(loss, gradient, samples, sums):
    """Add ``loss[0]``, times the number of samples, the norm of the gradient, and 1 to ``sums``, if all are finite.

    Returns whether they are.
    """
    return _record(loss, gradient, samples, sums)


@bridged
def scaled(before, after, rate, out):
    """``before + rate * (after - before)``, exactly ``after`` for a rate of 1; returns whether all are finite."""
    return _scaled(before, after, rate, out)


@bridged
def finish(weights, now, new_weights, new, totals, gradient, samples, sums, rates, place, steps, epoch_sums, epochs):
    """Finish a step: scale and record it, see `scaled` and `record`, and replace ``now`` by ``new``.

    These begin with the weights. ``totals`` is loss and gradient, and is cleared for the next step. ``sums`` has a
    fourth number: infinity, then the loss of the first step. After each ``steps`` steps, an epoch, sums and ``now`` are
    copied to the epoch's rows of ``epoch_sums`` and ``epochs``, and the sums begin anew. Returns False, with all of
    this as it was before, if a number is not finite.
    """
    if not _scaled(weights, new_weights, rates[place[0]], new_weights):
        return False
    if not _record(totals, gradient, samples, sums):
        return False
    if sums[3] == math.inf:
        sums[3] = totals[0]
    for k in range(len(totals)):
        totals[k] = 0.0
    for k in range(len(now)):
        now[k] = new[k]
    epoch = (place[0] + 1) // steps
    if epoch * steps == place[0] + 1:
        epoch_sums[epoch - 1, 0], epoch_sums[epoch - 1, 1] = sums[0], sums[1]
        sums[0] = sums[1] = 0.0
        for k in range(len(now)):
            epochs[epoch - 1, k] = now[k]
    return True


@bridged
def momentum(settings, weights, gradient, velocity, new_weights, new_velocity):
    """Gradient descent with momentum; settings: learning rate, momentum, whether the momentum is Nesterov's."""
    learning_rate, share, nesterov = settings
    for k in range(len(weights)):
        new_velocity[k] = share * velocity[k] + gradient[k]
        direction = gradient[k] + share * new_velocity[k] if nesterov else new_velocity[k]
        new_weights[k] = weights[k] - learning_rate * direction


@bridged
def adam(settings, steps, weights, gradient, means, squares, new_weights, new_means, new_squares):
    """Adam with decoupled weight decay; settings: learning rate, decay factors, epsilon, shrinkage of the weights.

    After ``steps[0]`` steps: the means of gradients and of squares are corrected for their initial value of 0.
    """
    learning_rate, beta1, beta2, epsilon, shrinkage = settings
    step = steps[0] + 1.0
    by_mean, by_square = 1.0 - math.pow(beta1, step), 1.0 - math.pow(beta2, step)
    for k in range(len(weights)):
        new_means[k] = beta1 * means[k] + (1.0 - beta1) * gradient[k]
        new_squares[k] = beta2 * squares[k] + (1.0 - beta2) * (gradient[k] * gradient[k])
        change = learning_rate * (new_means[k] / by_mean) / (math.sqrt(new_squares[k] / by_square) + epsilon)
        weight = weights[k] if shrinkage == 0.0 else weights[k] - shrinkage * weights[k]
        new_weights[k] = weight - change


@bridged
def rmsprop(settings, weights, gradient, squares, velocity, new_weights, new_squares, new_velocity):
    """RMSprop with momentum; settings: learning rate, decay factor, momentum, epsilon."""
    learning_rate, decay, share, epsilon = settings
    for k in range(len(weights)):
        new_squares[k] = decay * squares[k] + (1.0 - decay) * (gradient[k] * gradient[k])
        new_velocity[k] = share * velocity[k] + gradient[k] / (math.sqrt(new_squares[k]) + epsilon)
        new_weights[k] = weights[k] - learning_rate * new_velocity[k]
