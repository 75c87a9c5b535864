"""What is measured, written without any library: each adapter in `peers/` builds these circuits in its own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

# Of "fit": rows per step, epochs, the seed of their order, and Adam's settings.
BATCH, EPOCHS, SEED = 32, 10, 3
LEARNING_RATE, BETAS, EPSILON = 0.05, (0.9, 0.999), 1e-8


class Symbol(NamedTuple):
    """An angle that is filled in later: feature `index` of a sample, or weight `index`."""

    kind: str  # "feature" or "weight"
    index: int


class Step(NamedTuple):
    """One gate: "ry" or "rz" with a symbol, or "cx" with (control, target) and none."""

    gate: str
    qubits: tuple[int, ...]
    symbol: Symbol | None = None


@dataclass(frozen=True)
class Workload:
    """A variational classifier: angle encoding RY(x), layers of RZ RY RZ and a ring of CNOTs, and <Z0>.

    `task` is "train" (mean squared error and its gradient over all samples), "predict" (<Z0> of all samples) or "fit"
    (the weights after `EPOCHS` epochs of Adam in minibatches of `BATCH` samples).
    `goal` is how many times faster than the fastest peer we mean to be.
    """

    task: str
    n_qubits: int
    n_samples: int = 256
    n_layers: int = 4
    reuploading: bool = False
    precision: str = "double"
    goal: float | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        """For example "train n=8 B=256 re-uploading single"."""
        extras = [" re-uploading"] * self.reuploading + [" single"] * (self.precision == "single")
        return f"{self.task} n={self.n_qubits} B={self.n_samples}{''.join(extras)}"

    @property
    def n_weights(self) -> int:
        """Three angles for each qubit and layer."""
        return 3 * self.n_qubits * self.n_layers

    @property
    def tolerance(self) -> float:
        """Largest difference from the other libraries' results, relative to 1 + |result|."""
        return 1e-8 if self.precision == "double" else 1e-4

    def steps(self) -> list[Step]:
        """Return the circuit, gate by gate; qubit 0 is the least significant."""
        qubits, steps, weight = range(self.n_qubits), [], 0
        for layer in range(self.n_layers):
            if layer == 0 or self.reuploading:
                steps += [Step("ry", (q,), Symbol("feature", q)) for q in qubits]
            for q in qubits:
                for gate in ("rz", "ry", "rz"):
                    steps.append(Step(gate, (q,), Symbol("weight", weight)))
                    weight += 1
            steps += [Step("cx", (q, (q + 1) % self.n_qubits)) for q in qubits]
        return steps

    def orders(self) -> list[np.ndarray]:
        """Return the order of the samples in each epoch of "fit"."""
        return [np.random.default_rng([SEED, 0, epoch]).permutation(self.n_samples) for epoch in range(EPOCHS)]

    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (X, y, weights): the same for every library."""
        rng = np.random.default_rng(7)
        weights = rng.uniform(-np.pi, np.pi, self.n_weights)
        X = rng.uniform(-np.pi, np.pi, (self.n_samples, self.n_qubits))
        y = rng.choice([-1.0, 1.0], self.n_samples)
        return X, y, weights


SUITE = (
    Workload("train", 4, goal=15),
    Workload("train", 6, goal=20),
    Workload("train", 8, goal=15),
    Workload("train", 10, goal=10),
    Workload("train", 12, goal=10),
    Workload("train", 16, n_samples=32, goal=6),
    Workload("predict", 4, n_samples=1000, goal=5),
    Workload("predict", 8, n_samples=1000, goal=5),
    Workload("predict", 12, n_samples=1000, goal=5),
    Workload("train", 4, reuploading=True, goal=15),
    Workload("train", 8, reuploading=True, goal=15),
    Workload("train", 8, precision="single", goal=15),
    Workload("predict", 4, n_samples=1),
    Workload("fit", 4, n_samples=512, goal=30),
)
