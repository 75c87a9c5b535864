"""The accuracy table's command, on its smallest part, interrupted and taken up again."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from benchmarks.accuracy import KernelRows
from qml import QuantumKernelClassifier

ROOT = Path(__file__).parents[1]
METHOD = 'ZZ kernel, bandwidth="auto"'


def test_the_table_is_printed_and_runs_go_on(tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps({f"{METHOD}: iris": [50.0]}))
    options = ["--data", "iris", "--methods", "RBF SVM", METHOD, "--folds", "2", "--repeats", "1", "--jobs", "2"]
    command = [sys.executable, "-m", "benchmarks.accuracy", *options, "--results", str(results)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ") and "±" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["RBF SVM", METHOD, METHOD]
    kept = json.loads(results.read_text())
    assert kept[f"{METHOD}: iris"][0] == 50.0
    assert kept[f"{METHOD}: iris"][1] > 85
    assert len(kept["RBF SVM: iris"]) == 2


def test_rows_are_those_of_the_classifier() -> None:
    X, y = load_iris(return_X_y=True)
    rows = KernelRows().fit(X, y)
    theirs = SVC(kernel="precomputed", tol=1e-6, break_ties=True).fit(rows.transform(X), y)
    mine = QuantumKernelClassifier(scale_features="jointly", tol=1e-6, probability=False, random_state=0).fit(X, y)
    np.testing.assert_allclose(mine.decision_function(X), theirs.decision_function(rows.transform(X)), atol=1e-3)
