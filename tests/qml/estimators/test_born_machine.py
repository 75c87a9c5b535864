"""Born machines: probabilities by other means, divergences by definition, estimates without bias, bad input."""

import itertools

import numpy as np
import pennylane as qml_pennylane
import pytest
from scipy.stats import chisquare

from qml import BornMachine, ansatz_circuit
from qml.datasets import bars_and_stripes_patterns
from qml.estimators.own_objective.born_objective import DataDistribution, ExactObjective, SampledObjective
from qml.estimators.own_objective.divergences import MaximumMeanDiscrepancy, NegativeLogLikelihood, total_variation
from simulator import Circuit, NoiseModel, Parameter, depolarizing
from simulator.backends.numba_backend import NumbaBackend
from simulator.program.program import Program
from tests.qml.layers.differences import TOLERANCE, gradient

EXACT = 1e-12
PATTERNS = bars_and_stripes_patterns(2, 2)
BANDWIDTHS = (0.4, 1.0, 3.0)
ALL = slice(None)


def fitted(**settings):
    return BornMachine(**{"n_layers": 2, "epochs": 5, "random_state": 0} | settings).fit(PATTERNS)


def kernel_matrix(num_bits, bandwidths):
    strings = np.array(list(itertools.product([0, 1], repeat=num_bits)))[:, ::-1]  # row k holds the bits of k
    distances = np.linalg.norm(strings[:, None] - strings[None], axis=2) ** 2
    return np.mean([np.exp(-distances / (2 * s**2)) for s in bandwidths], axis=0)


def objective(loss, num_qubits=3, ansatz="strongly_entangling", **sampled):
    rng = np.random.default_rng(8)
    circuit = ansatz_circuit(ansatz, num_qubits, 2)
    data = DataDistribution(rng.integers(0, 2**num_qubits, 12), rng.uniform(0.5, 1.5, 12), num_qubits)
    weights = rng.normal(size=circuit.num_parameters)
    if sampled:
        return SampledObjective(data, None, loss, circuit, backend=NumbaBackend(), seed=(1,), **sampled), weights
    return ExactObjective(data, None, loss, Program(circuit, (), weights=circuit.parameters)), weights


class Remote:
    """Backend that only samples, as hardware does."""

    name = "remote"

    def sample(self, circuit, values=None, shots=None, *, resume=None):
        return NumbaBackend(seed=4).sample(circuit, values, shots)

    def expectations(self, *arguments, **options):
        raise AssertionError("a Born machine only samples")

    estimate = expectation_and_gradient = gradient = probabilities = plan = expectations


class TestDivergences:
    p, q = np.random.default_rng(0).dirichlet(np.full(16, 20.0), 2)

    def test_discrepancy_is_a_quadratic_form_of_the_kernel(self):
        K = kernel_matrix(4, BANDWIDTHS)
        mmd = MaximumMeanDiscrepancy(BANDWIDTHS, 4)
        np.testing.assert_allclose(mmd.smoothed(self.p), K @ self.p, atol=EXACT)
        assert mmd.value(self.p, self.q) == pytest.approx((self.p - self.q) @ K @ (self.p - self.q), abs=EXACT)

    def test_estimate_without_bias_is_the_mean_over_pairs_of_samples(self):
        K = kernel_matrix(4, BANDWIDTHS)
        draws = np.random.default_rng(1).integers(0, 16, 7)
        pairs = np.mean([K[a, b] for a, b in itertools.permutations(draws, 2)])
        expected = pairs - 2 * (K[draws] @ self.q).mean() + self.q @ K @ self.q
        frequencies = np.bincount(draws, minlength=16) / 7
        estimate = MaximumMeanDiscrepancy(BANDWIDTHS, 4).unbiased_value(frequencies, 7, self.q)
        assert estimate == pytest.approx(expected, abs=EXACT)

    def test_likelihood(self):
        draws = np.array([3, 3, 5])
        target = np.bincount(draws, minlength=16) / 3
        assert NegativeLogLikelihood().value(self.p, target) == pytest.approx(-np.log(self.p[draws]).mean(), abs=1e-9)

    def test_total_variation_is_the_largest_difference_of_an_event(self):
        events = np.array(list(itertools.product([0, 1], repeat=6)))
        p, q = np.random.default_rng(2).dirichlet(np.ones(6), 2)
        assert total_variation(p, q) == pytest.approx((events @ (p - q)).max(), abs=EXACT)

    @pytest.mark.parametrize("loss", [MaximumMeanDiscrepancy(BANDWIDTHS, 4), NegativeLogLikelihood()])
    def test_gradients(self, loss):
        differences = gradient(lambda p: loss.value(p, self.q), self.p)
        np.testing.assert_allclose(loss.gradient(self.p, self.q), differences, rtol=1e-6, atol=TOLERANCE)


class TestObjectives:
    @pytest.mark.parametrize("loss", [MaximumMeanDiscrepancy(BANDWIDTHS, 3), NegativeLogLikelihood()])
    @pytest.mark.parametrize("ansatz", ["strongly_entangling", "iqp"])
    @pytest.mark.parametrize("rows", [ALL, np.array([1, 4, 7])], ids=["all", "some"])
    def test_gradient_is_the_derivative(self, loss, ansatz, rows):
        exact, weights = objective(loss, ansatz=ansatz)
        value, by_weights = exact.value_and_gradient(weights, rows)
        assert value == pytest.approx(exact.value(weights, rows), abs=EXACT)
        np.testing.assert_allclose(by_weights, gradient(lambda w: exact.value(w, rows), weights), atol=TOLERANCE)

    @pytest.mark.parametrize("shots", [3, 50])
    def test_estimates_have_no_bias(self, shots):
        loss = MaximumMeanDiscrepancy(BANDWIDTHS, 3)
        exact, weights = objective(loss)
        sampled, _ = objective(loss, shots=shots)
        value, by_weights = exact.value_and_gradient(weights, ALL)
        drawn = [sampled.for_step([seed]).value_and_gradient(weights, ALL) for seed in range(400)]
        for estimates, truth in (
            (np.array([v for v, _ in drawn]), value),
            (np.array([g for _, g in drawn]), by_weights),
        ):
            errors = estimates.std(axis=0) / np.sqrt(len(estimates))
            assert (np.abs(estimates.mean(axis=0) - truth) < 4.5 * errors + EXACT).all()

    def test_samples_come_from_the_seed_alone(self, monkeypatch):
        sampled, weights = objective(MaximumMeanDiscrepancy(BANDWIDTHS, 3), shots=20)
        first = sampled.value_and_gradient(weights, ALL)
        sampled.for_step([9]).value(weights, ALL)
        again = sampled.value_and_gradient(weights, ALL)
        assert first[0] == again[0]
        np.testing.assert_array_equal(first[1], again[1])
        monkeypatch.setattr("qml.estimators.own_objective.born_objective.MOST_PROBABILITIES", 64)
        np.testing.assert_array_equal(sampled.value_and_gradient(weights, ALL)[1], first[1])


class TestProbabilities:
    def test_against_pennylane(self):
        born = fitted(n_layers=3)
        device = qml_pennylane.device("default.qubit", wires=4)

        @qml_pennylane.qnode(device)
        def probabilities(weights):
            qml_pennylane.StronglyEntanglingLayers(weights, wires=range(4))
            return qml_pennylane.probs(wires=range(3, -1, -1))  # the last wire of the list is the lowest bit

        np.testing.assert_allclose(born.probabilities_, probabilities(born.weights_.reshape(3, 4, 3)), atol=EXACT)

    def test_iqp_against_dense_matrices(self):
        born = fitted(ansatz="iqp", n_layers=1)
        hadamard = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
        H = np.kron(np.kron(hadamard, hadamard), np.kron(hadamard, hadamard))
        z = 1 - 2 * (np.arange(16)[:, None] >> np.arange(4) & 1)
        groups = [(q,) for q in range(4)] + list(itertools.combinations(range(4), 2))
        phases = sum(w * z[:, list(group)].prod(axis=1) for w, group in zip(born.weights_, groups, strict=True))
        expected = np.abs(H @ (np.exp(-0.5j * phases) * H[:, 0])) ** 2
        np.testing.assert_allclose(born.probabilities_, expected, atol=EXACT)

    def test_scores_are_log_likelihoods(self):
        born = fitted()
        codes = PATTERNS.astype(int) @ [1, 2, 4, 8]
        np.testing.assert_allclose(born.score_samples(PATTERNS), np.log(born.probabilities_[codes]))
        assert born.score(PATTERNS) == pytest.approx(np.log(born.probabilities_[codes]).mean())
        impossible = BornMachine(Circuit(1).rz(Parameter("w"), 0), epochs=1).fit([[0], [0]])
        assert impossible.score([[1]]) == -np.inf

    def test_samples_follow_the_probabilities(self):
        born = fitted(epochs=2)
        rows = born.sample(20000, random_state=1)
        assert rows.shape == (20000, 4)
        counts = np.bincount(rows @ [1, 2, 4, 8], minlength=16)
        assert chisquare(counts, 20000 * born.probabilities_).pvalue > 1e-3
        np.testing.assert_array_equal(rows, born.sample(20000, random_state=1))

    def test_distances_of_rows_and_of_probabilities(self):
        born = fitted()
        target = np.zeros(16)
        target[PATTERNS.astype(int) @ [1, 2, 4, 8]] = 1 / 6
        assert born.total_variation(PATTERNS) == pytest.approx(np.abs(born.probabilities_ - target).sum() / 2)
        assert born.total_variation(target) == born.total_variation(PATTERNS)
        difference = born.probabilities_ - target
        assert born.mmd(target) == pytest.approx(difference @ kernel_matrix(4, born.bandwidths) @ difference)


class TestLearning:
    @pytest.mark.parametrize("settings", [{}, {"loss": "nll"}, {"ansatz": "iqp", "n_layers": 2}])
    def test_bars_and_stripes_need_entanglement(self, settings):
        born = BornMachine(random_state=0, **settings).fit(PATTERNS)
        assert born.total_variation(PATTERNS) < 0.05
        assert born.without_entanglement().fit(PATTERNS).total_variation(PATTERNS) > 0.5

    def test_integers(self):
        integers = PATTERNS.astype(int) @ [[1], [2], [4], [8]]
        born = BornMachine(n_layers=2, epochs=5, n_bits=4, random_state=0)
        born.fit(integers)
        np.testing.assert_array_equal(born.probabilities_, fitted().probabilities_)
        assert born.sample(5).shape == (5, 1)
        np.testing.assert_array_equal(born.score_samples(integers), fitted().score_samples(PATTERNS))

    def test_a_threshold_makes_bits(self):
        noisy = PATTERNS + np.random.default_rng(0).uniform(-0.4, 0.4, PATTERNS.shape)
        born = BornMachine(n_layers=2, epochs=5, random_state=0, binarize=0.5).fit(noisy)
        np.testing.assert_array_equal(born.weights_, fitted().weights_)

    @pytest.mark.parametrize("optimizer", ["adam", "spsa"])
    def test_from_samples_with_noise(self, optimizer):
        noise = NoiseModel(after_2q=depolarizing(0.02))
        settings = {"n_layers": 1, "shots": 300, "noise": noise, "optimizer": optimizer, "random_state": 0}
        before = BornMachine(epochs=0, **settings)
        with pytest.warns(match="epochs"):
            before.fit(PATTERNS)
        after = BornMachine(epochs=40, **settings).fit(PATTERNS)
        assert after.mmd(PATTERNS) < 0.8 * before.mmd(PATTERNS)
        density = np.diag(after.circuit_.density_matrix(after.weights_, noise=noise)).real
        np.testing.assert_allclose(after.probabilities_, density, atol=EXACT)

    def test_on_a_backend(self):
        born = BornMachine(n_layers=1, epochs=3, shots=200, backend=Remote(), random_state=0).fit(PATTERNS)
        assert born.loss_history_[-1] < born.loss_history_[0]
        rows = born.sample(50, random_state=0)
        assert rows.shape == (50, 4)
        assert not np.array_equal(rows, born.sample(50, random_state=0, backend="numba"))


@pytest.mark.parametrize(
    ("settings", "X", "message"),
    [
        ({}, [[0.0, 0.5]], r"zeros and ones, X holds 0.5 in row 0, column 1; set binarize to a threshold, or n_bits"),
        ({"n_bits": 2}, [[0], [4]], r"one column of integers from 0 to 3, got 1 columns of numbers from 0 to 4"),
        ({"n_bits": 2}, [[0, 1]], "got 2 columns"),
        ({"n_bits": 30}, [[0]], "at most 24 bits; X has 30"),
        ({"loss": "nll", "shots": 10}, [[0, 1]], "loss='nll' needs exact probabilities"),
        ({"loss": "kl"}, [[0, 1]], "loss"),
        ({"noise": NoiseModel(after_2q=depolarizing(0.1))}, [[0, 1]], "set shots, such as shots=1024"),
        ({"bandwidths": (1.0, -1.0)}, [[0, 1]], "bandwidths expects one or more positive numbers"),
        ({"shots": 1}, [[0, 1]], "shots expects an integer of 2 or more"),
        (
            {"ansatz": Circuit(3).rx(Parameter("w"), 0)},
            [[0, 1]],
            "the circuit has 3 qubits, expected one for each of 2",
        ),
        ({"ansatz": Circuit(2).h(0)}, [[0, 1]], "nothing to train: the circuit has no parameters"),
        ({"binarize": 0.5, "n_bits": 2}, [[0]], "binarize expects a number, for X with a column per bit"),
    ],
)
def test_bad_input(settings, X, message):
    with pytest.raises(ValueError, match=message):
        BornMachine(**settings).fit(X)


def test_bad_probabilities():
    with pytest.raises(ValueError, match="16 probabilities with sum 1, got 3 numbers between 0.1 and 0.7 with sum 1"):
        fitted().mmd([0.1, 0.2, 0.7])
