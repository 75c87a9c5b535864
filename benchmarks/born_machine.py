"""Born machines beside restricted Boltzmann machines of the same size: `python -m benchmarks.born_machine`.

All learn the uniform distribution over bars and stripes. Probabilities are exact for all of them: those of a Boltzmann
machine are enumerated, for which its hidden units are summed out. Each method takes the learning rate (and batch size)
of lowest median total variation over seeds that are not reported. Nothing is held out: the task is to represent a
distribution that is known, not to generalise.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.neural_network import BernoulliRBM

from qml import BornMachine
from qml.datasets import bars_and_stripes_patterns
from qml.estimators.own_objective.divergences import MaximumMeanDiscrepancy, total_variation
from qml.optimizers import get_optimizer
from qml.optimizers.objective import Objective, Rows
from qml.training import train

Array = NDArray[np.float64]
Method = tuple[Callable[..., tuple[int, Array]], Mapping[str, Sequence[Any]]]

TUNING_SEEDS, REPORTED_SEEDS = range(10, 13), range(5)
EPOCHS = 1500
ROWS_PER_PATTERN = 10
RATES = (0.003, 0.01, 0.03, 0.1, 0.3)
BANDWIDTHS = (0.5, 1.0, 2.0)


def strings(num_bits: int) -> Array:
    """All bit strings, in the order of the integers whose bit q is column q."""
    return (np.arange(2**num_bits)[:, None] >> np.arange(num_bits) & 1).astype(float)


def boltzmann_probabilities(weights: Array, hidden: Array, visible: Array) -> Array:
    """Probabilities of all strings in a machine with weights (n_hidden, n_visible) and biases of both."""
    v = strings(len(visible))
    return np.asarray(softmax(v @ visible + np.logaddexp(0.0, v @ weights.T + hidden).sum(axis=1)))


@dataclass
class ExactLikelihood(Objective):
    """Negative log-likelihood of a restricted Boltzmann machine and its exact gradient."""

    target: Array
    n_hidden: int
    n_samples: int = 1  # type: ignore[misc]

    def __post_init__(self) -> None:
        self.v = strings(len(self.target).bit_length() - 1)

    def parts(self, flat: Array) -> tuple[Array, Array, Array]:
        """Weights (n_hidden, n_visible), and the biases of hidden and visible units."""
        size = self.n_hidden * self.v.shape[1]
        return flat[:size].reshape(self.n_hidden, -1), flat[size : size + self.n_hidden], flat[size + self.n_hidden :]

    def value_and_gradient(self, weights: Array, rows: Rows) -> tuple[float, Array]:
        """Compute the loss and its gradient."""
        factors, hidden, _ = self.parts(weights)
        probabilities = boltzmann_probabilities(*self.parts(weights))
        excess = probabilities - self.target
        active = expit(self.v @ factors.T + hidden) * excess[:, None]
        gradient = np.concatenate([(active.T @ self.v).ravel(), active.sum(axis=0), excess @ self.v])
        return self._loss(probabilities), gradient

    def value(self, weights: Array, rows: Rows) -> float:
        """Compute the loss."""
        return self._loss(boltzmann_probabilities(*self.parts(weights)))

    def validation_score(self, weights: Array) -> float | None:
        """Return None: nothing is held out."""
        return None

    def _loss(self, probabilities: Array) -> float:
        seen = self.target > 0
        return float(-self.target[seen] @ np.log(probabilities[seen] + 1e-300))


def born(X: Array, seed: int, rate: float, entangled: bool = True, **settings: Any) -> tuple[int, Array]:
    """Train a Born machine; return its number of parameters and probabilities."""
    model = BornMachine(learning_rate=rate, epochs=EPOCHS, random_state=seed, entangled=entangled, **settings).fit(X)
    return len(model.weights_), model.probabilities_


def contrastive(X: Array, seed: int, rate: float, batch: int, n_hidden: int) -> tuple[int, Array]:
    """Train scikit-learn's machine by persistent contrastive divergence."""
    rows = np.random.default_rng(seed).permutation(np.repeat(X, ROWS_PER_PATTERN, axis=0))
    model = BernoulliRBM(n_hidden, learning_rate=rate, batch_size=batch, n_iter=EPOCHS, random_state=seed).fit(rows)
    arrays = model.components_, model.intercept_hidden_, model.intercept_visible_
    return sum(array.size for array in arrays), boltzmann_probabilities(*arrays)


def exact(X: Array, seed: int, rate: float, n_hidden: int) -> tuple[int, Array]:
    """Train a restricted Boltzmann machine on the exact likelihood."""
    objective = ExactLikelihood(uniform(X), n_hidden)
    count = n_hidden * X.shape[1] + n_hidden + X.shape[1]
    start = np.random.default_rng(seed).normal(0.0, 0.1, count)
    result = train(objective, start, get_optimizer("adam", rate), epochs=EPOCHS, schedule="cosine", rng=seed)
    return count, boltzmann_probabilities(*objective.parts(result.weights))


def uniform(X: Array) -> Array:
    """The distribution that gives each row the same probability."""
    codes = X.astype(int) @ (1 << np.arange(X.shape[1]))
    return np.bincount(codes, minlength=2 ** X.shape[1]) / len(X)


def methods(
    layers: int, n_hidden: int
) -> dict[str, tuple[Callable[..., tuple[int, Array]], Mapping[str, Sequence[Any]]]]:
    """Name -> function of data, seed and settings, and the candidates of the settings that are tuned."""
    rates = {"rate": RATES}

    def machine(**settings: Any) -> Method:
        return lambda X, seed, rate: born(X, seed, rate, **settings), rates

    return {
        "Born machine, discrepancy": machine(n_layers=layers),
        "Born machine, likelihood": machine(n_layers=layers, loss="nll"),
        "IQP Born machine, discrepancy": machine(ansatz="iqp", n_layers=2),
        "IQP Born machine, likelihood": machine(ansatz="iqp", n_layers=2, loss="nll"),
        "Born machine without entanglement": machine(n_layers=layers, loss="nll", entangled=False),
        "RBM, scikit-learn": (
            lambda X, seed, rate, batch: contrastive(X, seed, rate, batch, n_hidden),
            rates | {"batch": (10, 50)},
        ),
        "RBM, exact likelihood": (lambda X, seed, rate: exact(X, seed, rate, n_hidden), rates),
    }


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=3, help="height and width of the images in pixels")
    parser.add_argument("--layers", type=int, default=4, help="layers of the strongly entangling circuit")
    parser.add_argument("--hidden", type=int, default=10, help="hidden units of the Boltzmann machines")
    arguments = parser.parse_args()
    X = bars_and_stripes_patterns(arguments.size, arguments.size)
    target = uniform(X)
    mmd = MaximumMeanDiscrepancy(BANDWIDTHS, X.shape[1])
    print(f"{len(X)} patterns of {X.shape[1]} bits; medians over {len(REPORTED_SEEDS)} seeds, extremes in brackets")
    print(
        "| method | parameters | total variation | squared MMD | seconds per fit | chosen |\n|---|---|---|---|---|---|"
    )
    for name, (fit, candidates) in methods(arguments.layers, arguments.hidden).items():
        grid = [dict(zip(candidates, values, strict=True)) for values in itertools.product(*candidates.values())]

        def distance(settings: dict[str, Any], fit: Any = fit) -> float:
            return float(np.median([total_variation(fit(X, seed, **settings)[1], target) for seed in TUNING_SEEDS]))

        best = min(grid, key=distance)
        started = time.perf_counter()
        results = [fit(X, seed, **best) for seed in REPORTED_SEEDS]
        seconds = (time.perf_counter() - started) / len(results)
        distances = [total_variation(probabilities, target) for _, probabilities in results]
        discrepancies = [mmd.value(probabilities, target) for _, probabilities in results]
        cells = [f"{np.median(v):.2g} ({min(v):.2g} - {max(v):.2g})" for v in (distances, discrepancies)]
        chosen = ", ".join(f"{key} {value:g}" for key, value in best.items())
        print(f"| {name} | {results[0][0]} | {cells[0]} | {cells[1]} | {seconds:.1f} | {chosen} |", flush=True)


if __name__ == "__main__":
    main()
