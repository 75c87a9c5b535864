"""What the default regularisation does: `python -m benchmarks.defaults`.

Cross-validation (5 folds, shuffled, seed 0) of the trained estimators with and without the default weight decay, beside
ridge regression or logistic regression with their penalty tuned by cross-validation. Rows: R^2 of regressors, accuracy
of classifiers. ``weight_decay="auto"``, the default of the regressors, tries decays on a quarter of the training
rows. Rows "None" are the default of re-uploading classifiers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine, make_friedman1
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import qml
from qml import datasets

Table = tuple[np.ndarray, np.ndarray]

FAMILIES = ("Variational", "Reuploading", "Dressed")


def regression_tables() -> Mapping[str, Table]:
    """Return tables with much noise, with little, and with none."""
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (120, 1))
    return {
        "diabetes": load_diabetes(return_X_y=True),
        "friedman": make_friedman1(200, n_features=6, noise=1.0, random_state=0),
        "sine": (x, np.sin(2 * x[:, 0]) + 0.1 * rng.normal(size=120)),
    }


def classification_tables() -> Mapping[str, Table]:
    """Return two of scikit-learn's tables and two of the study's families."""
    return {
        "breast cancer": load_breast_cancer(return_X_y=True),
        "wine": load_wine(return_X_y=True),
        "linear, d=20": datasets.linearly_separable(300, 20, random_state=42),
        "manifold, d=10": datasets.hidden_manifold(300, 10, random_state=3),
    }


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--task", choices=("regression", "classification"), nargs="*")
    arguments = parser.parse_args()
    tasks = arguments.task or ("regression", "classification")
    if "regression" in tasks:
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
        _print("Regressor", regression_tables(), KFold(5, shuffle=True, random_state=0), ridge, arguments.epochs)
    if "classification" in tasks:
        logistic = make_pipeline(
            StandardScaler(),
            LogisticRegressionCV(Cs=7, max_iter=2000, l1_ratios=(0,), scoring="accuracy", use_legacy_attributes=False),
        )
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        _print("Classifier", classification_tables(), folds, logistic, arguments.epochs)


def _print(kind: str, tables: Mapping[str, Table], folds: Any, peer: Any, epochs: int) -> None:
    print(f"| {kind.lower()} | weight decay | {' | '.join(tables)} | seconds |")
    print("|---" * (len(tables) + 3) + "|")
    _row("linear, penalty tuned", "", lambda: peer, tables, folds)
    for family in FAMILIES:
        make = getattr(qml, family + kind)
        for decay in dict.fromkeys((0.0, "auto", make().weight_decay)):
            settings = {"weight_decay": decay, "epochs": epochs, "random_state": 0}
            _row(family, str(decay), lambda make=make, settings=settings: make(**settings), tables, folds)
    print(flush=True)


def _row(name: str, decay: str, make: Callable[[], Any], tables: Mapping[str, Table], folds: Any) -> None:
    started = time.perf_counter()
    scores = [f"{cross_val_score(make(), *table, cv=folds).mean():.3f}" for table in tables.values()]
    print(f"| {name} | {decay} | {' | '.join(scores)} | {time.perf_counter() - started:.0f} |", flush=True)


if __name__ == "__main__":
    main()
