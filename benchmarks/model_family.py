"""Accuracy and seconds of the trained models: `python -m benchmarks.model_family`.

`splits`: the splits of Bowles, Ahmed and Schuld's study (arXiv:2403.07059) whose published scores fall with the number
of features or the degree. A model's settings are chosen by 5-fold cross-validation on the training rows, as in the
study, over small grids, for re-uploading that of the hard setting of `benchmarks.study`; the score is the mean test
accuracy of five seeds. The same is done with an RBF SVM. "Mean of five" are the mean probabilities of five models with
the same settings and other seeds, as `BaggingClassifier(model, n_estimators=5, bootstrap=False)` has them; the score is
the mean over three such ensembles. Published columns are the stored scores of the study's best grid point, for the
model of the same name.

`draws`: two curves as in the study, drawn anew: 240 training rows and 1000 test rows, means of four draws for each
degree, accuracy and log loss. Settings of the hard setting were chosen on such draws.

`defaults`: test accuracy with default settings, means of three seeds, beside a random forest and an RBF SVM with their
defaults.

`seconds`: one fit of the published size; what took so long there is the time stored with the study's results.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.study.settings import SETTINGS
from qml import DressedClassifier, QuantumKernelClassifier, ReuploadingClassifier, VariationalClassifier, datasets
from qml.losses import CrossEntropy

HARD = SETTINGS["hard"]
SMOOTHED = CrossEntropy(label_smoothing=0.2)
DRESSED = {"n_layers": [4, 8], "loss": ["cross_entropy", SMOOTHED]}
MODELS: Mapping[str, tuple[Any, dict[str, list[Any]]]] = {
    "re-uploading": (ReuploadingClassifier(epochs=HARD.epochs), dict(HARD.grid("re-uploading"))),
    "dressed": (DressedClassifier(batch_size="full", epochs=HARD.epochs), DRESSED),
    "RBF SVM": (SVC(), {"gamma": [0.001, 0.01, 0.1, 1.0], "C": [0.1, 1.0, 10.0, 100.0]}),
}
PUBLISHED = {
    ("linearly_separable", "re-uploading"): {16: 0.730, 20: 0.750},
    ("two_curves_diff", "re-uploading"): {16: 0.707, 20: 0.673},
    ("two_curves_diff", "dressed"): {16: 0.827, 20: 0.763},
}
SPLITS = (
    *(("linearly_separable", d) for d in (12, 16, 20)),
    *(("two_curves_diff", k) for k in (16, 17, 18, 19, 20)),
)
ENSEMBLES, MEMBERS = 3, 5


def splits(names: list[str], families: list[str], seeds: int) -> None:
    """Print tuned scores on the study's splits."""
    print(
        "| split | model | chosen | test accuracy | mean of five | published | seconds |\n|---|---|---|---|---|---|---|"
    )
    for family, size in SPLITS:
        if family not in families:
            continue
        X_train, X_test, y_train, y_test = datasets.study_split(family, size)
        for name in names:
            estimator, grid = MODELS[name]
            started = time.perf_counter()
            trained = hasattr(estimator, "epochs")
            if trained:
                estimator = clone(estimator).set_params(random_state=0)
            search = GridSearchCV(estimator, grid, cv=5).fit(X_train, y_train)
            best = search.best_estimator_
            models = [clone(best).set_params(random_state=k) for k in range(MEMBERS * ENSEMBLES)] if trained else [best]
            for model in models:
                model.fit(X_train, y_train)
            single = np.mean([model.score(X_test, y_test) for model in models[:seeds]])
            together = f"{np.mean(_ensemble_scores(models, X_test, y_test)):.3f}" if trained else ""
            published = PUBLISHED.get((family, name), {}).get(size)
            chosen = ", ".join(f"{key} {value}" for key, value in search.best_params_.items())
            seconds = time.perf_counter() - started
            shown = "" if published is None else f"{published:.3f}"
            row = f"| {family} {size} | {name} | {chosen} | {single:.3f} | {together} | {shown} | {seconds:.0f} |"
            print(row, flush=True)


def _ensemble_scores(models: list[Any], X: np.ndarray, y: np.ndarray) -> list[float]:
    """Return the accuracy of the mean probabilities of each five models."""
    probabilities = np.array([model.predict_proba(X) for model in models]).reshape(-1, MEMBERS, len(X), 2).mean(axis=1)
    return [float((models[0].classes_[each.argmax(axis=1)] == y).mean()) for each in probabilities]


def draws(degrees: tuple[int, ...] = (16, 18, 20), count: int = 4) -> None:
    """Print scores on new draws of two curves."""
    smoothed, whole = {"loss": SMOOTHED}, {"batch_size": "full", "epochs": HARD.epochs}
    plain = {"loss": "cross_entropy"}
    deep = DressedClassifier(n_layers=8, **smoothed, **whole)
    models = {
        "re-uploading, defaults": ReuploadingClassifier(),
        "without label smoothing": ReuploadingClassifier(weight_decay=0.0, **plain),
        "with the defaults for smooth classes": ReuploadingClassifier(weight_decay=0.1, **plain),
        "defaults, mean of five": _mean_of_five(ReuploadingClassifier()),
        "batches of all rows, 400 epochs": ReuploadingClassifier(weight_decay=0.0, **smoothed, **whole),
        "the same, mean of five": _mean_of_five(ReuploadingClassifier(weight_decay=0.0, **smoothed, **whole)),
        "the same without label smoothing": ReuploadingClassifier(weight_decay=0.0, **plain, **whole),
        "dressed, defaults": DressedClassifier(),
        "dressed, one angle per qubit": DressedClassifier(angles_per_qubit=1),
        "dressed, 8 layers, smoothed, all rows": deep,
        "dressed, 8 layers, one angle per qubit": clone(deep).set_params(angles_per_qubit=1),
        "dressed, 8 layers, mean of five": _mean_of_five(deep),
        "RBF SVM": GridSearchCV(*MODELS["RBF SVM"], cv=5),
    }
    print(f"\n| model | {' | '.join(map(str, degrees))} |\n{'|---' * (len(degrees) + 1)}|")
    for name, model in models.items():
        cells = []
        for degree in degrees:
            scores, losses = [], []
            for seed in range(1000, 1000 + count):
                X, y = datasets.two_curves(1240, degree=degree, offset=1 / (2 * degree), random_state=seed)
                X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=240, random_state=42)
                fresh = clone(model)
                if hasattr(fresh, "random_state"):
                    fresh.set_params(random_state=0)
                scores.append(fresh.fit(X_train, y_train).score(X_test, y_test))
                if hasattr(fresh, "predict_proba"):
                    losses.append(log_loss(y_test, fresh.predict_proba(X_test)))
            cells.append(f"{np.mean(scores):.3f}" + (f", {np.mean(losses):.2f}" if losses else ""))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _mean_of_five(model: Any) -> BaggingClassifier:
    return BaggingClassifier(model, n_estimators=MEMBERS, bootstrap=False)


def tables() -> Mapping[str, tuple[np.ndarray, np.ndarray]]:
    """Return the data of tutorials; PennyLane's on iris separates two classes by two features."""
    X, y = load_iris(return_X_y=True)
    return {
        "circle": datasets.circles_on_qubit(600, random_state=0),
        "parity of 4 bits": _repeated(*datasets.parity(4)),
        "iris": (X, y),
        "iris, two classes": (X[y < 2, :2], y[y < 2]),
        "digits": load_digits(return_X_y=True),
    }


def defaults(seeds: int) -> None:
    """Print scores with default settings."""
    models: Mapping[str, Callable[[int], Any]] = {
        "variational": lambda seed: VariationalClassifier(random_state=seed),
        "re-uploading": lambda seed: ReuploadingClassifier(random_state=seed),
        "dressed": lambda seed: DressedClassifier(random_state=seed),
        "quantum kernel": lambda seed: QuantumKernelClassifier(),
        "random forest": lambda seed: RandomForestClassifier(random_state=seed),
        "RBF SVM": lambda seed: make_pipeline(StandardScaler(), SVC()),
    }
    data = tables()
    print(f"\n| model, defaults | {' | '.join(data)} |\n{'|---' * (len(data) + 1)}|")
    for name, make in models.items():
        cells = []
        for X, y in data.values():
            scores = []
            for seed in range(seeds):
                X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, test_size=0.25, random_state=seed)
                scores.append(make(seed).fit(X_train, y_train).score(X_test, y_test))
            cells.append(f"{np.mean(scores):.3f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def seconds() -> None:
    """Print the time of fits of published size."""
    print("\n| fit | steps | seconds | published |\n|---|---|---|---|")
    X, _, y, _ = datasets.study_split("two_curves", 10)
    steps_per_epoch = -(-len(X) // 32)
    epochs = -(-1000 // steps_per_epoch)
    big = ReuploadingClassifier(
        n_layers=15, n_qubits=4, encoding="separate", epochs=epochs, batch_size=32, random_state=0
    )
    dressed = DressedClassifier(n_qubits=10, n_layers=5, epochs=epochs, batch_size=32, random_state=0)
    rows = (
        ("re-uploading, 10 features, 4 qubits, 15 layers", big, "73 s (1000 steps of 32)"),
        ("dressed, 10 features, 10 qubits, 5 layers", dressed, "642 s (to convergence)"),
    )
    for name, estimator, published in rows:
        clone(estimator).set_params(epochs=1).fit(X, y)  # compiles
        started = time.perf_counter()
        estimator.fit(X, y)
        taken = time.perf_counter() - started
        print(f"| {name} | {epochs * steps_per_epoch} | {taken:.2f} | {published} |", flush=True)


def _repeated(X: np.ndarray, y: np.ndarray, copies: int = 10) -> tuple[np.ndarray, np.ndarray]:
    return np.tile(X, (copies, 1)), np.tile(y, copies)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=["splits", "draws", "defaults", "seconds"])
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--families", nargs="+", default=["linearly_separable", "two_curves_diff"])
    parser.add_argument("--seeds", type=int, default=5, help=f"of single models, at most {MEMBERS * ENSEMBLES}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if "splits" in arguments.tables:
        splits(arguments.models, arguments.families, arguments.seeds)
    if "draws" in arguments.tables:
        draws()
    if "defaults" in arguments.tables:
        defaults(min(arguments.seeds, 3))
    if "seconds" in arguments.tables:
        seconds()


if __name__ == "__main__":
    main()
