"""Report on a training run: a list of blocks that is shown on a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.assessment.comparison import Comparison, Result
from qml.text import markdown as escaped
from qml.text import one_line
from simulator.errors import counted

__all__ = ["Block", "Facts", "number", "markdown", "report_blocks", "report_json", "terminal"]

TERMINAL_WIDTH = 100


@dataclass(frozen=True)
class Heading:
    """A heading."""

    text: str


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Items:
    """A list of short lines."""

    lines: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table of text; the first column is aligned left, the others right."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Listing:
    """Preformatted lines, which may be many and wide."""

    text: str


@dataclass(frozen=True)
class Picture:
    """A picture in a file next to the report."""

    file: str
    caption: str


Block = Heading | Paragraph | Items | Grid | Listing | Picture


@dataclass(frozen=True)
class Facts:
    """The content of a report besides the scores.

    Attributes
    ----------
    title : str
    data : tuple of str
        Sentences on the data: rows, columns, what was left out.
    settings : dict
        Settings of the model; plain values only.
    num_qubits, num_gates, depth, num_observables, num_weights : int
        Sizes of the circuit; ``num_weights`` includes the readout's.
    circuit_text : str
        Drawing of the circuit.
    loss_history : float ndarray, shape (n_epochs,)
    validation_scores : float ndarray, shape (n_epochs,), or None
    best_epoch : int
        Number of the best epoch, counted from 1.
    notes : tuple of str
        Notes on deviations from the request.
    versions : dict of str to str
    """

    title: str
    data: tuple[str, ...]
    settings: dict[str, Any]
    num_qubits: int
    num_gates: int
    depth: int
    num_observables: int
    num_weights: int
    circuit_text: str
    loss_history: NDArray[np.float64]
    validation_scores: NDArray[np.float64] | None
    best_epoch: int | None
    notes: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)


def report_blocks(facts: Facts, comparison: Comparison, pictures: Sequence[Picture] = ()) -> list[Block]:
    """Make the report, with the verdict first.

    Parameters
    ----------
    facts : Facts
    comparison : Comparison
    pictures : sequence of Picture
    """
    scores = tuple(comparison.quantum.scores)
    blocks: list[Block] = [Heading(facts.title), Items(facts.data)]
    if facts.notes:
        blocks.append(Items(facts.notes))
    blocks += [
        Grid(
            (f"on {len(comparison.y_test)} test rows", *scores, f"training {scores[0]}", "seconds"),
            tuple(
                (
                    result.name,
                    *(number(score) for score in result.scores.values()),
                    number(result.train_score),
                    f"{result.seconds:.2f}",
                )
                for result in comparison.results
            ),
        ),
        Paragraph(comparison.verdict()),
    ]
    if comparison.task == "classification":
        blocks += _class_blocks(comparison)
    blocks += [
        Heading("The quantum model"),
        Paragraph(
            f"{counted(facts.num_qubits, 'qubit')}, {facts.num_gates} gates, depth {facts.depth}; "
            f"{counted(facts.num_observables, 'observable')} read out; {facts.num_weights} weights trained for "
            f"{counted(len(facts.loss_history), 'epoch')}, loss {_first_to_last(facts.loss_history)}"
            + (f"; the weights are those of epoch {facts.best_epoch}." if facts.best_epoch else ".")
        ),
        Paragraph("Settings: " + ", ".join(f"{name}={value}" for name, value in facts.settings.items()) + "."),
    ]
    blocks += pictures
    blocks.append(Listing(facts.circuit_text))
    if facts.versions:
        blocks.append(Paragraph("Made with " + ", ".join(f"{name} {v}" for name, v in facts.versions.items()) + "."))
    return blocks


def markdown(blocks: Iterable[Block]) -> str:
    """Format blocks as Markdown."""
    parts = []
    level = "#"
    for block in blocks:
        match block:
            case Heading(text):
                parts.append(f"{level} {escaped(text)}")
                level = "##"
            case Paragraph(text):
                parts.append(escaped(text))
            case Items(lines):
                parts.append("\n".join(f"- {escaped(line)}" for line in lines))
            case Grid(header, rows):
                head, *body = (" | ".join(map(escaped, line)) for line in (header, *rows))
                rule = " | ".join(["---", *("---:" for _ in header[1:])])
                parts.append("\n".join(f"| {line} |" for line in (head, rule, *body)))
            case Listing(text):
                fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
                parts.append("\n".join([f"{fence}text", *map(one_line, text.split("\n")), fence]))
            case Picture(file, caption):
                parts.append(f"![{escaped(caption)}]({file})")
    return "\n\n".join(parts) + "\n"


def terminal(blocks: Iterable[Block], width: int = TERMINAL_WIDTH) -> str:
    """Format blocks as plain text of at most ``width`` columns, without listings and pictures."""
    parts = []
    for block in blocks:
        match block:
            case Heading(text):
                shown = one_line(text)
                parts.append(f"{shown}\n{'-' * min(len(shown), width)}")
            case Paragraph(text):
                parts.append(textwrap.fill(one_line(text), width))
            case Items(lines):
                filled = (textwrap.fill(one_line(line), width, subsequent_indent="    ") for line in lines)
                parts.append("\n".join(filled))
            case Grid(header, rows):
                parts.append(_aligned([[one_line(cell) for cell in line] for line in (header, *rows)]))
    return "\n\n".join(parts) + "\n"


def report_json(facts: Facts, comparison: Comparison) -> str:
    """Format all numbers of the report as JSON text."""
    content = {
        "title": facts.title,
        "data": list(facts.data),
        "notes": list(facts.notes),
        "task": comparison.task,
        "test_rows": len(comparison.y_test),
        "verdict": comparison.verdict(),
        "models": [_result_json(result) for result in comparison.results],
        "quantum_model": {
            "settings": {name: _plain(value) for name, value in facts.settings.items()},
            "qubits": facts.num_qubits,
            "gates": facts.num_gates,
            "depth": facts.depth,
            "observables": facts.num_observables,
            "weights": facts.num_weights,
            "best_epoch": facts.best_epoch,
            "loss_history": _finite(facts.loss_history),
            "validation_scores": None if facts.validation_scores is None else _finite(facts.validation_scores),
        },
        "versions": facts.versions,
    }
    if comparison.labels is not None:
        content["classes"] = [_plain(label) for label in comparison.labels]
        content["confusion"] = comparison.confusion().tolist()
        content["class_scores"] = [
            {"class": _plain(s.label), "precision": s.precision, "recall": s.recall, "f1": s.f1, "rows": s.rows}
            for s in comparison.class_scores()
        ]
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _class_blocks(comparison: Comparison) -> list[Block]:
    assert comparison.labels is not None
    labels = tuple(str(label) for label in comparison.labels)
    scores = tuple(
        (str(s.label), f"{s.precision:.3f}", f"{s.recall:.3f}", f"{s.f1:.3f}", str(s.rows))
        for s in comparison.class_scores()
    )
    counts = tuple(
        (label, *(str(count) if count else "." for count in row))
        for label, row in zip(labels, comparison.confusion(), strict=True)
    )
    return [
        Heading("Class by class"),
        Grid(("class", "precision", "recall", "F1", "test rows"), scores),
        Grid(("true class, predicted:", *labels), counts),
    ]


def _result_json(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "role": result.role,
        "test": result.scores,
        "training": result.train_score,
        "seconds": round(result.seconds, 4),
    }


def number(value: float) -> str:
    return f"{value:.3f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3g}"


def _first_to_last(losses: NDArray[np.float64]) -> str:
    if not len(losses):
        return "unknown"
    return f"{losses[0]:.3g} to {losses[-1]:.3g}" if len(losses) > 1 else f"{losses[0]:.3g}"


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def _plain(value: Any) -> Any:
    """Convert a value for JSON: NumPy scalars to Python scalars, other objects to text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _aligned(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = (
        "  ".join([line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True))])
        for line in lines
    )
    return "\n".join(line.rstrip() for line in shown)
