"""Pictures of states. Each function returns the figure, and writes a PNG file if it is given a path."""

from __future__ import annotations

from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qml.plots.canvas import BLUE, GREY, ORANGE, new_figure, save
from simulator.calculations.states import reduced_density_matrix
from simulator.circuit import Circuit

__all__ = ["plot_bloch", "plot_state_city"]

MAX_SPHERES = 16
MAX_CITY_QUBITS = 5
SPHERES_IN_A_ROW = 4


def plot_bloch(state: Circuit | ArrayLike, values: Any = None, path: str | PathLike[str] | None = None) -> Any:
    """Draw the Bloch vector of each qubit; a short vector is a mixed state, of a qubit entangled with others.

    Parameters
    ----------
    state : Circuit, or complex array-like, shape (2**n,) or (2**n, 2**n)
        Circuit, state vector or density matrix of at most 16 qubits.
    values : None, mapping or array-like
        Values of the circuit's parameters.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    vectors = bloch_vectors(_state(state, values))
    if len(vectors) > MAX_SPHERES:
        raise ValueError(f"plot_bloch draws at most {MAX_SPHERES} qubits, got {len(vectors)}")
    columns = min(len(vectors), SPHERES_IN_A_ROW)
    rows = -(-len(vectors) // columns)
    figure = new_figure(2.6 * columns, 2.9 * rows)
    for qubit, vector in enumerate(vectors):
        axis = figure.add_subplot(rows, columns, qubit + 1, projection="3d")
        _draw_sphere(axis, vector)
        axis.set_title(f"qubit {qubit}\nlength {np.linalg.norm(vector):.2f}", fontsize=10)
    save(figure, [], path)
    return figure


def bloch_vectors(state: NDArray[Any]) -> NDArray[np.float64]:
    """Compute the expectations of X, Y and Z on each qubit, shape (n_qubits, 3)."""
    num_qubits = len(state).bit_length() - 1
    vectors = np.empty((num_qubits, 3))
    for qubit in range(num_qubits):
        if state.ndim == 1:
            rho = reduced_density_matrix(state, [qubit])
        else:
            shape = (1 << (num_qubits - qubit - 1), 2, 1 << qubit)
            rho = np.einsum("aibajb->ij", state.reshape(shape * 2))
        vectors[qubit] = 2 * rho[1, 0].real, 2 * rho[1, 0].imag, (rho[0, 0] - rho[1, 1]).real
    return vectors


def plot_state_city(state: Circuit | ArrayLike, values: Any = None, path: str | PathLike[str] | None = None) -> Any:
    """Draw the real and the imaginary part of a density matrix as bars; negative entries have another colour.

    Parameters
    ----------
    state : Circuit, or complex array-like, shape (2**n,) or (2**n, 2**n)
        Circuit, state vector or density matrix of at most 5 qubits.
    values : None, mapping or array-like
        Values of the circuit's parameters.
    path : path of a PNG file, optional

    Returns
    -------
    matplotlib Figure
    """
    array = _state(state, values)
    num_qubits = len(array).bit_length() - 1
    if num_qubits > MAX_CITY_QUBITS:
        raise ValueError(f"plot_state_city draws at most {MAX_CITY_QUBITS} qubits, got {num_qubits}")
    rho = np.outer(array, array.conj()) if array.ndim == 1 else array
    names = [format(index, f"0{num_qubits}b") for index in range(len(rho))]
    limit = max(np.abs(rho).max(), 1e-12)
    figure = new_figure(10.0, 5.0)
    for place, (name, part) in enumerate([("real part", rho.real), ("imaginary part", rho.imag)], 1):
        axis = figure.add_subplot(1, 2, place, projection="3d")
        row, column = (index.ravel() for index in np.indices(part.shape))
        heights = part.ravel()
        colors = np.where(heights < 0, ORANGE, BLUE)
        axis.bar3d(column - 0.35, row - 0.35, np.minimum(heights, 0), 0.7, 0.7, np.abs(heights), colors, shade=True)
        every = max(1, len(names) // 8)
        axis.set_xticks(range(0, len(names), every), names[::every], fontsize=8)
        axis.set_yticks(range(0, len(names), every), names[::every], fontsize=8)
        axis.set_zlim(min(0.0, rho.real.min(), rho.imag.min()), limit)
        axis.set_xlabel("column", labelpad=8)
        axis.set_ylabel("row", labelpad=8)
        axis.set_title(name)
        axis.set_box_aspect(None, zoom=0.85)  # room for the labels
    figure.suptitle("Density matrix (blue: positive, orange: negative)")
    save(figure, [], path)
    return figure


def _state(state: Circuit | ArrayLike, values: Any) -> NDArray[Any]:
    if isinstance(state, Circuit):
        return state.density_matrix(values) if state.measures else state.statevector(values)
    array = np.asarray(state, complex)
    size = len(array) if array.ndim else 0
    if array.shape not in ((size,), (size, size)) or size < 2 or size & (size - 1):
        raise ValueError(f"a state has shape (2**n,) or (2**n, 2**n), got {array.shape}")
    return array


def _draw_sphere(axis: Any, vector: NDArray[np.float64]) -> None:
    turn = np.linspace(0, 2 * np.pi, 73)
    for angle in np.arange(0, np.pi, np.pi / 4):  # meridians
        axis.plot(
            np.cos(angle) * np.sin(turn), np.sin(angle) * np.sin(turn), np.cos(turn), color=GREY, alpha=0.2, lw=0.7
        )
    for height in (-0.5, 0.0, 0.5):  # parallels
        radius = np.sqrt(1 - height**2)
        axis.plot(radius * np.cos(turn), radius * np.sin(turn), height, color=GREY, alpha=0.35, lw=0.7)
    for line in np.eye(3):
        axis.plot(*np.outer(line, [-1, 1]), color=GREY, alpha=0.5, lw=0.7)
    for place, name in [
        ((1.3, 0, 0), "$x$"), ((0, 1.3, 0), "$y$"), ((0, 0, 1.25), r"$|0\rangle$"), ((0, 0, -1.3), r"$|1\rangle$"),
    ]:  # fmt: skip
        axis.text(*place, name, ha="center", va="center", fontsize=9)
    axis.plot(*np.outer(vector, [0, 1]), color=ORANGE, lw=2.5)
    axis.scatter(*vector, color=ORANGE, s=30)
    axis.set_box_aspect((1, 1, 1), zoom=1.25)
    axis.view_init(elev=20, azim=30)
    axis.set_axis_off()
    for limits in (axis.set_xlim, axis.set_ylim, axis.set_zlim):
        limits(-1, 1)
