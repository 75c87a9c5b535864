"""Kernels by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from qml.feature_maps import FEATURE_MAPS
from qml.kernels.classical import CLASSICAL, ClassicalKernel
from qml.kernels.fidelity import FidelityKernel
from qml.kernels.kernel import Kernel
from qml.kernels.projected import ProjectedKernel
from qml.kernels.trained import TrainedKernel
from simulator.names import by_name

__all__ = ["KERNELS", "get_kernel"]

KERNELS: Mapping[str, Callable[..., Kernel]] = {
    **{name: partial(FidelityKernel, name) for name in FEATURE_MAPS},
    **{name: partial(ClassicalKernel, name) for name in CLASSICAL},
    "fidelity": FidelityKernel,
    "projected": ProjectedKernel,
    "trained": TrainedKernel,
}
"""Kernels by name; the name of a feature map stands for its fidelity kernel."""


def get_kernel(kernel: str | Kernel, **params: Any) -> Kernel:
    """Return the kernel of a name, or the object itself.

    Parameters
    ----------
    kernel : str or Kernel
        Key of ``KERNELS``, in upper or lower case, or a kernel.
    **params
        Settings for the kernel of that name, such as ``bandwidth="auto"``.

    Raises
    ------
    UnknownNameError
        If the name is unknown; the nearest names are suggested.
    TypeError
        If ``kernel`` is neither a name nor a kernel, or settings are passed together with an object.

    Examples
    --------
    >>> get_kernel("zz", reps=1)
    FidelityKernel(reps=1)
    """
    return by_name("kernel", kernel, KERNELS, Kernel, params)
