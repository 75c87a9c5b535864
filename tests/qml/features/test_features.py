"""The transformers: scikit-learn's checks, and what each computes against a slow and obvious reference."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from qml.features import AngleScaler, ImagePooling, QubitReducer, SumFeatures, tabular_preprocessor

RNG_SEED = 20240


@parametrize_with_checks(
    [
        AngleScaler(),
        AngleScaler(n_std=3.0, clip=True),
        SumFeatures(),
        SumFeatures(groups=2),
        ImagePooling(),
        QubitReducer(),
        QubitReducer(n_qubits=1),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


class TestAngleScaler:
    def test_lowest_and_highest_value_get_the_ends_of_the_range(self):
        X = np.random.default_rng(RNG_SEED).normal(size=(50, 4)) * [1, 10, 1e-6, 1e6] + [0, 5, 0, -1e6]
        angles = AngleScaler((0.5, 2.0)).fit_transform(X)
        np.testing.assert_allclose(angles.min(axis=0), 0.5, atol=1e-12)
        np.testing.assert_allclose(angles.max(axis=0), 2.0, atol=1e-12)
        assert (np.argsort(angles, axis=0) == np.argsort(X, axis=0)).all()

    def test_n_std_maps_mean_plus_minus_n_std(self):
        X = np.random.default_rng(RNG_SEED).normal(size=(50, 3)) * [1, 10, 0.1] + [0, 5, -7]
        scaler = AngleScaler((-1.0, 1.0), n_std=2.0).fit(X)
        ends = np.stack([X.mean(axis=0) - 2 * X.std(axis=0), X.mean(axis=0) + 2 * X.std(axis=0)])
        np.testing.assert_allclose(scaler.transform(ends), [[-1] * 3, [1] * 3], atol=1e-12)

    @pytest.mark.parametrize("value", [0.0, 5.0, 0.1, 1e300])
    @pytest.mark.parametrize("n_std", [None, 3.0])
    def test_constant_column_gets_the_middle_even_for_new_values(self, value, n_std):
        X = np.column_stack([np.full(30, value), np.arange(30.0)])
        scaler = AngleScaler((0.0, 1.0), n_std=n_std).fit(X)
        angles = scaler.transform([[value, 1.0], [value + 3.0, 1.0]])
        np.testing.assert_allclose(angles[:, 0], 0.5, atol=1e-12)
        np.testing.assert_allclose(scaler.inverse_transform(angles)[:, 0], value)

    def test_outside_values_are_kept_unless_clipped(self):
        X = [[0.0], [1.0]]
        assert AngleScaler((-1.0, 1.0)).fit(X).transform([[2.0]]).item() == pytest.approx(3.0)
        assert AngleScaler((-1.0, 1.0), clip=True).fit(X).transform([[2.0]]).item() == 1.0

    @pytest.mark.parametrize("n_std", [None, 1.5])
    def test_inverse_transform(self, n_std):
        X = np.random.default_rng(RNG_SEED).normal(size=(20, 3))
        scaler = AngleScaler((0.1, 3.0), n_std=n_std).fit(X)
        np.testing.assert_allclose(scaler.inverse_transform(scaler.transform(X)), X, atol=1e-12)

    @pytest.mark.parametrize("n_std", [None, 1.5])
    def test_weight_zero_is_a_removed_row_and_weight_two_a_repeated_one(self, n_std):
        X = np.random.default_rng(RNG_SEED).normal(size=(20, 3))
        weights = np.tile([0, 1, 2, 1], 5)
        weighted = AngleScaler(n_std=n_std).fit(X, sample_weight=weights)
        repeated = AngleScaler(n_std=n_std).fit(np.repeat(X, weights, axis=0))
        np.testing.assert_allclose(weighted.transform(X), repeated.transform(X), atol=1e-12)
        assert not np.allclose(weighted.transform(X), AngleScaler(n_std=n_std).fit(X).transform(X))

    def test_span_of_the_largest_numbers_does_not_overflow(self):
        X = np.array([[-1.7e308], [1.7e308]])
        np.testing.assert_allclose(AngleScaler((-1.0, 1.0)).fit_transform(X), [[-1], [1]])

    @pytest.mark.parametrize(
        "parameters",
        [
            {"angle_range": (1.0, 1.0)},
            {"angle_range": (2.0, 1.0)},
            {"angle_range": (0.0, np.inf)},
            {"angle_range": (0.0, 1.0, 2.0)},
            {"angle_range": ("a", "b")},
            {"n_std": 0.0},
            {"n_std": np.nan},
        ],
    )
    def test_senseless_parameters(self, parameters):
        with pytest.raises(ValueError, match=next(iter(parameters))):
            AngleScaler(**parameters).fit([[0.0], [1.0]])

    def test_all_weights_zero(self):
        with pytest.raises(ValueError, match="zero"):
            AngleScaler().fit([[0.0], [1.0]], sample_weight=[0, 0])

    def test_nan_is_named_in_scikit_learns_words(self):
        with pytest.raises(ValueError, match="contains NaN"):
            AngleScaler().fit([[0.0], [np.nan]])

    def test_column_names_are_remembered_and_checked(self):
        table = pd.DataFrame({"length": [1.0, 2.0], "width": [3.0, 5.0]})
        scaler = AngleScaler().fit(table)
        assert scaler.get_feature_names_out().tolist() == ["length", "width"]
        with pytest.raises(ValueError, match="feature names"):
            scaler.transform(table[["width", "length"]])


class TestSumFeatures:
    X = np.array([[1.0, 2.0, 3.0, 4.0, 5.0], [5.0, 4.0, 3.0, 2.0, 0.5]])

    def test_sum_of_all(self):
        np.testing.assert_array_equal(SumFeatures().fit_transform(self.X), [[15.0], [14.5]])

    def test_number_of_groups(self):
        np.testing.assert_array_equal(SumFeatures(groups=2).fit_transform(self.X), [[6, 9], [12, 2.5]])
        np.testing.assert_array_equal(SumFeatures(groups=9).fit_transform(self.X), self.X)

    def test_named_groups(self):
        table = pd.DataFrame(self.X, columns=list("abcde"))
        sums = SumFeatures(groups=[["e", "a"], ["c"]]).fit(table)
        np.testing.assert_array_equal(sums.transform(table), [[6, 3], [5.5, 3]])
        assert sums.get_feature_names_out().tolist() == ["sumfeatures0", "sumfeatures1"]

    @pytest.mark.parametrize("groups", [0, -1, [], [[]], [[5]], [[-1]], [["nowhere"]], ["ab"], [[1, 1]]])
    def test_bad_groups(self, groups):
        with pytest.raises(ValueError, match=r"group|column"):
            SumFeatures(groups=groups).fit(self.X)

    def test_ink_of_each_row_of_pixels_separates_zeros_from_ones(self):
        X, y = load_digits(n_class=2, return_X_y=True)
        model = make_pipeline(SumFeatures(groups=8), AngleScaler(), LogisticRegression())
        assert model.fit(X, y).score(X, y) > 0.9


class TestImagePooling:
    def test_dividing_sides_are_block_means(self):
        images = load_digits().images[:7]
        pooled = ImagePooling(4).fit_transform(images)
        expected = images.reshape(7, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(7, 16)
        np.testing.assert_allclose(pooled, expected, atol=1e-12)

    @pytest.mark.parametrize(("shape", "small"), [((8, 8), (3, 5)), ((7, 9), (2, 4)), ((5, 6), (5, 1))])
    def test_other_sides_are_means_of_the_enlarged_image(self, shape, small):
        """Enlarged so that both shapes divide it, every image can be pooled by plain block means."""
        images = np.random.default_rng(RNG_SEED).normal(size=(4, *shape))
        enlarged = images.repeat(small[0], axis=1).repeat(small[1], axis=2)
        blocks = enlarged.reshape(4, small[0], shape[0], small[1], shape[1]).mean(axis=(2, 4))
        pooling = ImagePooling(small).fit(images)
        np.testing.assert_allclose(pooling.transform(images), blocks.reshape(4, -1), atol=1e-12)
        np.testing.assert_allclose(pooling.transform(images).mean(axis=1), images.mean(axis=(1, 2)), atol=1e-12)

    def test_flat_rows_lists_and_stacks_agree(self):
        images = load_digits().images[:5]
        flat = images.reshape(5, -1)
        pooled = ImagePooling(2).fit_transform(images)
        np.testing.assert_array_equal(ImagePooling(2).fit_transform(flat), pooled)
        np.testing.assert_array_equal(ImagePooling(2, image_shape=(8, 8)).fit_transform(flat), pooled)
        np.testing.assert_array_equal(ImagePooling(2).fit_transform(images.tolist()), pooled)

    def test_signal_without_a_shape(self):
        pooling = ImagePooling(3).fit(np.arange(12.0).reshape(2, 6))
        assert pooling.image_shape_ == (1, 6)
        np.testing.assert_allclose(pooling.transform([[0, 2, 4, 6, 8, 10]]), [[1, 5, 9]])

    def test_names(self):
        names = ImagePooling((1, 2)).fit(np.zeros((2, 4, 4))).get_feature_names_out()
        assert names.tolist() == ["pixel0_0", "pixel0_1"]

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"image_shape": (3, 3)}, "3 x 3 = 9 pixels, but X has 64 columns"),
            ({"image_shape": (8,)}, "height and a width"),
            ({"output_shape": 0}, "height and a width"),
            ({"output_shape": (2.5, 2)}, "height and a width"),
        ],
    )
    def test_bad_shapes(self, parameters, words):
        with pytest.raises(ValueError, match=words):
            ImagePooling(**parameters).fit(np.zeros((2, 64)))

    def test_images_of_another_shape(self):
        pooling = ImagePooling(2).fit(np.zeros((2, 4, 6)))
        with pytest.raises(ValueError, match="expected images of 4 x 6, as in fit, got 6 x 4"):
            pooling.transform(np.zeros((2, 6, 4)))
        with pytest.raises(ValueError, match="images of 4 x 6"):
            ImagePooling(2, image_shape=(6, 4)).fit(np.zeros((2, 4, 6)))


class TestQubitReducer:
    def test_is_pca_when_there_are_too_many_features(self):
        X = load_breast_cancer().data[:100]
        reducer = QubitReducer(4).fit(X)
        np.testing.assert_allclose(reducer.transform(X), PCA(4).fit_transform(X), atol=1e-6)
        assert reducer.get_feature_names_out().tolist() == ["pca0", "pca1", "pca2", "pca3"]
        assert 0.9 < reducer.explained_variance_ratio_ < 1

    def test_passes_few_features_unchanged(self):
        table = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3.0, 2.0, 2.0]})
        reducer = QubitReducer(4).fit(table)
        np.testing.assert_array_equal(reducer.transform(table), table)
        assert reducer.get_feature_names_out().tolist() == ["a", "b"]
        assert reducer.explained_variance_ratio_ == 1

    def test_fewer_samples_than_qubits(self):
        assert QubitReducer(8).fit_transform(np.random.default_rng(0).normal(size=(5, 20))).shape == (5, 5)

    @pytest.mark.parametrize("n_qubits", [0, -3, 2.5, None])
    def test_bad_number_of_qubits(self, n_qubits):
        with pytest.raises(ValueError, match="positive integer"):
            QubitReducer(n_qubits).fit(np.eye(3))


class TestTabularPreprocessor:
    table = pd.DataFrame(
        {
            "age": [20.0, 30.0, 40.0, 50.0],
            "colour": ["red", "green", "blue", "red"],
            "size": [1, 2, 3, 5],
            "smokes": [True, False, True, True],
        }
    )

    def test_kinds_from_the_data_frame(self):
        prepared = tabular_preprocessor().fit(self.table)
        names = prepared.get_feature_names_out().tolist()
        assert names == ["age", "size", "colour_blue", "colour_green", "colour_red", "smokes_True"]
        X = prepared.transform(self.table)
        np.testing.assert_allclose(X[:, :2].mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(X[:, :2].std(axis=0), 1)
        np.testing.assert_array_equal(X[:, 2:], [[0, 0, 1, 1], [0, 1, 0, 0], [1, 0, 0, 1], [0, 0, 1, 1]])

    def test_down_to_the_qubits(self):
        assert tabular_preprocessor(2).fit_transform(self.table).shape == (4, 2)

    def test_named_columns_of_an_array(self):
        X = self.table.to_numpy(dtype=object)
        prepared = tabular_preprocessor(numeric=[0], categorical=[1]).fit_transform(X)
        assert prepared.shape == (4, 4)

    def test_half_named_columns(self):
        with pytest.raises(ValueError, match="categorical is missing"):
            tabular_preprocessor(numeric=["age"])

    def test_unseen_word_is_zeros(self):
        prepared = tabular_preprocessor(numeric=["age"], categorical=["colour"]).fit(self.table)
        new = pd.DataFrame({"age": [35.0], "colour": ["mauve"]})
        with pytest.warns(UserWarning, match="unknown categories"):
            X = prepared.transform(new)
        np.testing.assert_array_equal(X[:, 1:], [[0, 0, 0]])

    def test_empty_cells_only_when_asked(self):
        holes = self.table.assign(age=[20.0, np.nan, 40.0, 51.0])
        classifier = LogisticRegression()
        with pytest.raises(ValueError, match="NaN"):
            make_pipeline(tabular_preprocessor(), classifier).fit(holes, [0, 1, 0, 1])
        make_pipeline(tabular_preprocessor(impute=True), classifier).fit(holes, [0, 1, 0, 1])
