"""The benchmarks still run, and what they compute for us is right. Nothing here looks at a time."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from benchmarks import born_machine, noise, optimizers, revision_rows, revisions, small_steps
from benchmarks.coming_from import __main__ as coming_from
from benchmarks.peers import ours
from benchmarks.workloads import SUITE, Workload

ROOT = Path(__file__).parents[1]
SMALL = [Workload("train", 3, n_samples=5, n_layers=2), Workload("train", 2, 3, 2, reuploading=True)]


def expectation(workload: Workload, x: np.ndarray, weights: np.ndarray) -> float:
    circuit = QuantumCircuit(workload.n_qubits)
    for gate, qubits, symbol in workload.steps():
        angles = () if symbol is None else ((x if symbol.kind == "feature" else weights)[symbol.index],)
        getattr(circuit, gate)(*angles, *qubits)
    observable = SparsePauliOp.from_sparse_list([("Z", [0], 1.0)], workload.n_qubits)
    return Statevector(circuit).expectation_value(observable).real


@pytest.mark.parametrize("workload", SMALL, ids=lambda workload: workload.name)
def test_our_results_are_those_of_qiskit(workload: Workload) -> None:
    X, y, weights = workload.data()

    def loss(weights: np.ndarray) -> float:
        return np.mean([(expectation(workload, x, weights) - target) ** 2 for x, target in zip(X, y, strict=True)])

    step = 1e-5
    slopes = [(loss(weights + shift) - loss(weights - shift)) / (2 * step) for shift in step * np.eye(len(weights))]
    np.testing.assert_allclose(ours.train(workload)(), [loss(weights), *slopes], atol=1e-8)
    values = [expectation(workload, x, weights) for x in X]
    np.testing.assert_allclose(ours.predict(workload)(), values, atol=1e-12)


def test_names_are_unique() -> None:
    assert len({workload.name for workload in SUITE}) == len(SUITE)


def test_the_table_is_printed() -> None:
    options = ["--only", "predict n=4 B=1", "--libraries", "ours", "--rounds", "1", "--budget", "0.01", "--quiet", "0"]
    command = [sys.executable, "-m", "benchmarks.training", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("| predict n=4 B=1 ")]
    assert row.split("|")[2].strip().rstrip("*").endswith("s")


@pytest.mark.parametrize("name", small_steps.CASES)
def test_steps_and_their_kernels_are_timed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_steps, "EPOCHS", 2)
    with warnings.catch_warnings():
        answer = small_steps.measured(name, runs=1)
    assert answer["kernels"] > 0
    assert 0 < answer["fastest"] <= answer["quartile"]


def test_a_fit_is_that_of_adam_written_out() -> None:
    workload = Workload("fit", 2, n_samples=64, n_layers=1)
    X, y, weights = workload.data()
    model, mean, square, count = ours.model(workload), 0.0, 0.0, 0
    for order in workload.orders():
        for rows in order.reshape(-1, 32):
            gradient = model.loss_and_gradient(X[rows], y[rows], weights)[1]
            mean, square, count = 0.9 * mean + 0.1 * gradient, 0.999 * square + 0.001 * gradient**2, count + 1
            corrected = mean / (1 - 0.9**count), square / (1 - 0.999**count)
            weights = weights - 0.05 * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    with warnings.catch_warnings():
        np.testing.assert_allclose(ours.fit(workload)(), weights, rtol=0, atol=1e-10)


def test_the_kernels_table_is_printed() -> None:
    options = ["--only", "9", "2", "--libraries", "ours", "blas", "--rounds", "1", "--budget", "0.01", "--quiet", "0"]
    command = [sys.executable, "-m", "benchmarks.kernels", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line.split("|") for line in done.stdout.splitlines() if line.startswith("| 9 ")]
    assert {row[3].strip() for row in rows} == {"ours", "blas"}
    assert all(row[4].strip().endswith(" ms") for row in rows)


@pytest.mark.parametrize("workload", ["sample", "trajectories", "density"])
def test_our_noisy_results_are_right(workload: str) -> None:
    expected, tolerance = noise.exact(workload)
    np.testing.assert_allclose(noise.work("ours", workload, 0.0)["result"], expected, atol=tolerance)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="compares with a commit, so it needs the git repository")
def test_every_row_of_the_table_of_revisions_is_measured() -> None:
    names = [row.name for row in revision_rows.rows(tiny=True)]
    options = ["--tiny", "--rounds", "2", "--pairs", "1", "--budget", "0.001", "--threads", "1"]
    command = [sys.executable, "-m", "benchmarks.revisions", "--against", "HEAD", *options]
    done = subprocess.run(
        [*command, "--only", *names, "warm start"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cells = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[1] for row in cells] == ["row", *names, "warm start"]
    assert all(float(row[5].rstrip("*")) > 0 for row in cells[1:])


def test_revisions_refuse_results_that_differ() -> None:
    old = np.array([0.5, -0.25])
    assert revisions.agreement(old, old.copy(), revision_rows.EQUAL_BITS) == "same bits"
    assert revisions.agreement(old, old + 2.0**-50, 1e-12) == "within 9e-16"
    for new, tolerance, message in [
        (old + 2.0**-50, revision_rows.EQUAL_BITS, "differ by 8.9e-16"),
        (old + 1e-6, 1e-12, "differ by 1.0e-06"),
        (old * np.nan, 1e-12, "differ by nan"),
        (old[:1], 1e-12, "other shapes"),
    ]:
        with pytest.raises(revisions.RowFailed, match=message):
            revisions.agreement(old, new, tolerance)


@pytest.mark.parametrize(("new", "slower"), [([1.04, 1.05, 2.0], True), ([1.02, 1.5, 1.5], False), ([], False)])
def test_revisions_list_a_row_that_is_slower_in_the_median_and_at_best(new: list[float], slower: bool) -> None:
    comparison = revisions.Comparison("row", 1)
    old = iter([1.0] * len(new))
    comparison.time(
        [(lambda: revisions.Timing(next(old), 1.0), lambda: revisions.Timing(new[len(comparison.new)], 1.0))], len(new)
    )
    assert comparison.slower == slower
    assert not comparison.disturbed


def test_revisions_measure_the_packages_of_the_tree_they_are_given(tmp_path: Path) -> None:
    for package in ("simulator", "qml"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise ImportError('the packages of the other tree')")
    with pytest.raises(revisions.RowFailed, match="of the other tree"):
        revisions.start(tmp_path, threads=1, cold=True)


def test_the_deployment_table_is_printed() -> None:
    command = [sys.executable, "-m", "benchmarks.deployment", "--calls", "1000", "--qubits", "2", "--frames", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| 2 qubits, ")]
    assert [row.split(",")[1].split("|")[0].strip() for row in rows][:2] == ["engine", "collapsed"]
    assert "frames of the last row were dropped" in done.stdout


def test_the_boltzmann_machine_beside_born_machines() -> None:
    rng = np.random.default_rng(0)
    weights, hidden, visible = rng.normal(size=(2, 3)), rng.normal(size=2), rng.normal(size=3)
    energies = [
        sum(np.exp(v @ visible + h @ hidden + h @ weights @ v) for h in born_machine.strings(2))
        for v in born_machine.strings(3)
    ]
    probabilities = born_machine.boltzmann_probabilities(weights, hidden, visible)
    np.testing.assert_allclose(probabilities, np.array(energies) / sum(energies), atol=1e-12)
    likelihood = born_machine.ExactLikelihood(rng.dirichlet(np.ones(8)), n_hidden=2)
    point, step = rng.normal(size=11), 1e-5
    slopes = [
        (likelihood.value(point + shift, slice(None)) - likelihood.value(point - shift, slice(None))) / (2 * step)
        for shift in step * np.eye(11)
    ]
    np.testing.assert_allclose(likelihood.value_and_gradient(point, slice(None))[1], slopes, atol=1e-8)


def test_the_table_of_optimizers_is_printed() -> None:
    options = ["--seeds", "1", "--steps", "60", "--only", "natural_gradient", "rotosolve", "--samples", "0"]
    command = [sys.executable, "-m", "benchmarks.optimizers", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("| ising chain")]
    assert row.split("|")[2].split()[1] == "steps,"  # the natural gradient arrives


def test_the_tables_of_explanations_are_printed() -> None:
    options = ["--seeds", "1", "--rows", "40", "--epochs", "2", "--halves", "2", "--columns", "3", "--layers", "1"]
    command = [sys.executable, "-m", "benchmarks.explanations", *options, "--calls", "1", "--no-shap"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines() if line.startswith("| ")]
    assert [row[1] for row in rows if " of 1" in row[2]] == [
        "shapley_values",
        "integrated_gradients",
        "saliency x difference",
        "permutation_importance",
    ]
    assert float({row[1]: row[2] for row in rows}["shapley_values, all 800 rows"]) > 0


def test_the_lowest_energy_of_the_chain_is_that_of_its_matrix() -> None:
    strings = [("ZZ", [q, q + 1], -1.0) for q in range(3)] + [("X", [q], -0.7) for q in range(4)]
    matrix = SparsePauliOp.from_sparse_list(strings, 4).to_matrix()
    assert optimizers._lowest_energy(4, 0.7) == pytest.approx(np.linalg.eigvalsh(matrix)[0])


def test_the_decision_log_is_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.decision_log", "--lines", "1500", "--seconds", "0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "1,501 lines, 0.6 MB, verified in " in done.stdout


@pytest.mark.slow
def test_the_same_task_gives_the_same_loss_in_pennylane() -> None:
    pytest.importorskip("pennylane")
    loss, accuracy, _ = coming_from.run("qumba", 3)
    expected, expected_accuracy, _ = coming_from.run("pennylane", 3)
    assert abs(loss - expected) < coming_from.TOLERANCE
    assert accuracy == expected_accuracy
