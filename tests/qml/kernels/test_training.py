"""Alignment, bandwidth and trained kernels."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from qml.kernels import RBF, FidelityKernel, Kernel, Linear, ProjectedKernel, TrainedKernel, target_kernel
from qml.kernels import kernel_target_alignment as alignment
from qml.kernels.alignment_objective import AlignmentObjective
from simulator import Circuit, ParameterVector

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


def test_alignment_by_hand() -> None:
    K = np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.2], [0.1, 0.2, 1.0]])
    T = np.outer([1, 1, -1], [1, 1, -1])
    np.testing.assert_allclose(target_kernel([3, 3, 7]), T)
    plain = (K * T).sum() / np.sqrt((K**2).sum() * (T**2).sum())
    np.testing.assert_allclose(alignment(K, [3, 3, 7], centered=False), plain)
    H = np.eye(3) - 1 / 3
    K, T = H @ K @ H, H @ T @ H
    np.testing.assert_allclose(alignment(K, [3, 3, 7]), (K * T).sum() / np.sqrt((K**2).sum() * (T**2).sum()))


def test_targets() -> None:
    np.testing.assert_allclose(target_kernel(["a", "b", "c"]), [[1, -0.5, -0.5], [-0.5, 1, -0.5], [-0.5, -0.5, 1]])
    y = np.array([0.1, -0.7, 3.2])
    np.testing.assert_allclose(target_kernel(y), np.outer(y - y.mean(), y - y.mean()))


@pytest.mark.parametrize("train", ["bandwidth", "weights", "both"])
@pytest.mark.parametrize("centered", [True, False])
@pytest.mark.parametrize(
    "kernel",
    [
        FidelityKernel("qaoa", bandwidth=0.6, random_state=0),
        FidelityKernel("hubregtsen", bandwidth=0.6, random_state=0),
        ProjectedKernel("qaoa", bandwidth=0.6, random_state=0),
        ProjectedKernel("qaoa", bandwidth=0.6, random_state=0, order=2, outer="linear"),
        0.5 * RBF() + FidelityKernel("qaoa", bandwidth=0.6, random_state=0) * Linear(),
        FidelityKernel("qaoa", bandwidth=0.6, random_state=0) * FidelityKernel("qaoa", bandwidth=0.4, random_state=1),
        (0.3 * ProjectedKernel("qaoa", bandwidth=0.6, random_state=0) + FidelityKernel("zz", bandwidth=0.3) ** 2) ** 3,
    ],
    ids=["fidelity", "hubregtsen", "gaussian", "linear", "sum", "same circuit twice", "power"],
)
def test_gradient(kernel: Kernel, centered: bool, train: str) -> None:
    objective = AlignmentObjective.of(kernel.fit(X), X, Y, train, centered)
    weights, rows = objective.initial() + 0.1, np.arange(3, 20)
    value, gradient = objective.value_and_gradient(weights, rows)
    np.testing.assert_allclose(value, objective.value(weights, rows), atol=1e-12)
    K = clone(kernel).set_params(**objective.settings(weights)).fit(X)(X)[rows][:, rows]
    np.testing.assert_allclose(value, 1 - alignment(K, Y[rows], centered), atol=1e-12)
    step = 1e-5
    expected = [
        (objective.value(weights + d, rows) - objective.value(weights - d, rows)) / (2 * step)
        for d in step * np.eye(len(weights))
    ]
    np.testing.assert_allclose(gradient, expected, atol=1e-8)


def test_alignment_and_gradient_are_pennylanes() -> None:
    x, w = ParameterVector("x", 2), ParameterVector("w", 2)
    circuit = Circuit(2).ry(x[0], 0).ry(x[1], 1).crx(w[0], 0, 1).rz(w[1], 1).ry(x[0], 1).rx(x[1], 0)
    rows = np.array([[0.1, 0.7], [-0.4, 0.2], [1.1, -0.9], [0.5, 0.5]])
    kernel = FidelityKernel(circuit, inputs=x, weights=[0.3, -0.8]).fit(rows)
    objective = AlignmentObjective.of(kernel, rows, [1, -1, -1, 1], "weights", False)
    value, gradient = objective.value_and_gradient(objective.initial(), slice(None))
    # pennylane.kernels.target_alignment (0.45.1) of this circuit and its derivative by JAX
    np.testing.assert_allclose(1 - value, 0.18256026496992012, atol=1e-10)
    np.testing.assert_allclose(-gradient, [0.02659328895061497, -0.009541781694840308], atol=1e-10)


def test_gradient_through_a_data_function() -> None:
    objective = AlignmentObjective.of(FidelityKernel("zz", bandwidth=0.4).fit(X), X, Y, "bandwidth", True)
    weights = np.array([0.1, -0.2, 0.3])
    K = FidelityKernel("zz", **objective.settings(weights))(X)
    np.testing.assert_allclose(objective.value(weights, slice(None)), 1 - alignment(K, Y))
    step = 1e-5
    expected = [
        (objective.value(weights + d, slice(None)) - objective.value(weights - d, slice(None))) / (2 * step)
        for d in step * np.eye(3)
    ]
    np.testing.assert_allclose(objective.value_and_gradient(weights, slice(None))[1], expected, atol=1e-8)


@pytest.mark.parametrize("kernel", [FidelityKernel(bandwidth=0.2), ProjectedKernel(bandwidth=0.2)])
def test_training_aligns(kernel: Kernel) -> None:
    trained = TrainedKernel(kernel, epochs=15, learning_rate=0.1, batch_size=24, random_state=0).fit(X, Y)
    assert trained.alignment_ > trained.initial_alignment_ + 0.02
    np.testing.assert_allclose(alignment(kernel.fit(X)(X), Y), trained.initial_alignment_)
    np.testing.assert_allclose(alignment(trained(X), Y), trained.alignment_, atol=1e-9)
    assert trained.kernel_.bandwidth_.shape == (3,)
    again = TrainedKernel(kernel, epochs=15, learning_rate=0.1, batch_size=24, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(again(X), trained(X))
    features = trained.features(X)
    np.testing.assert_allclose(trained.gram(features[:3], features), trained(X[:3], X), atol=1e-12)


def test_parts_of_a_composite_kernel_are_trained_together() -> None:
    kernel = 0.5 * RBF(0.2) + FidelityKernel("zz", bandwidth=0.2) * ProjectedKernel("zz", bandwidth=0.2)
    trained = TrainedKernel(kernel, epochs=15, learning_rate=0.1, batch_size=24, random_state=0).fit(X, Y)
    assert trained.alignment_ > trained.initial_alignment_ + 0.02
    np.testing.assert_allclose(alignment(kernel.fit(X)(X), Y), trained.initial_alignment_)
    np.testing.assert_allclose(alignment(trained(X), Y), trained.alignment_, atol=1e-9)
    learnt = trained.kernel_.get_params()
    assert learnt["k1__kernel__gamma"] == 0.2
    assert learnt["k2__k1__bandwidth"].shape == learnt["k2__k2__bandwidth"].shape == (3,)
    assert not np.allclose(learnt["k2__k1__bandwidth"], learnt["k2__k2__bandwidth"])
    assert kernel.get_params()["k2__k1__bandwidth"] == 0.2


def test_sums_of_trained_kernels_train_each_on_its_own() -> None:
    trained = TrainedKernel(FidelityKernel("angle"), epochs=3, random_state=0)
    total = (trained + 0.5 * RBF(0.2)).fit(X, Y)
    np.testing.assert_allclose(total(X), clone(trained).fit(X, Y)(X) + 0.5 * RBF(0.2)(X), atol=1e-12)


def test_training_refuses() -> None:
    with pytest.raises(ValueError, match="needs y"):
        TrainedKernel().fit(X)
    with pytest.raises(ValueError, match="this one has none"):
        TrainedKernel(FidelityKernel(), train="weights").fit(X, Y)
    with pytest.raises(ValueError, match='"gaussian" or "linear"'):
        TrainedKernel(ProjectedKernel(outer="laplacian")).fit(X, Y)
    with pytest.raises(NotFittedError):
        TrainedKernel()(X)
    with pytest.raises(TypeError, match="must be a FidelityKernel"):
        TrainedKernel(RBF()).fit(X, Y)
    with pytest.raises(TypeError, match="must be a FidelityKernel.* composite kernel with one"):
        TrainedKernel(RBF() + 2 * Linear()).fit(X, Y)
    with pytest.raises(ValueError, match='"gaussian" or "linear"'):
        TrainedKernel(RBF() + ProjectedKernel(outer="laplacian")).fit(X, Y)


def test_bandwidth_by_alignment_and_by_variance() -> None:
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], 40)
    Z = rng.normal(size=(80, 4)) * 100 + 150.0 * y[:, None]
    with pytest.raises(NotFittedError, match="learnt from samples"):
        FidelityKernel(bandwidth="auto")(Z)
    found = FidelityKernel("iqp", bandwidth="auto").fit(Z, y)
    assert isinstance(found.bandwidth_, float)
    tried = [alignment(FidelityKernel("iqp", bandwidth=b / 100)(Z), y) for b in np.geomspace(0.01, 3, 40)]
    assert alignment(found(Z), y) > max(tried) - 0.02
    without = FidelityKernel("iqp", bandwidth="auto").fit(Z)
    above = np.triu_indices(80, 1)
    spread = [FidelityKernel("iqp", bandwidth=b / 100)(Z)[above].var() for b in np.geomspace(0.01, 3, 40)]
    assert without(Z)[above].var() > max(spread) * 0.95
    assert FidelityKernel("iqp", bandwidth="auto").fit(np.ones((5, 3))).bandwidth_ == 1.0
    with pytest.raises(ValueError, match="from -1 to 1"):
        FidelityKernel("chebyshev", bandwidth="auto").fit(Z + 1e7)


def test_bandwidth_is_the_largest_whose_alignment_is_nearly_the_best() -> None:
    y, Z = X[:, 0] > 0, X[:, [0, 1, 2, 0]]
    found = FidelityKernel("angle", bandwidth="auto").fit(Z, y).bandwidth_
    tried = [alignment(FidelityKernel("angle", bandwidth=b)(Z), y) for b in np.geomspace(0.01, 3, 200) / Z.std()]
    for factor, within in ((0.95, True), (1.1, False)):
        assert (alignment(FidelityKernel("angle", bandwidth=factor * found)(Z), y) > 0.979 * max(tried)) == within


@pytest.mark.parametrize("targets", ["two classes", "three classes", "numbers"])
def test_bandwidth_of_few_features_has_the_least_error_on_rows_left_out(targets: str) -> None:
    y = {"two classes": X[:, 0] > 0, "three classes": np.digitize(X[:, 0], [-0.3, 0.4]), "numbers": np.sin(3 * X[:, 0])}
    labels = y[targets]
    columns = labels[:, None] if targets == "numbers" else labels[:, None] == np.unique(labels)

    def error(bandwidth: float) -> float:
        """Mean squared error of ridge regressions that are solved without each row in turn."""
        K, errors = FidelityKernel("zz", bandwidth=bandwidth)(X), []
        for penalty in (0.1, 1.0):
            residuals = []
            for row in range(len(X)):
                others = np.arange(len(X)) != row
                n = others.sum()
                system = np.block([[K[np.ix_(others, others)] + penalty * np.eye(n), np.ones((n, 1))], [np.ones(n), 0]])
                solution = np.linalg.solve(system, np.vstack([columns[others], np.zeros(columns.shape[1])]))
                residuals.append(columns[row] - np.append(K[row, others], 1.0) @ solution)
            errors.append(np.mean(np.square(residuals)))
        return min(errors)

    found = FidelityKernel("zz", bandwidth="auto").fit(X, labels).bandwidth_
    assert error(found) <= min(map(error, np.geomspace(0.01, 3, 60) / X.std())) * 1.005


@pytest.mark.parametrize("size", [0.3, 5.0])
def test_bandwidth_stretches_nothing_beyond_a_domain(size: float) -> None:
    Z = np.random.default_rng(0).uniform(-size, size, (40, 2))
    kernel = FidelityKernel("chebyshev", bandwidth="auto").fit(Z, Z[:, 0] > 0)
    assert kernel.bandwidth_ <= min(1.0, 1 / np.abs(Z).max())


def test_a_kernel_of_other_samples_is_not_aligned() -> None:
    with pytest.raises(ValueError, match=r"K expects shape \(4, 4\), for as many targets in y, got \(3, 3\)"):
        alignment(np.eye(3), [0, 1, 0, 1])
