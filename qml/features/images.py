"""Reduction of images to a size for few qubits."""

from __future__ import annotations

from math import isqrt
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from qml.checked_data import validate_data

__all__ = ["ImagePooling"]


class ImagePooling(TransformerMixin, BaseEstimator):
    """Shrinks grey images to a few pixels, each the mean of the area it covers, and flattens them.

    Parameters
    ----------
    output_shape : int or (int, int)
        Height and width of the small images; one number for both. A side that is already that short stays.
    image_shape : (int, int) or None
        Height and width of the images in the rows of ``X``. ``None``: a square if the number of columns is a square
        number, else one row of pixels (a signal). Images given as an array (n_samples, height, width) say it
        themselves.

    Attributes
    ----------
    image_shape_, output_shape_ : (int, int)
    n_features_in_ : int
        Pixels of an image.
    feature_names_in_ : ndarray of str, only if ``X`` had column names

    Notes
    -----
    Sides need not divide: a pixel on the border between two areas counts in both, by the share that lies in each. So
    the mean of the image is kept.

    Examples
    --------
    >>> from qml.features import ImagePooling
    >>> image = [[1, 1, 5, 5],
    ...          [1, 1, 5, 5],
    ...          [0, 0, 8, 8],
    ...          [0, 4, 8, 8]]
    >>> ImagePooling(output_shape=2).fit_transform([image])
    array([[1., 5., 1., 8.]])
    """

    def __init__(
        self, output_shape: int | tuple[int, int] = (4, 4), *, image_shape: tuple[int, int] | None = None
    ) -> None:
        self.output_shape = output_shape
        self.image_shape = image_shape

    def fit(self, X: ArrayLike, y: object = None) -> ImagePooling:
        """Learn the shape of the images.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_pixels) or (n_samples, height, width)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the images do not have the shape ``image_shape``.
        """
        rows, seen_shape = _flattened(X)
        validate_data(self, rows, dtype=np.float64)
        output = self.output_shape
        output_height, output_width = _checked_shape("output_shape", (output, output) if _is_int(output) else output)

        if self.image_shape is not None:
            height, width = _checked_shape("image_shape", self.image_shape)
        elif seen_shape is not None:
            height, width = seen_shape
        else:
            side = isqrt(self.n_features_in_)
            height, width = (side, side) if side * side == self.n_features_in_ else (1, self.n_features_in_)
        if height * width != self.n_features_in_ or seen_shape not in (None, (height, width)):
            actual = f"{self.n_features_in_} columns" if seen_shape is None else "images of {} x {}".format(*seen_shape)
            raise ValueError(f"image_shape is {height} x {width} = {height * width} pixels, but X has {actual}")

        self.image_shape_ = (height, width)
        self.output_shape_ = (min(height, output_height), min(width, output_width))
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float64]:
        """Shrink images and flatten them row by row.

        Parameters
        ----------
        X : array-like, shape (n_samples, n_pixels) or (n_samples, height, width)

        Returns
        -------
        float ndarray, shape (n_samples, n_small_pixels)
        """
        check_is_fitted(self)
        rows, seen_shape = _flattened(X)
        if seen_shape not in (None, self.image_shape_):
            expected, actual = ("{} x {}".format(*shape) for shape in (self.image_shape_, seen_shape))
            raise ValueError(f"expected images of {expected}, as in fit, got {actual}")
        rows = validate_data(self, rows, dtype=np.float64, reset=False)
        images = rows.reshape(-1, *self.image_shape_)
        down, across = (area_averages(*sides) for sides in zip(self.image_shape_, self.output_shape_, strict=True))
        return np.einsum("ih,nhw,jw->nij", down, images, across, optimize=True).reshape(len(rows), -1)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[np.object_]:
        """Return the names "pixel0_0", "pixel0_1", ... by row and column of the small image.

        Parameters
        ----------
        input_features : array-like of str, optional
            Only checked against the names seen in ``fit``.

        Returns
        -------
        ndarray of str, shape (n_small_pixels,)
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        height, width = self.output_shape_
        return np.array([f"pixel{row}_{column}" for row in range(height) for column in range(width)], dtype=object)


def area_averages(size: int, pooled_size: int) -> NDArray[np.float64]:
    """Return the averaging matrix, shape (pooled_size, size): the share of each pixel in each of the equal areas."""
    edges = np.arange(pooled_size + 1) * (size / pooled_size)
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return np.clip(overlap, 0, None) * (pooled_size / size)


def _flattened(X: Any) -> tuple[Any, tuple[int, int] | None]:
    """Return ``X`` with one image per row, and the images' shape if ``X`` is a stack of images."""
    stack = np.asarray(X) if isinstance(X, list | tuple) else X
    if getattr(stack, "ndim", 2) == 3:
        return np.reshape(stack, (len(stack), -1)), (stack.shape[1], stack.shape[2])
    return X, None


def _is_int(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _checked_shape(name: str, shape: Any) -> tuple[int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 2 or not all(_is_int(side) and side > 0 for side in shape):
        raise ValueError(f"{name} takes a height and a width in pixels, got {shape!r}")
    return int(shape[0]), int(shape[1])
