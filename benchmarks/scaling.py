"""Questions of scale, one command and one figure each: `python -m benchmarks.scaling QUESTION --out FOLDER`.

`shots`: test accuracy against the number of shots, of a classifier trained exactly and of one that is trained with the
same number; the star is shot-adaptive Adam, at its mean number of shots per step.

`noise`: test accuracy against the probability of a depolarizing error after each gate, on each of its qubits, of a
classifier trained without noise and of one trained with it.

`qubits`: test accuracy of a fidelity kernel, and the mean of its off-diagonal entries, against the number of features,
one on each qubit, of linearly separable data: with a standard deviation of a feature as one radian, with the bandwidth
chosen without labels (`"auto"`), and searched by cross-validation, beside a searched RBF kernel.

`optimizers`: loss (of the Ising chain, energy above the ground state) against steps, and against steps times the median
time of one, natural gradient beside Adam, on the problems of `benchmarks.optimizers` with its learning rates.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from benchmarks.optimizers import PROBLEMS, SETTINGS
from qml import QuantumKernelClassifier, VariationalClassifier, datasets
from qml.optimizers import get_optimizer
from qml.training import train
from simulator import NoiseModel, ShotBackend, depolarizing

FEATURES = 4
TRAIN_ROWS, TEST_ROWS = 200, 1000
ONE_RADIAN = 4.0
"""Bandwidth at which a standard deviation is one radian: the range of the ZZ feature map has a quarter of that."""
COLORS = ("#1f5fa8", "#d07b1c", "#3b8a4a", "#8a4a8a")


@dataclass(frozen=True)
class Curve:
    """Values of several seeds against x, shape (n_seeds, n_x)."""

    panel: str
    name: str
    x: np.ndarray
    values: np.ndarray
    marker: str = "o-"


Curves = list[Curve]


def _split(X: np.ndarray, y: np.ndarray, seed: int) -> tuple[np.ndarray, ...]:
    """Return random training and test rows."""
    order = np.random.default_rng(seed).permutation(len(y))
    training, testing = order[:TRAIN_ROWS], order[TRAIN_ROWS:]
    return X[training], X[testing], y[training], y[testing]


def _curves(seed: int, tiny: bool) -> tuple[np.ndarray, ...]:
    """Return training and test rows of two entwined curves in four dimensions."""
    X, y = datasets.two_curves(TRAIN_ROWS + TEST_ROWS, FEATURES, degree=3, offset=0.1, noise=0.01, random_state=seed)
    parts = _split(X, y, seed)
    return tuple(part[:40] for part in parts) if tiny else parts


def _classifier(seed: int, epochs: int) -> VariationalClassifier:
    return VariationalClassifier("reuploading", n_layers=4, epochs=epochs, random_state=seed)


def shots(seeds: int, tiny: bool) -> Curves:
    """Accuracy against shots."""
    numbers = np.array([4, 16] if tiny else [4, 16, 64, 256, 1024, 4096])
    epochs = 1 if tiny else 30
    predicted, trained, adaptive = (np.empty((seeds, len(numbers))) for _ in range(3))
    mean_shots = np.empty(seeds)
    for seed in range(seeds):
        X_train, X_test, y_train, y_test = _curves(seed, tiny)
        exact = _classifier(seed, epochs).fit(X_train, y_train)
        for k, count in enumerate(numbers):
            backend = ShotBackend(int(count), seed=seed)
            predicted[seed, k] = np.mean(exact.predict(X_test, backend=backend) == y_test)
            measured = _classifier(seed, epochs).set_params(backend=backend).fit(X_train, y_train)
            trained[seed, k] = measured.score(X_test, y_test)
        chosen = clone(measured).set_params(optimizer="shot_adaptive_adam").fit(X_train, y_train)
        adaptive[seed] = chosen.score(X_test, y_test)
        state = chosen._optimizer_state
        mean_shots[seed] = state["total_shots"] / state["step"]
    star = np.array([mean_shots.mean()])
    return [
        Curve("test accuracy", "trained exactly, predicted with shots", numbers, predicted),
        Curve("test accuracy", "trained and predicted with shots", numbers, trained),
        Curve("test accuracy", f"shot-adaptive Adam, predicted with {numbers[-1]}", star, adaptive[:, :1], "*"),
    ]


def noise(seeds: int, tiny: bool) -> Curves:
    """Accuracy against depolarizing noise."""
    rates = np.array([0.0, 0.1] if tiny else [0.0, 0.003, 0.01, 0.03, 0.06, 0.1])
    epochs = 1 if tiny else 30
    predicted, trained = np.empty((seeds, len(rates))), np.empty((seeds, len(rates)))
    for seed in range(seeds):
        X_train, X_test, y_train, y_test = _curves(seed, tiny)
        exact = _classifier(seed, epochs).fit(X_train, y_train)
        for k, rate in enumerate(rates):
            model = NoiseModel(depolarizing(rate)) if rate else None
            predicted[seed, k] = exact.set_params(noise=model).score(X_test, y_test)
            trained[seed, k] = (
                _classifier(seed, epochs).set_params(noise=model).fit(X_train, y_train).score(X_test, y_test)
            )
    return [
        Curve("test accuracy", "trained without noise", rates, predicted),
        Curve("test accuracy", "trained with noise", rates, trained),
    ]


def qubits(seeds: int, tiny: bool) -> Curves:
    """Accuracy of kernels against qubits, with bandwidth tuned or not."""
    numbers = np.array([2, 4] if tiny else [2, 4, 6, 8, 10, 12, 14])
    names = ("not tuned: one radian", "automatic", "searched", "RBF kernel, searched")
    accuracy = {name: np.empty((seeds, len(numbers))) for name in names}
    overlap = {name: np.empty((seeds, len(numbers))) for name in names[:3]}
    for seed in range(seeds):
        for k, number in enumerate(numbers):
            X, y = datasets.linearly_separable(TRAIN_ROWS + 300, int(number), random_state=seed)
            X_train, X_test, y_train, y_test = _split(X, y, seed)
            for name in names:
                classifier = QuantumKernelClassifier(n_qubits=int(number), C=10.0, probability=False, random_state=0)
                grid: Mapping[str, list[Any]] = {"bandwidth": [2.0**power for power in range(-4, 3)]}
                if name == names[0]:
                    grid = {"bandwidth": [ONE_RADIAN]}
                elif name == names[1]:
                    grid = {"bandwidth": ["auto"]}
                elif name == names[3]:
                    classifier.set_params(kernel="rbf")  # bandwidth is the same factor of the features
                best = GridSearchCV(classifier, grid, cv=5).fit(X_train, y_train).best_estimator_
                accuracy[name][seed, k] = best.score(X_test, y_test)
                if name in overlap:
                    gram = best.kernel_(best.scaling_(X_train))
                    overlap[name][seed, k] = gram[~np.eye(len(gram), dtype=bool)].mean()
    return [
        *(Curve("test accuracy", name, numbers, values) for name, values in accuracy.items()),
        *(Curve("mean overlap of two samples", name, numbers, values) for name, values in overlap.items()),
    ]


def optimizers(seeds: int, tiny: bool) -> Curves:
    """Loss against steps and seconds, natural gradient beside Adam."""
    count = 5 if tiny else 150
    curves = []
    for problem, make in PROBLEMS.items():
        task = make()
        for name, label in (("adam", "Adam"), ("natural_gradient", "natural gradient")):
            optimizer = get_optimizer(name, **SETTINGS[name][problem])
            losses, seconds = np.empty((seeds, count)), np.empty((seeds, count))
            for seed in range(seeds):
                weights = task.objective.network.initial_weights(np.random.default_rng(seed))
                train(task.objective, weights, optimizer, epochs=1, rng=seed)  # compiles
                history = train(task.objective, weights, optimizer, epochs=count, rng=seed, schedule="constant").history
                losses[seed] = [record.loss for record in history]
                seconds[seed] = [record.seconds for record in history]
            quantity, floor = ("excess energy", task.target / 0.99) if problem == "ising chain" else ("loss", 0.0)
            step = np.arange(1, count + 1)
            milliseconds = 1e3 * float(np.median(seconds)) * step  # the median: a busy machine delays some steps a lot
            for against, x in (("steps", step), ("milliseconds", milliseconds)):
                curves.append(Curve(f"{problem}: {quantity} against {against}", label, x, losses - floor, "-"))
    return curves


QUESTIONS: Mapping[str, Callable[[int, bool], Curves]] = {
    "shots": shots,
    "noise": noise,
    "qubits": qubits,
    "optimizers": optimizers,
}

AXES: Mapping[str, tuple[str, str, str]] = {
    "shots": ("shots for each Pauli string", "log", "linear"),
    "noise": ("probability of an error", "linear", "linear"),
    "qubits": ("qubits", "linear", "linear"),
    "optimizers": ("", "linear", "log"),
}
"""Label and scale of x, scale of y."""


def draw(question: str, curves: Curves, path: Path) -> None:
    """Draw a panel for each quantity: means over seeds, bands of one standard deviation."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    label, x_scale, y_scale = AXES[question]
    panels = list(dict.fromkeys(curve.panel for curve in curves))
    columns = min(len(panels), 2)
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis, panel in zip(axes, panels, strict=True):
        for color, curve in zip(COLORS, (c for c in curves if c.panel == panel), strict=False):
            mean, spread = curve.values.mean(axis=0), curve.values.std(axis=0)
            size = 14 if curve.marker == "*" else 5
            axis.plot(curve.x, mean, curve.marker, color=color, label=curve.name, markersize=size)
            if len(curve.x) > 1 and y_scale == "linear":
                axis.fill_between(curve.x, mean - spread, mean + spread, color=color, alpha=0.15, linewidth=0)
        quantity, _, against = panel.partition(" against ")
        axis.set(xlabel=against or label, ylabel=quantity, xscale=x_scale, yscale=y_scale)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=100)


def table(question: str, curves: Curves) -> str:
    """Return the means, at most eight for each curve, as Markdown."""
    lines = []
    for panel in dict.fromkeys(curve.panel for curve in curves):
        group = [curve for curve in curves if curve.panel == panel]
        picks = np.unique(np.linspace(0, len(group[0].x) - 1, min(8, len(group[0].x))).round().astype(int))
        lines += [
            f"\n{panel}\n",
            f"| {AXES[question][0] or 'at'} | {' | '.join(f'{group[0].x[k]:g}' for k in picks)} |",
        ]
        lines.append("|---" * (len(picks) + 1) + "|")
        for curve in group:
            if np.array_equal(curve.x, group[0].x):
                lines.append(f"| {curve.name} | {' | '.join(f'{curve.values[:, k].mean():.3g}' for k in picks)} |")
            else:
                lines.append(f"\n{curve.name}: {curve.values[:, -1].mean():.3g} at {curve.x[-1]:.4g}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Answer the questions."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=f"{', '.join(QUESTIONS)}; default: all")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the figures (default: this one)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tiny", action="store_true", help="a few points on little data, to see that it runs")
    options = parser.parse_args(arguments)
    for name in options.questions:
        if name not in QUESTIONS:
            parser.error(f"unknown question {name!r}; expected one of {', '.join(QUESTIONS)}")
    if options.seeds < 1:
        parser.error(f"--seeds expects a positive integer, got {options.seeds}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.questions or QUESTIONS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            curves = QUESTIONS[name](options.seeds, options.tiny)
        path = options.out / f"{name}.png"
        draw(name, curves, path)
        print(table(name, curves), f"\n{path}", flush=True)


if __name__ == "__main__":
    main()
