"""The quanvolution layer: one circuit on every patch of an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from qml.layers.quantum import Quantum
from qml.layers.trait import Layer, Rest
from qml.models.quantum_model import QuantumModel
from qml.settings import check_whole
from simulator.backends.plan import Plan
from simulator.backends.trait import Backend
from simulator.noise import NoiseModel

__all__ = ["Quanvolution"]

Array = NDArray[np.float64]


@dataclass(frozen=True, repr=False)
class Quanvolution(Layer):
    """Applies a quantum layer to each patch of an image, as a convolution applies a filter.

    An image is a row of ``height * width * channels`` numbers in C order; so are the outputs, the channels of which are
    those of the quantum layer.

    Parameters
    ----------
    filter : Quantum or QuantumModel
        Layer of ``kernel_size ** 2 * channels`` inputs. Its weights, if any, are trained and shared by all patches; a
        filter without weights is computed once.
    image_shape : (int, int) or (int, int, int)
        Height and width of the images in pixels, and the number of channels if it is not 1.
    kernel_size : int
        Height and width of a patch in pixels.
    stride : int, optional
        Distance between neighbouring patches in pixels; by default the kernel size, so that patches do not overlap.

    Raises
    ------
    ValueError
        If the patch does not fit into the image, or the filter has a different number of inputs.

    References
    ----------
    Henderson, Shakya, Pradhan and Cook, arXiv:1904.04767.

    Examples
    --------
    >>> from qml.models.layered import layered_model
    >>> model = layered_model("angle", "basic", num_features=4, num_layers=1)
    >>> layer = Quanvolution(model, image_shape=(8, 8), kernel_size=2)
    >>> layer.output_shape
    (4, 4, 4)
    >>> layer.forward(np.zeros((3, 64)), np.zeros(4)).shape
    (3, 64)
    """

    filter: Quantum
    image_shape: tuple[int, ...]
    kernel_size: int = 2
    stride: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.filter, QuantumModel):
            object.__setattr__(self, "filter", Quantum(self.filter))
        shape = tuple(self.image_shape) if isinstance(self.image_shape, tuple | list) else ()
        if len(shape) not in (2, 3):
            raise ValueError(
                f"image_shape expects (height, width) or (height, width, channels), got {self.image_shape!r}"
            )
        for size in shape:
            check_whole("each number of image_shape", size)
        object.__setattr__(self, "image_shape", shape)
        check_whole("kernel_size", self.kernel_size)
        check_whole("stride", self.stride, instead=[None])
        if self.kernel_size > min(shape[:2]):
            raise ValueError(f"a patch of {self.kernel_size} x {self.kernel_size} pixels does not fit into {shape}")
        expected = self.kernel_size**2 * self._channels
        if self.filter.num_inputs != expected:
            raise ValueError(
                f"the filter takes {self.filter.num_inputs} inputs, a patch has {expected}: {self.kernel_size} x "
                f"{self.kernel_size} pixels of {self._channels} channel(s)"
            )

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of the outputs."""
        step = self.kernel_size if self.stride is None else self.stride
        height, width = ((size - self.kernel_size) // step + 1 for size in self.image_shape[:2])
        return height, width, self.filter.num_outputs

    @property
    def num_inputs(self) -> int:
        """Number of pixels times channels."""
        return int(np.prod(self.image_shape))

    @property
    def num_outputs(self) -> int:
        """Number of patches times the filter's outputs."""
        return int(np.prod(self.output_shape))

    @property
    def num_weights(self) -> int:
        """Number of weights of the filter."""
        return self.filter.num_weights

    def initial_weights(self, rng: np.random.Generator) -> Array:
        return self.filter.initial_weights(rng)

    def patches(self, X: Array) -> Array:
        """Rows of all patches, image by image, shape (n_samples * n_patches, kernel_size ** 2 * channels)."""
        images = X.reshape(len(X), *self.image_shape[:2], self._channels)
        windows = sliding_window_view(images, (self.kernel_size, self.kernel_size), axis=(1, 2))
        step = self.kernel_size if self.stride is None else self.stride
        # (sample, row, column, channel, row in the patch, column in the patch)
        ordered = windows[:, ::step, ::step].transpose(0, 1, 2, 4, 5, 3)
        return np.ascontiguousarray(ordered).reshape(-1, self.filter.num_inputs)

    def forward(self, X: Array, weights: Array) -> Array:
        return self.filter.forward(self.patches(X), weights).reshape(len(X), -1)

    def sweep(self, X: Array, weights: Array, rest: Rest, inputs: bool) -> tuple[Array, Array | None]:
        patches = self.patches(X)
        d_outputs: Array | None = None

        def of_all(outputs: Array) -> Array:
            images = outputs.reshape(len(X), -1)
            return rest(images, slice(0, len(X))).reshape(outputs.shape)

        def remainder(outputs: Array, rows: slice) -> Array:
            nonlocal d_outputs
            if len(outputs) == len(patches):
                return of_all(outputs)
            if d_outputs is None:  # a chunk of patches may end inside an image, and the remainder needs whole images
                d_outputs = of_all(self.filter.forward(patches, weights))
            return d_outputs[rows]

        d_weights, d_patches = self.filter.sweep(patches, weights, remainder, inputs)
        return d_weights, None if d_patches is None else self._onto_pixels(d_patches, len(X))

    @property
    def circuit(self) -> Quantum:
        """Layer of the circuit."""
        return self.filter

    def circuit_inputs(self, X: Array) -> Array:
        return self.filter.circuit_inputs(self.patches(X))

    def spectra(self) -> tuple[Array | None, ...]:
        return self.filter.spectra()

    def on(
        self,
        backend: Backend | str | None = None,
        noise: NoiseModel | None = None,
        resume: str | PathLike[str] | None = None,
        seed: int | None = 0,
    ) -> Quanvolution:
        return replace(self, filter=self.filter.on(backend, noise, resume, seed))

    def with_shots(self, shots: int, seed: int) -> Quanvolution:
        return replace(self, filter=self.filter.with_shots(shots, seed))

    def without_entanglement(self) -> Quanvolution:
        return replace(self, filter=self.filter.without_entanglement())

    def plan(self, backend: Backend, X: Array, weights: Array, *, gradient: bool = False, inputs: bool = False) -> Plan:
        return self.filter.plan(backend, self.patches(X), weights, gradient=gradient, inputs=inputs)

    def __repr__(self) -> str:
        step = "" if self.stride is None else f", stride={self.stride}"
        return f"Quanvolution({self.filter.model!r}, {self.image_shape}, {self.kernel_size}{step})"

    @property
    def _channels(self) -> int:
        return self.image_shape[2] if len(self.image_shape) == 3 else 1

    def _onto_pixels(self, d_patches: Array, n_samples: int) -> Array:
        """Add the derivatives of patches to those of their pixels, shape (n_samples, num_inputs)."""
        height, width, _ = self.output_shape
        size, step = self.kernel_size, self.kernel_size if self.stride is None else self.stride
        parts = d_patches.reshape(n_samples, height, width, size, size, self._channels)
        out = np.zeros((n_samples, *self.image_shape[:2], self._channels))
        for row in range(size):
            for column in range(size):
                rows = slice(row, row + step * (height - 1) + 1, step)
                columns = slice(column, column + step * (width - 1) + 1, step)
                out[:, rows, columns] += parts[:, :, :, row, column]
        return out.reshape(n_samples, -1)
