"""Search the data sets of the published study, and write what won: the first trials of later searches.

    python -m benchmarks.search_starts --trials 40 --seconds 60

Data sets come from `qml.datasets.study_split`; only their training rows are used. The table goes to
``qml/search/starts.json`` with its date, the command, and the meta-features of each data set.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import qml.search
from qml.datasets import study_split
from qml.search import QuantumSearchCV
from qml.search.starts import META_FEATURES, meta_features

DATA_SETS = (
    ("linearly_separable", 10),
    ("hidden_manifold", 10),
    ("hidden_manifold_diff", 6),
    ("hyperplanes_diff", 4),
    ("two_curves", 10),
    ("two_curves_diff", 10),
    ("linearly_separable", 4),
    ("hidden_manifold", 4),
    ("two_curves", 4),
)
WINNERS = 3
"""Number of model families per data set whose best parameters are kept."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit per data set (60)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default=str(Path(qml.search.__file__).with_name("starts.json")))
    options = parser.parse_args()
    entries = []
    for name, dimension in DATA_SETS:
        X, _, y, _ = study_split(name, dimension)
        search = QuantumSearchCV(
            "classification",
            options.trials,
            options.seconds,
            random_state=options.seed,
            classical=False,
            warm_starts=False,
        ).fit(X, y)
        winners, families = [], set()
        for record in sorted(filter(lambda r: r.complete, search.trials_), key=lambda r: -r.score):
            if record.family not in families and len(winners) < WINNERS:
                families.add(record.family)
                winners.append(record.params)
        meta = [round(value, 4) for value in meta_features(X, y, "classification")]
        entries.append({"data": f"{name} {dimension}", "meta-features": meta, "winners": winners})
        print(f"{name} {dimension}: {len(search.trials_)} trials, {search.best_trial_.family} {search.best_score_:.3f}")
    table = {
        "made": time.strftime("%Y-%m-%d"),
        "command": f"python -m benchmarks.search_starts {' '.join(sys.argv[1:])}".strip(),
        "meta-features": META_FEATURES,
        "data sets": entries,
    }
    Path(options.output).write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
