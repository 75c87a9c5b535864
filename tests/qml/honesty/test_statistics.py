"""Paired tests against SciPy, R's documented values, and formulas coded here a second time."""

import numpy as np
import pytest
from scipy import stats

from qml.honesty.statistics import (
    corrected_t_test,
    deviation,
    holm,
    paired_rows_test,
    sign_flip_test,
    signed_rank_test,
)

EXACT = 1e-12


@pytest.fixture
def differences():
    return np.random.default_rng(3).normal(0.02, 0.03, 10)


class TestCorrectedTTest:
    def test_formula_of_nadeau_and_bengio(self, differences):
        test = corrected_t_test(differences, train_rows=80, test_rows=20)
        variance = sum((d - sum(differences) / 10) ** 2 for d in differences) / 9
        error = ((1 / 10 + 20 / 80) * variance) ** 0.5
        assert test.error == pytest.approx(error, rel=EXACT)
        assert test.p_value == pytest.approx(2 * stats.t(9).sf(abs(differences.mean()) / error), rel=1e-9)
        assert test.effect == pytest.approx(differences.mean() / variance**0.5, rel=EXACT)

    def test_without_overlap_it_is_the_ordinary_t_test(self, differences):
        test = corrected_t_test(differences, train_rows=1.0, test_rows=0.0)
        ordinary = stats.ttest_1samp(differences, 0.0)
        assert test.p_value == pytest.approx(ordinary.pvalue, rel=1e-9)
        np.testing.assert_allclose(test.interval, ordinary.confidence_interval(0.95), rtol=1e-9)

    def test_fewer_false_alarms_than_the_ordinary_test_on_overlapping_splits(self):
        """Two models that are equally good: the means of overlapping halves of the same noise."""
        rng = np.random.default_rng(0)
        alarms = np.zeros(2)
        for _ in range(300):
            noise = rng.normal(size=60)
            splits = [rng.permutation(60) for _ in range(10)]
            scores = np.array([noise[s[:40]].mean() * 0.5 + noise[s[40:]].mean() for s in splits])
            alarms += [
                corrected_t_test(scores, 40, 20).p_value < 0.05,
                stats.ttest_1samp(scores, 0.0).pvalue < 0.05,
            ]
        corrected, ordinary = alarms / 300
        assert corrected < ordinary / 1.5

    def test_differences_that_are_all_equal(self):
        assert corrected_t_test([0.0, 0.0], 8, 2).p_value == 1.0
        assert corrected_t_test([0.1, 0.1, 0.1], 8, 2).p_value == 0.0

    def test_one_split_is_refused(self):
        with pytest.raises(ValueError, match="at least 2 splits, got 1"):
            corrected_t_test([0.1], 8, 2)


def test_rows_of_one_split_are_compared_by_the_paired_t_test():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 50))
    assert paired_rows_test(a - b).p_value == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-9)
    assert paired_rows_test([0.3]).p_value == 1.0


class TestSignedRank:
    def test_against_scipy(self):
        values = np.random.default_rng(2).normal(0.3, 1.0, 40)
        assert signed_rank_test(values) == pytest.approx(stats.wilcoxon(values).pvalue, rel=EXACT)

    def test_rows_without_a_difference_are_left_out(self):
        values = np.random.default_rng(2).normal(0.3, 1.0, 40)
        padded = np.concatenate([values, np.zeros(100)])
        assert signed_rank_test(padded) == pytest.approx(signed_rank_test(values), rel=EXACT)

    def test_right_or_wrong_is_mcnemars_exact_test(self):
        values = [1.0] * 8 + [-1.0] + [0.0] * 91
        assert signed_rank_test(values) == pytest.approx(stats.binomtest(8, 9).pvalue, rel=EXACT)

    def test_no_difference_at_all(self):
        assert signed_rank_test(np.zeros(7)) == 1.0


class TestSignFlips:
    @pytest.mark.parametrize("count", [5, 12])
    def test_against_all_flips(self, count):
        values = np.random.default_rng(count).normal(0.4, 1.0, count)
        reference = stats.permutation_test(
            (values,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
        )
        assert sign_flip_test(values) == pytest.approx(reference.pvalue, rel=EXACT)

    def test_many_differences_are_close_to_random_flips(self):
        rng = np.random.default_rng(0)
        values = np.concatenate([np.full(20, 5.0), np.full(60, -0.8)])
        flips = rng.choice([-1.0, 1.0], size=(20_000, 80)) @ values
        assert sign_flip_test(values) == pytest.approx(np.mean(np.abs(flips) >= values.sum()), abs=0.01)

    def test_equal_sizes_are_mcnemars_exact_test(self):
        assert sign_flip_test([2.0] * 8 + [-2.0]) == pytest.approx(stats.binomtest(8, 9).pvalue, rel=EXACT)
        assert sign_flip_test([]) == sign_flip_test([0.0]) == 1.0


class TestHolm:
    def test_documented_example_of_r(self):
        """``p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")`` in R."""
        np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02], rtol=EXACT)

    def test_against_step_down_rejections(self):
        values = np.random.default_rng(5).uniform(size=8) ** 3
        adjusted = holm(values)
        for level in (0.01, 0.05, 0.2):
            rejected, order = set(), np.argsort(values)
            for position, index in enumerate(order):
                if values[index] > level / (len(values) - position):
                    break
                rejected.add(index)
            assert rejected == set(np.flatnonzero(adjusted <= level))


def test_equal_values_have_no_deviation():
    assert deviation([0.5833333333333334] * 10) == 0.0  # 1.2e-16 by NumPy
    assert deviation([0.25, 0.5]) == pytest.approx(np.std([0.25, 0.5], ddof=1))
    assert np.isnan(deviation([0.5]))
