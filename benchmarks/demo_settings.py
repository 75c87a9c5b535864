"""Chooses the demos' settings: `python -m benchmarks.demo_settings breast_cancer`.

Cross-validated accuracy of each candidate on the rows the demo trains on. The demo's test rows are never looked at, so
what the demo then says of them is an estimate for new data.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from sklearn.model_selection import StratifiedKFold, cross_val_score

from qml import VariationalClassifier
from qml.cli.demo import SETTINGS, demo_experiment

_AMPLITUDE = {"feature_map": "amplitude", "n_qubits": 6, "epochs": 60}

CANDIDATES: dict[str, list[dict[str, Any]]] = {
    "breast_cancer": [
        {},
        {"observables": "z"},
        {"observables": "z", "learning_rate": 0.02},
        {"ansatz": "real_amplitudes", "observables": "z"},
        {"ansatz": "real_amplitudes", "observables": "z", "learning_rate": 0.02},
        {"feature_map": "reuploading", "observables": "z"},
        {"feature_map": "reuploading", "ansatz": "real_amplitudes", "observables": "z"},
    ],
    "digits-3-8": [
        _AMPLITUDE,
        _AMPLITUDE | {"observables": "z"},
        _AMPLITUDE | {"n_layers": 6},
        {"observables": "z"},
    ],
    "digits-all": [
        _AMPLITUDE | {"n_layers": 10, "observables": "z+zz"},
        _AMPLITUDE | {"n_layers": 6, "observables": "x+y+z+xx+yy+zz"},
        _AMPLITUDE | {"n_layers": 10, "observables": "x+y+z+xx+yy+zz"},
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("demo", nargs="?", choices=CANDIDATES, help="all if not given")
    parser.add_argument("--folds", type=int, default=5)
    options = parser.parse_args()
    for name in [options.demo] if options.demo else CANDIDATES:
        demo = demo_experiment(name, {}, seed=0)
        training = demo.split[0]
        print(f"{name}: {options.folds} folds of the {len(training)} rows to train on", flush=True)
        for candidate in CANDIDATES[name]:
            start = time.perf_counter()
            scores = cross_val_score(
                VariationalClassifier(**candidate, random_state=0),
                demo.X[training],
                demo.y[training],
                cv=StratifiedKFold(options.folds, shuffle=True, random_state=0),
            )
            mark = "  <- the demo's" if candidate == SETTINGS[name] else ""
            error = scores.std(ddof=1) / len(scores) ** 0.5
            print(
                f"  {scores.mean():.4f} +- {error:.4f}  {time.perf_counter() - start:5.0f} s  {candidate}{mark}",
                flush=True,
            )


if __name__ == "__main__":
    main()
