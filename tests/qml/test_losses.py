"""Every loss: its value against scikit-learn or SciPy, its derivative against central differences."""

import pickle

import numpy as np
import pytest
import scipy.special
from sklearn import metrics

from qml.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Hinge,
    Huber,
    SquaredError,
    class_targets,
    get_loss,
    gives_probabilities,
    loss_for_classes,
    value_and_gradient,
)
from simulator.errors import UnknownNameError

N_SAMPLES = 40


def problem(name: str, n_outputs: int, scale: float = 1.0):
    """Outputs and targets of the kind the loss takes."""
    rng = np.random.default_rng(5)
    outputs = scale * rng.normal(size=(N_SAMPLES, n_outputs))
    if name in ("mse", "mae", "huber"):
        y = rng.normal(size=outputs.shape if n_outputs > 1 else N_SAMPLES)
    elif name == "binary_cross_entropy":
        y = rng.integers(2, size=N_SAMPLES)
    elif name == "hinge" and n_outputs == 1:
        y = 2 * rng.integers(2, size=N_SAMPLES) - 1
    else:
        y = rng.integers(n_outputs, size=N_SAMPLES)
    return outputs, y


CASES = [
    (name, n_outputs)
    for name in LOSSES
    for n_outputs in (1, 2, 3)
    if not (name == "cross_entropy" and n_outputs == 1) and not (name == "binary_cross_entropy" and n_outputs > 1)
]


def test_every_loss_has_a_case():
    assert {name for name, _ in CASES} == set(LOSSES)


@pytest.mark.parametrize(("name", "n_outputs"), CASES)
def test_value_and_gradient_are_those_of_the_two_calls(name, n_outputs):
    loss = get_loss(name)
    outputs, y = problem(name, n_outputs)
    values, slopes = value_and_gradient(loss)(outputs, y)
    np.testing.assert_array_equal(values, loss.value(outputs, y))
    np.testing.assert_array_equal(slopes, loss.gradient(outputs, y))
    for same in (np.asfortranarray(outputs), outputs[::-1][::-1]):
        np.testing.assert_array_equal(value_and_gradient(loss)(same, y)[1], slopes)


def test_a_subclass_that_redefines_one_of_them_is_asked_for_both():
    class Doubled(SquaredError):
        def value(self, outputs, y):
            return 2.0 * super().value(outputs, y)

        def gradient(self, outputs, y):
            return 2.0 * super().gradient(outputs, y)

    outputs, y = problem("mse", 1)
    values, slopes = value_and_gradient(Doubled())(outputs, y)
    np.testing.assert_allclose(values, 2.0 * (outputs[:, 0] - y) ** 2, rtol=1e-15)
    np.testing.assert_allclose(slopes[:, 0], 4.0 * (outputs[:, 0] - y), rtol=1e-15)


@pytest.mark.parametrize(("name", "n_outputs"), CASES)
def test_what_is_not_finite_is_seen(name, n_outputs):
    outputs, y = problem(name, n_outputs)
    for column in range(n_outputs):
        broken = outputs.copy()
        broken[3, column] = np.nan
        values = get_loss(name).value(broken, y)
        assert np.isnan(values[3]) or (name == "hinge" and n_outputs == 3)
        assert np.isfinite(np.delete(values, 3)).all()


@pytest.mark.parametrize(("name", "n_outputs"), CASES)
def test_gradient_equals_central_differences(name, n_outputs):
    loss = get_loss(name)
    outputs, y = problem(name, n_outputs)
    step = 1e-6  # far smaller than the distance of any of these samples to a kink
    gradient = loss.gradient(outputs, y)
    assert gradient.shape == outputs.shape
    for k in range(n_outputs):
        shift = np.zeros_like(outputs)
        shift[:, k] = step
        difference = (loss.value(outputs + shift, y) - loss.value(outputs - shift, y)) / (2 * step)
        np.testing.assert_allclose(gradient[:, k], difference, atol=1e-8)


@pytest.mark.parametrize("n_outputs", [1, 3])
def test_regression_losses_equal_scikit_learn(n_outputs):
    outputs, y = problem("mse", n_outputs)
    y_table = y.reshape(outputs.shape)
    assert get_loss("mse").value(outputs, y).mean() == pytest.approx(metrics.mean_squared_error(y_table, outputs))
    assert get_loss("mae").value(outputs, y).mean() == pytest.approx(metrics.mean_absolute_error(y_table, outputs))


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.5])
def test_huber_equals_scipy(delta):
    outputs, y = problem("huber", 1)
    np.testing.assert_allclose(
        Huber(delta).value(outputs, y), scipy.special.huber(delta, outputs[:, 0] - y), rtol=1e-14, atol=1e-16
    )


def test_binary_cross_entropy_equals_scikit_learn():
    outputs, y = problem("binary_cross_entropy", 1)
    expected = metrics.log_loss(y, scipy.special.expit(outputs[:, 0]))
    assert get_loss("binary_cross_entropy").value(outputs, y).mean() == pytest.approx(expected, rel=1e-12)


def test_cross_entropy_equals_scikit_learn():
    outputs, y = problem("cross_entropy", 4)
    expected = metrics.log_loss(y, scipy.special.softmax(outputs, axis=1), labels=range(4))
    assert get_loss("cross_entropy").value(outputs, y).mean() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_label_smoothing_shares_a_part_of_each_target_among_all_classes(n_outputs):
    smoothing, num_classes = 0.3, max(n_outputs, 2)
    outputs, y = problem("cross_entropy", num_classes)
    targets = (1 - smoothing) * np.eye(num_classes)[y] + smoothing / num_classes
    expected = -(targets * scipy.special.log_softmax(outputs, axis=1)).sum(axis=1)
    slopes = scipy.special.softmax(outputs, axis=1) - targets
    if n_outputs == 1:
        outputs, slopes = outputs[:, 1:] - outputs[:, :1], slopes[:, 1:]
    loss = loss_for_classes(get_loss("cross_entropy", label_smoothing=smoothing), num_classes)
    assert loss == (BinaryCrossEntropy if n_outputs == 1 else CrossEntropy)(smoothing)
    np.testing.assert_allclose(loss.value(outputs, y), expected, rtol=1e-13)
    np.testing.assert_allclose(loss.gradient(outputs, y), slopes, rtol=1e-13, atol=1e-15)
    with pytest.raises(ValueError, match="cross_entropy takes y"):
        loss.value(outputs, y + num_classes)


@pytest.mark.parametrize("kind", [CrossEntropy, BinaryCrossEntropy])
@pytest.mark.parametrize("smoothing", [-0.1, 1.0, np.nan, "0.2", None])
def test_label_smoothing_out_of_range(kind, smoothing):
    with pytest.raises(ValueError, match="label_smoothing expects a number of 0 or more and below 1, got"):
        kind(smoothing)


@pytest.mark.parametrize("n_outputs", [1, 4])
def test_hinge_equals_scikit_learn(n_outputs):
    outputs, y = problem("hinge", n_outputs)
    decision = outputs[:, 0] if n_outputs == 1 else outputs
    expected = metrics.hinge_loss(y, decision, labels=None if n_outputs == 1 else range(n_outputs))
    assert get_loss("hinge").value(outputs, y).mean() == pytest.approx(expected)


def test_cross_entropy_of_two_logits_is_binary_cross_entropy_of_their_difference():
    outputs, y = problem("cross_entropy", 2)
    difference = outputs[:, 1:] - outputs[:, :1]
    np.testing.assert_allclose(
        get_loss("cross_entropy").value(outputs, y), get_loss("binary_cross_entropy").value(difference, y), rtol=1e-13
    )


@pytest.mark.parametrize("logit", [40.0, 700.0, 1e6, 1e300])
def test_cross_entropies_keep_their_digits_for_extreme_logits(logit):
    tail = np.exp(-logit)  # to first order what is lost when the model is right
    right, wrong = np.array([1]), np.array([0])

    binary = get_loss("binary_cross_entropy")
    z = np.array([[logit]])
    np.testing.assert_allclose(binary.value(z, right), [tail], rtol=1e-14)
    np.testing.assert_allclose(binary.gradient(z, right), [[-tail]], rtol=1e-14)
    np.testing.assert_allclose(binary.value(z, wrong), [logit], rtol=1e-14)
    np.testing.assert_allclose(binary.gradient(z, wrong), [[1.0]], rtol=1e-14)

    categorical = get_loss("cross_entropy")
    z = np.array([[0.0, logit, 0.0]])
    np.testing.assert_allclose(categorical.value(z, right), [2 * tail], rtol=1e-14)
    np.testing.assert_allclose(categorical.gradient(z, right), [[tail, -2 * tail, tail]], rtol=1e-14)
    np.testing.assert_allclose(categorical.value(z, wrong), [logit], rtol=1e-14)
    np.testing.assert_allclose(categorical.gradient(z, wrong), [[-1.0, 1.0, tail]], rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "n_outputs", "y"),
    [
        ("mse", 3, np.zeros(5)),
        ("mse", 1, np.zeros(1)),
        ("mae", 1, np.zeros((5, 2))),
        ("binary_cross_entropy", 2, np.zeros(5)),
        ("binary_cross_entropy", 1, np.full(5, -1)),
        ("binary_cross_entropy", 1, np.full(5, np.nan)),
        ("cross_entropy", 1, np.zeros(5, dtype=int)),
        ("cross_entropy", 3, np.full(5, -1)),
        ("cross_entropy", 3, np.full(5, 3)),
        ("cross_entropy", 3, np.zeros(5)),
        ("cross_entropy", 3, np.zeros((5, 3), dtype=int)),
        ("hinge", 1, np.zeros(5, dtype=int)),
        ("hinge", 3, np.full(5, -1)),
    ],
)
def test_targets_that_do_not_fit_are_refused(name, n_outputs, y):
    with pytest.raises(ValueError, match="got"):
        get_loss(name).value(np.zeros((5, n_outputs)), y)
    with pytest.raises(ValueError, match="got"):
        get_loss(name).gradient(np.zeros((5, n_outputs)), y)


class CubicError:
    def value(self, outputs, y):
        return np.abs(outputs[:, 0] - y) ** 3

    def gradient(self, outputs, y):
        return 3 * np.square(outputs - y[:, None]) * np.sign(outputs - y[:, None])


def test_a_loss_of_ones_own_is_taken_as_it_is():
    own = CubicError()
    assert get_loss(own) is own


def test_wrong_names_and_objects():
    with pytest.raises(UnknownNameError, match="did you mean 'cross_entropy'"):
        get_loss("crossentropy")
    for wrong in (CubicError, 3, None):
        with pytest.raises(TypeError, match="name or an object with value and gradient"):
            get_loss(wrong)
    for delta in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="delta"):
            Huber(delta)


def test_losses_are_values():
    for loss in map(get_loss, LOSSES):
        assert pickle.loads(pickle.dumps(loss)) == loss
    assert Huber(0.5) != Huber()


class TestClasses:
    """What a loss says to a classifier."""

    indices = np.array([0, 1, 1])

    def test_targets(self):
        for loss in (SquaredError(), AbsoluteError(), Huber(), Hinge()):
            assert class_targets(loss, self.indices, 2).tolist() == [-1, 1, 1]
        for loss in (SquaredError(), AbsoluteError(), Huber()):
            assert class_targets(loss, self.indices, 3).tolist() == [[1, -1, -1], [-1, 1, -1], [-1, 1, -1]]
        for loss in (CrossEntropy(), Hinge()):
            assert class_targets(loss, self.indices, 3) is self.indices
        assert class_targets(BinaryCrossEntropy(), self.indices, 2) is self.indices

    @pytest.mark.parametrize("num_classes", [2, 3])
    @pytest.mark.parametrize("name", LOSSES)
    def test_every_loss_takes_the_targets_it_asks_for(self, name, num_classes):
        loss = loss_for_classes(name, num_classes)
        outputs = np.random.default_rng(0).normal(size=(3, 1 if num_classes == 2 else num_classes))
        assert np.isfinite(loss.value(outputs, class_targets(loss, self.indices, num_classes))).all()

    def test_cross_entropy_is_chosen_by_the_number_of_classes(self):
        for name in ("cross_entropy", "binary_cross_entropy"):
            assert loss_for_classes(name, 2) == BinaryCrossEntropy()
            assert loss_for_classes(name, 3) == CrossEntropy()
        assert loss_for_classes("hinge", 2) == get_loss("hinge")

    def test_only_logits_give_probabilities(self):
        assert {name for name in LOSSES if gives_probabilities(name)} == {"cross_entropy", "binary_cross_entropy"}

    def test_a_loss_of_ones_own_may_say_nothing_or_all_of_it(self):
        class Silent:
            value = gradient = staticmethod(lambda outputs, y: outputs)

        class Telling(Silent):
            gives_probabilities = True

            def class_targets(self, indices, num_classes):
                return indices + num_classes

        assert class_targets(Silent(), self.indices, 2) is self.indices
        assert not gives_probabilities(Silent())
        assert class_targets(Telling(), self.indices, 4).tolist() == [4, 5, 5]
        assert gives_probabilities(Telling())
