"""Quantities of a Gram matrix against scikit-learn, dense formulas and closed forms; pictures as files."""

import numpy as np
import pytest
from scipy.linalg import inv, sqrtm
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

from qml.assessment.kernels import (
    concentration,
    effective_dimension,
    geometric_difference,
    inspect_kernel,
    model_complexity,
    spectrum,
)
from qml.kernels import FidelityKernel


def two_matrices(n=30):
    X = np.random.default_rng(0).normal(size=(n, 3))
    return rbf_kernel(X, gamma=0.5), FidelityKernel("zz", bandwidth=0.3)(X)


class TestSpectrum:
    def test_of_the_identity_and_of_a_constant(self):
        np.testing.assert_allclose(spectrum(np.eye(4)), [0.25] * 4)
        np.testing.assert_allclose(spectrum(np.ones((4, 4))), [1, 0, 0, 0], atol=1e-15)

    def test_is_that_of_the_covariance_of_the_features(self):
        features = np.random.default_rng(1).normal(size=(50, 3))
        shares = spectrum(features @ features.T)
        np.testing.assert_allclose(shares[:3], np.linalg.eigvalsh(features.T @ features / 50)[::-1], rtol=1e-12)
        np.testing.assert_allclose(shares[3:], 0, atol=1e-13)


class TestEffectiveDimension:
    @pytest.mark.parametrize("alpha", [0.1, 1.0, 10.0])
    def test_is_the_trace_of_kernel_ridges_hat_matrix(self, alpha):
        K = two_matrices()[0]
        ridge = KernelRidge(alpha=alpha, kernel="precomputed").fit(K, np.eye(len(K)))
        assert effective_dimension(K, alpha) == pytest.approx(np.trace(ridge.predict(K)), rel=1e-10)

    def test_without_a_penalty_it_is_the_rank(self):
        assert effective_dimension(np.diag([1.0, 2.0, 0.0]), alpha=0) == 2


class TestGeometricDifference:
    @pytest.mark.parametrize("regularization", [0.0, 0.05, 2.0])
    def test_against_the_formula_in_matrices(self, regularization):
        classical, quantum = two_matrices()
        n = len(classical)
        root_q, root_c = sqrtm(quantum).real, sqrtm(classical).real
        middle = inv(classical + regularization * np.eye(n))
        expected = np.sqrt(np.linalg.norm(root_q @ root_c @ middle @ middle @ root_c @ root_q, ord=2))
        assert geometric_difference(classical, quantum, regularization) == pytest.approx(expected, rel=1e-6)

    def test_is_one_of_equal_kernels_and_does_not_depend_on_their_size(self):
        K = two_matrices()[0]
        assert geometric_difference(K, 7 * K) == pytest.approx(1, abs=1e-9)

    def test_is_the_root_of_n_at_most_where_the_classical_kernel_is_the_identity(self):
        assert geometric_difference(np.eye(25), np.ones((25, 25))) == pytest.approx(5)

    def test_singular_classical_kernels_need_a_regularization(self):
        with pytest.raises(ValueError, match=r"singular.*regularization must be above 0"):
            geometric_difference(np.ones((3, 3)), np.eye(3))
        assert geometric_difference(np.ones((3, 3)), np.eye(3), 0.1) > 0

    def test_matrices_of_different_samples(self):
        with pytest.raises(ValueError, match=r"same samples, got \(3, 3\) and \(2, 2\)"):
            geometric_difference(np.eye(3), np.eye(2))


class TestModelComplexity:
    @pytest.mark.parametrize("regularization", [0.0, 0.3])
    def test_against_the_formula_in_matrices(self, regularization):
        K = two_matrices()[0]
        y = np.random.default_rng(2).choice([-1.0, 1.0], len(K))
        middle = inv(K + regularization * np.eye(len(K)))
        assert model_complexity(5 * K, y, regularization) == pytest.approx(y @ middle @ K @ middle @ y, rel=1e-6)

    def test_labels_along_a_leading_eigenvector_cost_least(self):
        K = two_matrices()[0]
        eigenvalues, vectors = np.linalg.eigh(K)
        for k in (0, -1):
            assert model_complexity(K, vectors[:, k]) == pytest.approx(1 / eigenvalues[k], rel=1e-6)

    def test_one_label_a_sample(self):
        with pytest.raises(ValueError, match=r"shape \(3,\), got \(2,\)"):
            model_complexity(np.eye(3), [1, -1])


class TestConcentration:
    def test_of_angles_from_the_whole_circle(self):
        """An entry is a product of cos^2 of half a uniform angle: mean 2^-n, mean square (3/8)^n."""
        X = np.random.default_rng(3).uniform(-np.pi, np.pi, (600, 6))
        found = concentration(FidelityKernel("angle"), X)
        counts = found.num_features
        assert counts.tolist() == [2, 3, 4, 5, 6]
        np.testing.assert_allclose(found.means, 0.5**counts, rtol=0.05)
        np.testing.assert_allclose(found.deviations, np.sqrt(0.375**counts - 0.25**counts), rtol=0.05)
        slope = np.polyfit(counts, np.log(0.375**counts - 0.25**counts) / 2, 1)[0]
        assert found.decay == pytest.approx(np.exp(slope), abs=0.01)

    def test_a_smaller_bandwidth_prevents_it(self):
        X = np.random.default_rng(3).uniform(-1, 1, (100, 7))
        wide, narrow = (concentration(FidelityKernel("zz", bandwidth=b), X) for b in (1.0, 0.1))
        assert wide.decay < 0.65
        assert narrow.decay > 0.8
        assert "each feature multiplies the deviation by 0." in str(wide)

    @pytest.mark.parametrize("counts", [[2], [0, 2], [2, 4], [3, 3]])
    def test_numbers_of_features_that_make_no_sense(self, counts):
        with pytest.raises(ValueError, match=r"at least two of 1 \.\.\. 3"):
            concentration("zz", np.zeros((5, 3)), counts)


class TestInspection:
    @pytest.mark.parametrize(
        ("bandwidth", "verdict"),
        [(1.0, "nearly the identity"), (0.05, "neither constant nor the identity"), (1e-3, "nearly constant")],
    )
    def test_verdicts(self, bandwidth, verdict):
        X = np.random.default_rng(4).uniform(-1, 1, (60, 6))
        found = inspect_kernel(FidelityKernel("zz", bandwidth=bandwidth)(X), X[:, 0] > 0)
        assert found.verdict.startswith(verdict)
        assert "alignment with y" in str(found)

    def test_numbers(self):
        K = np.array([[4.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 9.0]])
        found = inspect_kernel(K)
        assert found.mean == pytest.approx(0.5 / 3)
        assert found.largest_share == pytest.approx(0.5)
        assert found.smallest_eigenvalue == pytest.approx(0.5)
        assert found.effective_dimension == pytest.approx(1.5 / 2.5 + 0.5 / 1.5 + 0.5)
        assert inspect_kernel(K, alpha=0.5).effective_dimension == pytest.approx(1.5 / 2 + 0.5 / 1 + 1 / 1.5)
        assert found.alignment is None
        assert "alignment" not in str(found)

    @pytest.mark.parametrize(
        ("K", "words"),
        [
            (np.ones((2, 3)), r"square Gram matrix, got shape \(2, 3\)"),
            ([[1.0, np.nan], [np.nan, 1.0]], "NaN"),
            ([[1.0, 0.5], [0.1, 1.0]], "symmetric, but entries differ from the transposed ones by 0.4"),
            ([[1.0]], "at least 2 samples"),
            ([[0.0, 0.0], [0.0, 1.0]], "positive diagonal, got 0"),
        ],
    )
    def test_what_is_no_gram_matrix(self, K, words):
        with pytest.raises(ValueError, match=words):
            inspect_kernel(K)


class TestPlots:
    K = two_matrices()[1]
    labels = np.where(np.arange(30) % 3, "rare", "a class with a long name")

    @pytest.mark.parametrize("y", [None, labels, np.linspace(0, 1, 30)], ids=["none", "classes", "numbers"])
    def test_matrix_is_sorted_by_class(self, y, tmp_path):
        plots = pytest.importorskip("qml.plots")
        figure = plots.plot_kernel_matrix(self.K, y, tmp_path / "matrix.png", title="ZZ")
        assert (tmp_path / "matrix.png").stat().st_size > 5000
        order = np.arange(30) if y is None else np.argsort(y, kind="stable")
        np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), self.K[np.ix_(order, order)])

    def test_spectrum_and_concentration(self, tmp_path):
        plots = pytest.importorskip("qml.plots")
        plots.plot_spectrum({"ZZ": self.K, "RBF": two_matrices()[0]}, tmp_path / "spectrum.png")
        found = concentration("angle", np.random.default_rng(0).normal(size=(10, 4)))
        figure = plots.plot_concentration({"angle": found}, tmp_path / "concentration.png")
        assert {path.name for path in tmp_path.iterdir()} == {"spectrum.png", "concentration.png"}
        np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), found.deviations)

    def test_labels_of_other_samples(self):
        plots = pytest.importorskip("qml.plots")
        with pytest.raises(ValueError, match=r"shape \(30,\), got \(3,\)"):
            plots.plot_kernel_matrix(self.K, [0, 1, 1])
