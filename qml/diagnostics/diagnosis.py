"""Result of a diagnosis: numbers, text and figure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.diagnostics.advice import advice
from qml.diagnostics.figure import draw
from qml.diagnostics.noise import NoiseSensitivity
from qml.diagnostics.summaries import FisherSummary, GradientSummary, Parts
from simulator.display import Preformatted
from simulator.errors import counted

__all__ = ["Diagnosis"]

Array = NDArray[np.float64]

NAMES = {"fisher": "Fisher", "fourier": "Fourier"}
WIDTH = 100
LABEL = 16


@dataclass(frozen=True)
class Diagnosis(Parts, Preformatted):
    """Diagnosis of an estimator; ``print`` it, or ``plot`` it.

    A part that does not apply is None, and ``skipped`` says why.

    Attributes
    ----------
    estimator : str
    num_qubits : int or None
    num_weights, n_rows, n_sets : int
        Weights of the circuit; rows of X; sets of random weights.
    gradients : GradientSummary or None
    expressibility : Expressibility or None
    entanglement : EntanglingCapability or None
    concentration : KernelConcentration
    fisher : FisherSummary or None
    fourier : FourierSummary or None
    parameters : ParameterReport or None
    noise : NoiseSensitivity or None
    skipped : dict of str to str
        Reasons by part.
    """

    @property
    def advice(self) -> tuple[str, ...]:
        """Sentences of advice, most urgent first; empty if nothing stands out."""
        return advice(self)

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain values, ready for JSON; values of single weight sets or pairs are left out."""
        out: dict[str, Any] = _plain(self)
        if self.gradients is not None and self.gradients.scaling is not None:
            out["gradients"]["scaling"]["slopes"] = self.gradients.scaling.slopes.tolist()
        return out | {"advice": list(self.advice)}

    def plot(self, path: str | PathLike[str] | None = None) -> Any:
        """Draw all parts in one figure.

        Parameters
        ----------
        path : path of a PNG file, optional

        Returns
        -------
        matplotlib Figure
        """
        return draw(self, path)

    def __str__(self) -> str:
        qubits = "" if self.num_qubits is None else f"{counted(self.num_qubits, 'qubit')}, "
        head = f"{self.estimator}: {qubits}{self.num_weights} weights in the circuit, {self.n_rows} rows"
        lines = [head, ""]
        for name, texts in self._parts():
            for number, text in enumerate(texts):
                lines.append(f"{name if number == 0 else '':{LABEL}}{text}")
        for name, reason in self.skipped.items():
            lines += textwrap.wrap(
                f"{NAMES.get(name, name):{LABEL}}not computed: {reason}",
                WIDTH,
                subsequent_indent=" " * LABEL,
                drop_whitespace=True,
            )
        lines += ["", "Advice"]
        for sentence in self.advice or ("Nothing stands out.",):
            lines += textwrap.wrap(f"* {sentence}", WIDTH, subsequent_indent="  ")
        return "\n".join(lines)

    def _parts(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the name and the lines of each part."""
        if self.gradients is not None:
            yield "gradients", self._gradient_lines(self.gradients)
        if self.expressibility is not None:
            result = self.expressibility
            yield (
                "expressibility",
                [f"divergence from Haar random states {result.divergence:.3g} (one state only: {result.idle:.3g})"],
            )
        if self.entanglement is not None:
            measure = self.entanglement
            yield (
                "entanglement",
                [f"Meyer-Wallach {measure.mean:.3f} +- {measure.deviation:.3f} (Haar random: {measure.haar:.3f})"],
            )
        yield "concentration", self._concentration_lines()
        if self.fisher is not None:
            yield "Fisher", self._fisher_lines(self.fisher)
        if self.parameters is not None:
            report = self.parameters
            yield (
                "parameters",
                [f"{len(report.dead)} dead, {len(report.redundant)} redundant, {report.rank} independent directions"],
            )
        if self.fourier is not None:
            highest = max(float(spectrum[-1]) for spectrum in self.fourier.frequencies if len(spectrum))
            yield "Fourier", [f"frequencies up to {highest:.3g}; power of each feature, by frequency, in the figure"]
        if self.noise is not None:
            yield "noise", self._noise_lines(self.noise)

    def _gradient_lines(self, gradients: GradientSummary) -> list[str]:
        lines = [f"variance {gradients.uniform:.2e} at random weights, {gradients.initial:.2e} before training"]
        scaling = gradients.scaling
        if scaling is not None:
            lines.append(
                "qubits      " + "".join(f"{width:10d}" for width in scaling.num_qubits) + "     slope of log2"
            )
            for depth, row, slope in zip(scaling.num_layers, scaling.variances, scaling.slopes, strict=True):
                cells = "".join(f"{value:10.1e}" for value in row)
                lines.append(f"{counted(int(depth), 'layer'):>10}  {cells}  {slope:+.2f} per qubit")
        return lines

    def _concentration_lines(self) -> list[str]:
        result = self.concentration
        inspection, haar = result.inspection, result.haar
        random = "" if haar is None else f" (Haar random: {haar:.2g})"
        lines = [
            f"kernel between rows {inspection.mean:.3g} +- {inspection.deviation:.3g}{random}, "
            f"{result.shots:.2g} shots to resolve"
        ]
        if inspection.centered_alignment is not None:
            lines.append(f"alignment with y {inspection.centered_alignment:.3f}, centred")
        if result.trend is not None:
            lines.append(f"each further feature multiplies the deviation by {result.trend.decay:.2f}")
        return lines

    def _fisher_lines(self, fisher: FisherSummary) -> list[str]:
        count = len(fisher.spectrum)
        half = int(np.searchsorted(np.cumsum(fisher.spectrum), 0.9 * fisher.spectrum.sum())) + 1
        lines = [f"{half} of {count} directions hold 90 % of the information"]
        if fisher.effective_dimension is not None:
            lines.append(f"effective dimension {fisher.effective_dimension:.1f} at {fisher.n_samples} samples")
        return lines

    def _noise_lines(self, noise: NoiseSensitivity) -> list[str]:
        def row(name: str, values: Array, form: str) -> str:
            return f"{name:22}" + "".join(f"{value:{form}}" for value in values)

        lines = [row("error per 2-qubit gate", noise.rates, "10.1e"), row("outputs shrink to", noise.factors, "10.3f")]
        if noise.changed is not None:
            lines.append(row("classes that change", noise.changed, "10.1%"))
        return lines


def _plain(value: Any) -> Any:
    """Convert results to numbers, strings, lists and dictionaries; fields left out of ``repr`` are left out."""
    if is_dataclass(value):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in fields(value) if entry.repr}
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return value
