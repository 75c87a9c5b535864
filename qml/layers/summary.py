"""Table of a network's layers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qml.layers.derivatives import Derivatives
from qml.layers.gibbs import Gibbs
from qml.layers.quantum import Quantum
from qml.layers.quanvolution import Quanvolution
from qml.layers.trait import Layer

__all__ = ["network_table"]

HEADINGS = ("", "layer", "kind", "inputs", "outputs", "weights")


def network_table(layers: Sequence[Layer]) -> str:
    """Return a row for each layer, with "?" for sizes that are not known yet, and the total numbers of weights."""
    rows = [HEADINGS, *(_row(str(number), layer) for number, layer in enumerate(layers))]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEADINGS))]
    lines = []
    for row in rows:
        texts = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[3:], widths[3:], strict=True)]
        lines.append("  ".join(texts + numbers))
    return "\n".join([*lines, _totals(rows[1:])])


def _row(number: str, layer: Layer) -> tuple[str, ...]:
    try:
        weights = str(layer.num_weights)
    except ValueError:  # a size is not known yet
        weights = "?"
    sizes = ("?" if size is None else str(size) for size in (layer.num_inputs, layer.num_outputs))
    kind = "quantum" if _is_quantum(layer) else "classical"
    return number, type(layer).__name__, kind, *sizes, weights


def _is_quantum(layer: Layer) -> bool:
    inner = getattr(layer, "layers", ())
    return isinstance(layer, Derivatives | Gibbs | Quantum | Quanvolution) or any(map(_is_quantum, inner))


def _totals(rows: Sequence[tuple[str, ...]]) -> str:
    if any(row[-1] == "?" for row in rows):
        return "number of weights: known once the open sizes are"

    def count(kind: str) -> Iterator[int]:
        return (int(row[-1]) for row in rows if row[2] == kind)

    quantum, classical = sum(count("quantum")), sum(count("classical"))
    return f"{quantum + classical} weights: {quantum} quantum, {classical} classical"
