"""Weights of samples and classes: what makes no sense is refused, by every estimator that takes them."""

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_class_weight

from qml import QuantumKernelClassifier, QuantumKernelRidge, VariationalClassifier, VariationalRegressor
from qml.features import AngleScaler
from qml.weights import checked_sample_weight, weighted_by_class

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)

CLASSIFIERS = [VariationalClassifier(epochs=2, random_state=0), QuantumKernelClassifier("rbf")]


@pytest.fixture(params=CLASSIFIERS, ids=lambda estimator: type(estimator).__name__)
def classifier(request):
    return request.param


class TestClassWeight:
    @pytest.mark.parametrize("weight", [np.nan, np.inf, -1, 0, "2", 1j, None])
    def test_weights_that_are_not_positive_numbers(self, classifier, weight):
        classifier.set_params(class_weight={1: 1.0, 0: weight})
        with pytest.raises(ValueError, match="class_weight expects positive finite numbers, got .* for class 0"):
            classifier.fit(X, Y)

    @pytest.mark.parametrize("weights", [{0: 0, 1: 0}, {0: -1, 1: -1}])
    def test_no_class_counts(self, classifier, weights):
        with pytest.raises(ValueError, match="class_weight"):
            classifier.set_params(class_weight=weights).fit(X, Y)

    @pytest.mark.parametrize("weights", [{7: 1}, {0: 1, "one": 2}])
    def test_a_class_that_does_not_exist_as_in_scikit_learn(self, classifier, weights):
        with pytest.raises(ValueError, match="not in class_weight"):
            SVC(class_weight=weights).fit(X, Y)
        with pytest.raises(ValueError, match="class_weight names .* not among the classes"):
            classifier.set_params(class_weight=weights).fit(X, Y)

    def test_more_classes_than_there_are_as_in_scikit_learn(self, classifier):
        both = classifier.set_params(class_weight={0: 1.0, 1: 2.0}).fit(X, Y).decision_function(X)
        more = classifier.set_params(class_weight={0: 1.0, 1: 2.0, 7: 3.0}).fit(X, Y).decision_function(X)
        np.testing.assert_array_equal(more, both)

    @pytest.mark.parametrize("weights", ["equal", [1.0, 2.0], 3])
    def test_what_is_neither_a_dict_nor_balanced(self, classifier, weights):
        with pytest.raises(ValueError, match="class_weight expects a dict, 'balanced' or None"):
            classifier.set_params(class_weight=weights).fit(X, Y)

    @pytest.mark.parametrize("weights", [{0: 1e308, 1: 1e308}, {0: 1e-300, 1: 1.0}])
    def test_products_beyond_doubles(self, classifier, weights):
        with pytest.raises(ValueError, match="range of doubles"):
            classifier.set_params(class_weight=weights).fit(X, Y, sample_weight=np.full(40, 1e-100) + 1.0 * (Y > 0))

    @pytest.mark.parametrize("weights", [None, "balanced", {"a": 2.0}, {"a": np.float32(0.5), "b": 3}])
    def test_product_is_scikit_learns(self, weights):
        labels, sample_weight = np.array(["a", "b"])[Y], rng.uniform(0.5, 2, 40)
        factors = compute_class_weight(weights, classes=np.array(["a", "b"]), y=labels, sample_weight=sample_weight)
        out = weighted_by_class(weights, np.array(["a", "b"]), Y, sample_weight)
        np.testing.assert_array_equal(out, sample_weight * factors[Y])

    def test_a_label_never_seen_in_a_later_batch(self):
        classifier = VariationalClassifier(random_state=0, class_weight={0: 1.0, 1: 2.0})
        classifier.partial_fit(X, Y, classes=[0, 1])
        with pytest.raises(ValueError, match=r"not among the classes \[0 1\]: \[5\]"):
            classifier.partial_fit(X[:1], [5])


class TestSampleWeight:
    @pytest.mark.parametrize(
        "estimator",
        [
            *CLASSIFIERS,
            VariationalRegressor(epochs=2, random_state=0),
            QuantumKernelRidge("rbf"),
            AngleScaler(n_std=1.0),
        ],
        ids=lambda estimator: type(estimator).__name__,
    )
    @pytest.mark.parametrize(
        ("weight", "message"),
        [
            (1e308, "sample_weight adds up to more than a double holds: the largest is 1e\\+308"),
            (0.0, "at least one non-zero"),
            (-1.0, "Negative values"),
            (np.nan, "NaN"),
        ],
    )
    def test_weights_that_make_no_sense(self, estimator, weight, message):
        with pytest.raises(ValueError, match=message):
            estimator.fit(X, Y, sample_weight=np.full(40, weight))

    def test_weights_that_do(self):
        np.testing.assert_array_equal(checked_sample_weight(None, X), np.ones(40))
        np.testing.assert_array_equal(checked_sample_weight(np.full(40, 4e306), X), np.full(40, 4e306))


class TestClassesOfPartialFit:
    @pytest.mark.parametrize("classes", [[0, 1, 2], [0], [1, 2], ["0", "1"]])
    @pytest.mark.parametrize("first", ["fit", "partial_fit"])
    def test_other_classes_later_as_in_scikit_learn(self, classes, first):
        for estimator in (SGDClassifier(random_state=0), VariationalClassifier(epochs=2, random_state=0)):
            estimator.fit(X, Y) if first == "fit" else estimator.partial_fit(X, Y, classes=[0, 1])
            with pytest.raises(ValueError, match="is not the same as on last call|is not the same as on the last call"):
                estimator.partial_fit(X, Y, classes=classes)

    def test_the_same_classes_later(self):
        once = VariationalClassifier(random_state=0).partial_fit(X, Y, classes=[0, 1]).partial_fit(X, Y)
        again = VariationalClassifier(random_state=0).partial_fit(X, Y, classes=[1, 0]).partial_fit(X, Y, [0, 1])
        np.testing.assert_array_equal(again.weights_, once.weights_)

    def test_labels_outside_the_classes_leave_nothing_learnt(self):
        classifier = VariationalClassifier(random_state=0)
        with pytest.raises(ValueError, match="not among the classes"):
            classifier.partial_fit(X, Y, classes=[1, 2])
        with pytest.raises(ValueError, match="classes must be passed on the first call"):
            classifier.partial_fit(X, Y)
