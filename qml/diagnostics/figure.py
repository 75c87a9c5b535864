"""Figure of a diagnosis."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from typing import Any

import numpy as np

from qml.diagnostics.concentration import KernelConcentration
from qml.diagnostics.noise import NoiseSensitivity
from qml.diagnostics.parameters import ParameterReport
from qml.diagnostics.states import EntanglingCapability, Expressibility
from qml.diagnostics.summaries import FisherSummary, FourierSummary, GradientSummary, Parts
from qml.plots.canvas import BLUE, COLORS, GREY, ORANGE, label, new_figure, save
from simulator.errors import counted

__all__ = ["draw"]

COLUMNS = 4
SMALLEST = 1e-12
"""Smallest value drawn on a logarithmic axis: smaller ones are rounding errors."""

FOURIER_FLOOR = 1e-6
"""Smallest power drawn, relative to the largest."""


def draw(diagnosis: Parts, path: str | PathLike[str] | None = None) -> Any:
    """Draw a panel for each part of a diagnosis that was computed."""
    parts: list[tuple[Any, Callable[[Any, Any], None]]] = [
        (diagnosis.gradients, _gradients),
        (diagnosis.expressibility, _expressibility),
        (diagnosis.entanglement, _entanglement),
        (diagnosis.concentration, _concentration),
        (diagnosis.fisher, _fisher),
        (diagnosis.fourier, _fourier),
        (diagnosis.parameters, _parameters),
        (diagnosis.noise, _noise),
    ]
    panels = [(part, panel) for part, panel in parts if part is not None]
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.6 * columns, 3.1 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axis, (part, panel) in zip(axes, panels, strict=False):
        panel(axis, part)
    for axis in axes[len(panels) :]:
        axis.set_visible(False)
    figure.suptitle(label(diagnosis.estimator, 80))
    save(figure, axes, path)
    return figure


def _gradients(axis: Any, gradients: GradientSummary) -> None:
    axis.set_title("gradient variance")
    axis.set_yscale("log")
    if gradients.scaling is None:
        axis.bar(["random", "initial"], np.maximum([gradients.uniform, gradients.initial], SMALLEST), color=BLUE)
        return
    scaling = gradients.scaling
    for number, (depth, row) in enumerate(zip(scaling.num_layers, scaling.variances, strict=True)):
        axis.plot(
            scaling.num_qubits,
            np.maximum(row, SMALLEST),
            "o-",
            color=COLORS[number],
            label=counted(int(depth), "layer"),
        )
    axis.set_xticks(scaling.num_qubits)
    axis.set_xlabel("qubits")
    axis.legend(frameon=False, fontsize=8)


def _expressibility(axis: Any, result: Expressibility) -> None:
    axis.set_title(f"fidelities, divergence {result.divergence:.2g}")
    width = result.edges[1] - result.edges[0]
    axis.bar(result.edges[:-1], result.shares, width, align="edge", color=BLUE, label="random weights")
    axis.step(result.edges[:-1] + width / 2, result.haar, where="mid", color=ORANGE, label="Haar random")
    axis.set_yscale("log")
    axis.set_ylim(1e-6, 2.0)
    axis.set_xlabel("fidelity of two states")
    axis.set_ylabel("share")
    axis.legend(frameon=False, fontsize=8)


def _entanglement(axis: Any, result: EntanglingCapability) -> None:
    axis.set_title("entanglement")
    axis.hist(result.measures, bins=np.linspace(0.0, 1.0, 41), color=BLUE)
    axis.axvline(result.haar, color=ORANGE, linestyle="--", label="Haar random")
    axis.set_xlim(0.0, 1.02)
    axis.set_xlabel("Meyer-Wallach measure")
    axis.set_ylabel("states")
    axis.legend(frameon=False, fontsize=8)


def _concentration(axis: Any, result: KernelConcentration) -> None:
    axis.set_title("kernel between rows")
    low = min(0.0, float(result.entries.min()))
    axis.hist(result.entries, bins=np.linspace(low, max(1.0, float(result.entries.max())), 41), color=BLUE)
    if result.haar is not None:
        axis.axvline(result.haar, color=ORANGE, linestyle="--", label="Haar random")
        axis.legend(frameon=False, fontsize=8)
    axis.set_xlabel("entry off the diagonal")
    axis.set_ylabel("pairs")


def _fisher(axis: Any, fisher: FisherSummary) -> None:
    spectrum, dimension = fisher.spectrum, fisher.effective_dimension
    axis.set_title("Fisher spectrum" if dimension is None else f"Fisher, effective dimension {dimension:.1f}")
    axis.plot(np.arange(1, len(spectrum) + 1), np.maximum(spectrum, SMALLEST), ".-", color=BLUE)
    axis.axhline(1.0, color=GREY, linestyle=":", label="flat")
    axis.set_yscale("log")
    axis.set_xlabel("number of the eigenvalue")
    axis.set_ylabel("eigenvalue, mean 1")
    axis.legend(frameon=False, fontsize=8)


def _fourier(axis: Any, fourier: FourierSummary) -> None:
    axis.set_title("Fourier power")
    for number, (spectrum, powers) in enumerate(zip(fourier.frequencies, fourier.powers, strict=True)):
        shown = number < len(COLORS)
        axis.plot(
            spectrum,
            powers,
            "o",
            markersize=4,
            color=COLORS[number] if shown else GREY,
            label=f"feature {number}" if shown else None,
        )
    largest = max((float(powers.max(initial=0.0)) for powers in fourier.powers), default=0.0) or 1.0
    axis.set_yscale("log")
    axis.set_ylim(FOURIER_FLOOR * largest, 3.0 * largest)
    axis.set_xlabel("frequency")
    axis.set_ylabel("power")
    axis.legend(frameon=False, fontsize=8)


def _parameters(axis: Any, report: ParameterReport) -> None:
    axis.set_title("derivatives of the outputs")
    numbers = np.arange(len(report.names))
    heights = np.maximum(report.sensitivities, SMALLEST)
    redundant = np.isin(numbers, report.redundant)
    dead = np.isin(numbers, report.dead)
    for rows, color, name in (
        (~redundant & ~dead, BLUE, "needed"),
        (redundant, ORANGE, "redundant"),
        (dead, GREY, "dead"),
    ):
        if rows.any():
            axis.plot(
                numbers[rows], np.where(dead[rows], 0.0, heights[rows]), "o", markersize=4, color=color, label=name
            )
    axis.set_ylim(bottom=0.0)
    axis.set_xlabel("weight")
    axis.set_ylabel("root mean square")
    axis.legend(frameon=False, fontsize=8)


def _noise(axis: Any, noise: NoiseSensitivity) -> None:
    axis.set_title("depolarizing noise")
    axis.plot(noise.rates, noise.factors, "o-", color=BLUE, label="outputs shrink to")
    if noise.changed is not None:
        axis.plot(noise.rates, noise.changed, "s--", color=ORANGE, label="classes that change")
    axis.set_xscale("log")
    axis.set_ylim(-0.03, 1.03)
    axis.set_xlabel("error per two-qubit gate")
    axis.legend(frameon=False, fontsize=8)
