"""Kernels by name."""

from __future__ import annotations

from typing import Any

from qml.feature_maps import FEATURE_MAPS
from qml.kernels.classical import CLASSICAL, ClassicalKernel
from qml.kernels.fidelity import FidelityKernel
from qml.kernels.kernel import Kernel
from qml.kernels.projected import ProjectedKernel
from qml.kernels.trained import TrainedKernel
from simulator.errors import unknown_name

__all__ = ["KERNELS", "get_kernel"]

_QUANTUM = {"fidelity": FidelityKernel, "projected": ProjectedKernel, "trained": TrainedKernel}

KERNELS = (*_QUANTUM, *CLASSICAL, *(name for name in FEATURE_MAPS if name not in CLASSICAL))
"""Names that `get_kernel` knows: kinds of kernels, and feature maps, which stand for their fidelity kernel."""


def get_kernel(kernel: str | Kernel, **params: Any) -> Kernel:
    """The kernel of a name, or the object itself.

    Parameters
    ----------
    kernel : str or Kernel
        One of ``KERNELS``, in any case.
    **params
        Settings for the kernel of that name, such as ``bandwidth="auto"``.

    Raises
    ------
    UnknownNameError
        If there is no such name; the nearest ones are given.
    TypeError
        If it is neither a name nor a kernel, or settings come with an object.

    Examples
    --------
    >>> get_kernel("zz", reps=1)
    FidelityKernel(reps=1)
    """
    if isinstance(kernel, str):
        name = kernel.lower()
        if name in _QUANTUM:
            return _QUANTUM[name](**params)
        if name in CLASSICAL:
            return ClassicalKernel(name, **params)
        if name in FEATURE_MAPS:
            return FidelityKernel(name, **params)
        raise unknown_name("kernel", kernel, KERNELS)
    if not isinstance(kernel, Kernel):
        raise TypeError(f"kernel expects a name or a kernel object, got {kernel!r}")
    if params:
        raise TypeError(f"settings {sorted(params)} go with a kernel's name, not with an object")
    return kernel
