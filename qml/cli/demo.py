"""Train on real data that comes with scikit-learn.

  breast_cancer  569 tumours, 30 measurements each: malignant or benign
  digits-3-8     357 handwritten digits of 8 x 8 pixels: is it a 3 or an 8
  digits-all     all 1797 handwritten digits, ten classes
  digits         digits-3-8, then digits-all

Model options that are omitted have defaults tuned to the data set.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from qml.cli.training_options import add_budget_options, add_model_options, add_output_options, model_settings

__all__ = ["ARGUMENTS", "DEMOS", "add_arguments", "run"]

ARGUMENTS = "[name]"
DEMOS = {"breast_cancer": ["breast_cancer"], "digits-3-8": ["digits-3-8"], "digits-all": ["digits-all"]}
DEMOS["digits"] = DEMOS["digits-3-8"] + DEMOS["digits-all"]

SETTINGS: dict[str, dict[str, Any]] = {
    "breast_cancer": {},
    "digits-3-8": {"feature_map": "amplitude", "n_qubits": 6, "epochs": 60},
    "digits-all": {
        "feature_map": "amplitude",
        "n_qubits": 6,
        "n_layers": 10,
        "epochs": 60,
        "observables": "x+y+z+xx+yy+zz",
    },
}
"""Settings of each demo, chosen by cross-validation on its training rows (`python -m benchmarks.demo_settings`),
without using the test rows."""

TITLES = {
    "breast_cancer": "Breast cancer: malignant or benign",
    "digits-3-8": "Handwritten digits: 3 or 8",
    "digits-all": "Handwritten digits: all ten",
}
TEST_SIZE = 0.25
CANDIDATES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument(
        "dataset", nargs="?", metavar="name", choices=DEMOS, default="breast_cancer", help="data set (breast_cancer)"
    )
    add_model_options(parser, tell_defaults=False)
    add_budget_options(parser)
    add_output_options(parser, "demo-output")


def run(options: argparse.Namespace) -> int:
    """Train, compare and report; several data sets are written to separate folders."""
    from qml.cli.experiment import output_folder
    from qml.cli.fitting import run_experiment

    folder = Path(options.output or "demo-output")
    names = DEMOS[options.dataset]
    status = 0
    for name in names:
        experiment = replace(
            demo_experiment(name, SETTINGS[name] | model_settings(options), options.seed),
            candidates=options.candidates or CANDIDATES,
            twin=not options.no_twin,
        )
        overwrite = options.overwrite or not options.output  # demo-output holds nothing but what this command writes
        output = output_folder(folder / name if len(names) > 1 else folder, overwrite=overwrite)
        status = run_experiment(experiment, output, plots=not options.no_plots, quiet=options.quiet)
        if status:
            break
    return status


def demo_experiment(name: str, settings: dict[str, Any], seed: int) -> Any:
    """Load the data set ``name`` as an `Experiment`."""
    import numpy as np
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.model_selection import train_test_split

    from qml.cli.experiment import Experiment
    from qml.tables import Column, Schema

    bunch = load_breast_cancer() if name == "breast_cancer" else load_digits()
    X, y = bunch.data, bunch.target
    if name == "breast_cancer":
        y = bunch.target_names[y]
    elif name == "digits-3-8":
        is_3_or_8 = np.isin(y, (3, 8))
        X, y = X[is_3_or_8], y[is_3_or_8]
    rows = np.arange(len(y))
    training, testing = train_test_split(rows, test_size=TEST_SIZE, random_state=seed, stratify=y)
    names = [str(feature) for feature in bunch.feature_names]
    medians = np.median(X[training], axis=0).tolist()
    columns = tuple(Column(feature, "number", fill) for feature, fill in zip(names, medians, strict=True))
    return Experiment(
        title=TITLES[name],
        data=(
            f"from scikit-learn: {len(training)} rows to train on and {len(testing)} to test on, {len(names)} features",
        ),
        X=X,
        y=y,
        split=(training, testing),
        task="classification",
        settings=settings,
        schema=Schema("class", columns),
    )
