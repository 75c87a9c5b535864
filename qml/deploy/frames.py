"""Frames of a stream as rows of features."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.features.images import area_averages

__all__ = ["FramePreparation"]

Array = NDArray[np.float64]


class FramePreparation:
    """Turns a frame into a row of features, shape (1, n_features); learns the shape from the first frame."""

    def __init__(self, size: tuple[int, int] | None, scale: float, num_features: int | None) -> None:
        if size is not None and (len(size) != 2 or min(size) < 1):
            raise ValueError(f"size expects a height and a width in pixels, got {size!r}")
        self.size, self.scale, self.num_features = size, scale, num_features
        self.shape: tuple[int, ...] | None = None
        self.averages: tuple[Array, Array] | None = None

    def __call__(self, frame: Any, number: int) -> Array:
        try:
            if np.iscomplexobj(frame):
                raise TypeError("it is complex")
            values = np.array(frame, np.float64, order="C")
        except (TypeError, ValueError) as error:
            raise ValueError(f"frame {number} is not an array of real numbers: {error}") from None
        if values.shape != self.shape:
            self._learn(values, number)
        if self.averages is not None:
            down, across = self.averages
            values = down @ values @ across.T
        if self.scale != 1.0:
            values *= self.scale
        row = values.reshape(1, -1)
        if not math.isfinite(np.add.reduce(row, axis=None)):
            raise ValueError(f"frame {number} contains NaN or infinity")
        return row

    def _learn(self, values: Array, number: int) -> None:
        if self.shape is not None:
            raise ValueError(f"frame {number} has shape {values.shape}, the frames before it {self.shape}")
        size = values.size
        if self.size is not None:
            if values.ndim != 2 or values.shape[0] < self.size[0] or values.shape[1] < self.size[1]:
                raise ValueError(
                    f"size={self.size} expects images of at least this height and width, frame {number} has shape "
                    f"{values.shape}"
                )
            down, across = (area_averages(*sides) for sides in zip(values.shape, self.size, strict=True))
            self.averages = down, across
            size = self.size[0] * self.size[1]
        if self.num_features not in (None, size):
            raise ValueError(
                f"the model takes {self.num_features} features, frame {number} of shape {values.shape} gives {size}; "
                "size=(height, width) reduces images"
            )
        self.shape = values.shape
