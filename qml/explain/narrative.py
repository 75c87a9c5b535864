"""Sentences of an explanation, which its text and its page share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from qml.assessment.report import Block, Grid, Heading, Items, Listing, Paragraph
from qml.explain.gates import GateImportance
from qml.explain.results import Results
from qml.text import one_line
from simulator.errors import counted

__all__ = ["blocks_of", "entangling_sentence", "output_name", "row_sentence", "summary", "trust"]

SHOWN_ROWS = 5
"""Number of rows that the text shows."""

NAMED = 3
"""Number of columns that a sentence names."""

NEGLIGIBLE = 0.02
"""Contributions below this, relative to the sum of absolute contributions, are not named."""


def output_name(explanation: Results, number: int) -> str:
    """Return what an output is, such as ``probability of yes``."""
    name = explanation.outputs[number]
    return explanation.quantity if name == explanation.quantity else f"{explanation.quantity} of {name}"


def summary(explanation: Results) -> list[str]:
    """Return the main results as sentences."""
    importances = explanation.importances
    total = float(importances.sum())
    what = output_name(explanation, 0) if len(explanation.outputs) == 1 else f"{explanation.quantity} of each class"
    if not total:
        return [f"The {what} does not depend on any column for these rows."]
    named = [k for k in explanation.order[:NAMED] if importances[k] > NEGLIGIBLE * total]
    shares = ", ".join(f"{explanation.columns[k]} ({importances[k] / total:.0%})" for k in named)
    out = [f"The {what} depends most on {shares}; shares of the mean absolute Shapley value."]
    none = [name for name, value in zip(explanation.columns, importances, strict=True) if value <= NEGLIGIBLE * total]
    if none:
        out.append(f"Hardly on {', '.join(none[:6])}{' and others' if len(none) > 6 else ''}.")
    surrogate = explanation.linear
    if surrogate is not None:
        word = "mostly" if surrogate.fidelity >= 0.9 else "partly" if surrogate.fidelity >= 0.5 else "hardly"
        out.append(
            f"It is {word} linear: a linear model reproduces the {surrogate.output} with R^2 {surrogate.fidelity:.2f}."
        )
    if explanation.entangling is not None:
        out.append(f"{entangling_sentence(explanation.entangling)}; the other weights were trained with them.")
    if explanation.twin is not None:
        out.append(f"A twin without entanglement, trained on the same rows: {explanation.twin}.")
    return out


def entangling_sentence(gates: GateImportance) -> str:
    """Return what the trained circuit is without all gates on two or more qubits."""
    change = "falls" if gates.empty < gates.full else "rises" if gates.empty > gates.full else "stays"
    measure = f"{gates.measure[0].upper()}{gates.measure[1:]}"
    return (
        f"{measure} {change} from {gates.full:.3f} to {gates.empty:.3f} when the gates on two or more qubits are taken "
        "out of the trained circuit"
    )


def row_sentence(explanation: Results, row: int) -> str:
    """Return a sentence on the prediction for an explained row."""
    k = int(explanation.chosen[row])
    values = explanation.contributions(row)
    order = np.argsort(-np.abs(values), kind="stable")[:NAMED]
    parts = [
        f"{explanation.columns[j]} = {explanation.rows[row][j]} ({values[j]:+.3f})"
        for j in order
        if abs(values[j]) > NEGLIGIBLE * np.abs(values).sum()
    ]
    base, output = explanation.attributions.base[k], explanation.attributions.outputs[row, k]
    label = explanation.labels[row]
    predicted = "" if explanation.quantity in ("prediction", "output") else f"predicted {label}: "
    because = f", mainly by {', '.join(parts)}" if parts else ""
    return f"{predicted}{output_name(explanation, k)} {output:.3f} instead of {base:.3f} on average{because}"


def trust(explanation: Results) -> list[str]:
    """Return sentences on how far the explanation can be trusted."""
    out = []
    curves = explanation.faithfulness
    if curves is not None:
        areas = curves.areas
        verdict = "better than" if curves.better_than_random else "NOT better than"
        out.append(
            f"Removing columns in the order of the explanation: area {areas['deletion']:.2f} (random order "
            f"{areas['random_deletion']:.2f}, lower is better); inserting them: {areas['insertion']:.2f} (random "
            f"{areas['random_insertion']:.2f}, higher is better). The explanation is {verdict} chance."
        )
    errors = explanation.attributions.errors
    if errors is None:
        out.append("Shapley values are exact for this background: all sets of columns were evaluated.")
    else:
        out.append(f"Shapley values are estimates; their largest standard error is {errors.max():.2g}.")
    return [*out, *(f"{one_line(item)[0].upper()}{one_line(item)[1:]}." for item in map(str, explanation.stability))]


def blocks_of(explanation: Results) -> list[Block]:
    """Return the whole explanation as blocks of a report."""
    blocks: list[Block] = [
        Heading(f"Explanation of {explanation.model}"),
        Items(tuple(f"{name}: {value}" for name, value in explanation.facts.items())),
        Paragraph(" ".join(summary(explanation))),
        *_columns(explanation),
        Heading("Rows"),
        Items(tuple(_rows(explanation))),
    ]
    for part in (explanation.linear, explanation.logistic, explanation.tree, explanation.gates):
        if getattr(part, "separation", ""):  # a sentence instead of a table
            blocks.append(Paragraph(f"{one_line(str(part))}."))
        elif part is not None:
            blocks.append(Listing(str(part), on_terminal=True))
    if explanation.sobol is not None:
        first, total = (np.nanmean(part, axis=1) for part in (explanation.sobol.first_order, explanation.sobol.total))
        rows = zip(explanation.angles, first, total, strict=True)
        blocks += [
            Paragraph("Shares of the variance over all angles (Fourier series), of an angle alone and with others:"),
            Grid(("angle", "alone", "with others"), tuple((name, f"{x:.1%}", f"{y:.1%}") for name, x, y in rows)),
        ]
    skipped = (f"{name} not computed: {reason}" for name, reason in explanation.skipped.items())
    return [*blocks, Heading("How far to trust this"), Items((*trust(explanation), *explanation.notes, *skipped))]


def _columns(explanation: Results) -> tuple[Block, Block]:
    """Return the table of the columns, and what its numbers refer to."""
    permutation = explanation.permutation
    header = ("column", "mean |Shapley|", "permutation loss", "derivative x deviation")
    rows = (
        (
            explanation.columns[k],
            f"{explanation.importances[k]:.4f}",
            f"{permutation.means[k]:.4f} +- {permutation.deviations[k]:.4f}",
            f"{explanation.sensitivities[k]:.4f}",
        )
        for k in explanation.order
    )
    text = f"Permutation loss: loss of {permutation.measure}, which is {permutation.score:.3f} without shuffling."
    return Grid(header, tuple(rows)), Paragraph(text)


def _rows(explanation: Results) -> Iterator[str]:
    """Return sentences on the first rows, and on the nearest rows with another prediction."""
    for row in range(min(SHOWN_ROWS, len(explanation.rows))):
        yield f"{row}  {row_sentence(explanation, row)}"
        if explanation.counterfactuals:
            nearest = explanation.counterfactuals[row]
            sentence = "no other prediction within the range of the background" if nearest is None else str(nearest)
            yield f"   nearest other: {sentence}"
    if len(explanation.rows) > SHOWN_ROWS:
        yield f"   and {counted(len(explanation.rows) - SHOWN_ROWS, 'row')} more"
