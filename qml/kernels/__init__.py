"""Quantum kernels: states of all samples in one call, the matrix in one product."""

from qml.kernels.alignment import kernel_target_alignment, target_kernel
from qml.kernels.classical import ClassicalKernel
from qml.kernels.fidelity import FidelityKernel
from qml.kernels.kernel import Kernel
from qml.kernels.names import KERNELS, get_kernel
from qml.kernels.projected import ProjectedKernel
from qml.kernels.regularization import mitigate_depolarizing, nearest_psd
from qml.kernels.trained import TrainedKernel

__all__ = [
    "KERNELS",
    "ClassicalKernel",
    "FidelityKernel",
    "Kernel",
    "ProjectedKernel",
    "TrainedKernel",
    "get_kernel",
    "kernel_target_alignment",
    "mitigate_depolarizing",
    "nearest_psd",
    "target_kernel",
]
