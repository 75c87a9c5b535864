"""Quanvolution beside classical models on small images, by cross-validation: `python -m benchmarks.images`.

The question is what the quantum filter adds, so the same dense layers are trained without it as well.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from qml import NetworkClassifier, QuanvolutionClassifier
from qml.datasets import bars_and_stripes
from qml.layers import Dense, ReLU, Sequential

SETTINGS: dict[str, Any] = {"epochs": 50, "learning_rate": 0.01, "random_state": 0}
METHODS: dict[str, Any] = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000)),
    "dense layers without a filter": NetworkClassifier(Sequential(Dense(None, 32), ReLU(), Dense()), **SETTINGS),
    "random filter": QuanvolutionClassifier(**SETTINGS),
    "trained filter": QuanvolutionClassifier(trained=True, **SETTINGS),
}


def main() -> None:
    """Print the table of accuracies."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    data = {
        "bars and stripes, noise 0.5": bars_and_stripes(1000, noise=0.5, random_state=0),
        "digits": load_digits(return_X_y=True),
    }
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    print("Accuracy in percent, mean and standard error over 5 folds\n")
    print(f"| | {' | '.join(data)} |\n|---|{'---|' * len(data)}")
    for name, model in METHODS.items():
        cells = []
        for X, y in data.values():
            scores = 100 * cross_val_score(model, X, y, cv=folds)
            cells.append(f"{scores.mean():.1f} ± {scores.std(ddof=1) / np.sqrt(len(scores)):.1f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
