"""One self-contained page of an explanation: HTML without scripts and without anything from the network."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

import numpy as np

from qml.explain.gates import GateImportance
from qml.explain.narrative import entangling_sentence, output_name, summary, trust
from qml.explain.page_texts import METHODS, PAGE
from qml.explain.results import Results
from qml.explain.surrogates import LinearSurrogate
from qml.text import one_line
from simulator.version import library_version

__all__ = ["page"]

OPEN_ROWS = 10
"""Number of explained rows that are shown unfolded."""


def page(explanation: Results) -> str:
    """Write the page."""
    parts = [
        *_columns(explanation),
        *_rows(explanation),
        *_dependence(explanation),
        *_surrogates(explanation),
        *_circuit(explanation),
        *_trust(explanation),
        "<h2>Settings</h2>",
        _table(["", ""], [[name, value] for name, value in explanation.facts.items()]),
        "<h2>Methods</h2>",
        _table(["", ""], METHODS),
    ]
    return PAGE.substitute(
        title=_safe(f"Explanation of {explanation.model}"),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=library_version(),
        summary=_list(summary(explanation)),
        body="\n".join(parts),
    )


def _safe(text: object) -> str:
    """Escape text for HTML."""
    return escape(one_line(text))


def _list(items: Iterable[str]) -> str:
    return "<ul>\n" + "\n".join(f"<li>{_safe(item)}</li>" for item in items) + "\n</ul>"


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]], numeric: Iterable[int] = ()) -> str:
    """Write a table; cells of type `_Markup` are markup already, all others are escaped."""
    right = set(numeric)

    def cell(tag: str, number: int, value: Any) -> str:
        kind = ' class="number"' if number in right else ""
        return f"<{tag}{kind}>{value if isinstance(value, _Markup) else _safe(value)}</{tag}>"

    lines = ['<div class="wide"><table>']
    if any(head):
        lines.append("<tr>" + "".join(cell("th", k, name) for k, name in enumerate(head)) + "</tr>")
    lines += ["<tr>" + "".join(cell("td", k, value) for k, value in enumerate(row)) + "</tr>" for row in rows]
    return "\n".join([*lines, "</table></div>"])


class _Markup(str):
    """Text that is HTML."""

    __slots__ = ()


def _bar(value: float, largest: float, signed: bool = False) -> _Markup:
    """Draw a bar from the left, or from the middle to either side."""
    share = 0.0 if largest <= 0 else min(1.0, abs(value) / largest)
    color = "up" if value >= 0 else "down"
    if not signed:
        return _Markup(f'<span class="bar"><i class="{color}" style="left:0;width:{share:.1%}"></i></span>')
    left = 50.0 if value >= 0 else 50.0 - 50.0 * share
    return _Markup(f'<span class="bar"><i class="{color}" style="left:{left:.1f}%;width:{50 * share:.1f}%"></i></span>')


def _figure(figure: Any, alternative: str) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="{_safe(alternative)}" src="data:image/png;base64,{data}">'


def _drawn(name: str, explanation: Results, alternative: str) -> str:
    """Draw a figure, or say why there is none."""
    try:
        from qml.explain import figure

        return _figure(getattr(figure, name)(explanation), alternative)
    except ImportError:
        return '<p class="quiet">Figures need matplotlib: pip install &#x27;qumba[plot]&#x27;.</p>'


def _columns(explanation: Results) -> list[str]:
    importances, permutation = explanation.importances, explanation.permutation
    rows = [
        [
            explanation.columns[k],
            _bar(importances[k], float(importances.max())),
            f"{importances[k]:.4f}",
            f"{permutation.means[k]:.4f} ± {permutation.deviations[k]:.4f}",
            f"{explanation.sensitivities[k]:.4f}",
        ]
        for k in explanation.order
    ]
    head = ["column", "", "mean |Shapley value|", "permutation loss", "derivative x deviation"]
    return [
        "<h2>Which columns matter</h2>",
        f"<p>Three measures for the {_safe(explanation.quantity)}. The permutation loss is that of "
        f"{_safe(permutation.measure)}, which is {permutation.score:.3f} without shuffling.</p>",
        _table(head, rows, numeric=(2, 3, 4)),
    ]


def _rows(explanation: Results) -> list[str]:
    out = [
        "<h2>Single predictions</h2>",
        "<p>Each row starts from the mean output of the background; contributions add up to the row's output. Orange "
        "raises it, blue lowers it.</p>",
    ]
    values = [explanation.contributions(row) for row in range(len(explanation.rows))]
    largest = float(np.max(np.abs(values))) if values else 0.0
    errors = explanation.attributions.errors
    for row, contributions in enumerate(values):
        k = int(explanation.chosen[row])
        base, output = explanation.attributions.base[k], explanation.attributions.outputs[row, k]
        order = np.argsort(-np.abs(contributions), kind="stable")
        table = [["mean of the background", "", "", f"{base:.4f}"]]
        for j in order:
            error = "" if errors is None else f" ± {errors[row, j, k]:.4f}"
            shown = f"{contributions[j]:+.4f}{error}"
            table.append(
                [explanation.columns[j], explanation.rows[row][j], _bar(contributions[j], largest, True), shown]
            )
        table.append([output_name(explanation, k), "", "", f"{output:.4f}"])
        label = "" if explanation.quantity in ("prediction", "output") else f"predicted {explanation.labels[row]}, "
        head = f"Row {row}: {label}{output_name(explanation, k)} {output:.3f}"
        out.append(f"<details{' open' * (row < OPEN_ROWS)}><summary><b>{_safe(head)}</b></summary>")
        out.append(_table(["column", "value", "", "contribution"], table, numeric=(3,)))
        if explanation.counterfactuals:
            out.append(_nearest(explanation, row))
        out.append("</details>")
    return out


def _nearest(explanation: Results, row: int) -> str:
    nearest = explanation.counterfactuals[row]
    if nearest is None:
        return "<p>No row within the range of the rows of reference has another prediction.</p>"
    changes = "; ".join(f"{name} from {before} to {after}" for name, before, after in nearest.changes)
    return f"<p>It would be predicted {_safe(nearest.after)}, with the least change, if: {_safe(changes)}.</p>"


def _dependence(explanation: Results) -> list[str]:
    if not explanation.dependence:
        return []
    names = ", ".join(item.name for item in explanation.dependence)
    return [
        "<h2>How the output depends on a column</h2>",
        "<p>Thick: the average over the background rows when only this column changes. Thin: single rows.</p>",
        _drawn("draw_dependence", explanation, f"Partial dependence on {names}"),
    ]


def _surrogates(explanation: Results) -> list[str]:
    out = ["<h2>Simpler models in its place</h2>"]
    for surrogate in (explanation.linear, explanation.logistic):
        if surrogate is not None:
            out += _surrogate(surrogate)
    tree = explanation.tree
    if tree is not None:
        out.append("<h3>Tree</h3>")
        out.append(f"<p>{_safe(tree.measure)} {tree.held_out:.3f} with the model on held-out rows.</p>")
        out.append("<pre>" + "\n".join(_safe(line) for line in tree.rules.split("\n")) + "</pre>")
    return out if len(out) > 1 else []


def _surrogate(surrogate: LinearSurrogate) -> list[str]:
    title = f"{surrogate.kind.capitalize()} model of {surrogate.output}"
    if surrogate.separation:
        return [f"<h3>{_safe(title)}</h3>", f"<p>{_safe(surrogate.separation)}.</p>"]
    rows = [
        [name, f"{value:+.4f}", f"{error:.4f}", f"{p_value:.2g}", f"{low:+.4f} to {high:+.4f}"]
        for name, value, error, p_value, (low, high) in zip(
            surrogate.names,
            surrogate.coefficients,
            surrogate.errors,
            surrogate.p_values,
            surrogate.intervals,
            strict=True,
        )
    ]
    head = ["term", "coefficient", "standard error", "p-value", f"{surrogate.level:.0%} interval"]
    return [
        f"<h3>{_safe(title)}</h3>",
        f"<p>{surrogate.fidelity_name} {surrogate.fidelity:.3f} with the model on {surrogate.n_rows} rows. Numbers are "
        "standardised: a coefficient is the effect of one standard deviation.</p>",
        _table(head, rows, numeric=(1, 2, 3, 4)),
    ]


def _circuit(explanation: Results) -> list[str]:
    out = ["<h2>The circuit</h2>"]
    if explanation.gates is not None:
        out += _gates(explanation.gates)
    if explanation.entangling is not None:
        out.append(f"<h3>Entanglement</h3><p>{_safe(entangling_sentence(explanation.entangling))}.</p>")
    if explanation.twin is not None:
        out.append(f"<h3>Trained without entanglement</h3><p>{_safe(explanation.twin)}.</p>")
    if explanation.sobol is not None:
        first, total = (np.nanmean(part, axis=1) for part in (explanation.sobol.first_order, explanation.sobol.total))
        rows = [
            [name, f"{alone:.1%}", _bar(together, 1.0), f"{together:.1%}"]
            for name, alone, together in zip(explanation.angles, first, total, strict=True)
        ]
        out.append("<h3>Fourier series: shares of the variance over all angles</h3>")
        out.append(_table(["feature", "alone", "", "with others"], rows, numeric=(1, 3)))
    return out if len(out) > 1 else []


def _gates(gates: GateImportance) -> list[str]:
    largest = float(np.abs(gates.values).max())
    errors = [""] * len(gates.values) if gates.errors is None else [f" ± {error:.3f}" for error in gates.errors]
    rows = [
        [name, _bar(value, largest, True), f"{value:+.3f}{error}"]
        for name, value, error in zip(gates.names, gates.values, errors, strict=True)
    ]
    return [
        f"<h3>Shares of the {_safe(gates.measure)}</h3>",
        f"<p>{gates.full:.3f} with all gates, {gates.empty:.3f} without any.</p>",
        _table(["part", "", "Shapley value"], rows, numeric=(2,)),
    ]


def _trust(explanation: Results) -> list[str]:
    out = ["<h2>How far to trust this</h2>", _list([*trust(explanation), *explanation.notes])]
    if explanation.faithfulness is not None:
        out.append(_drawn("draw_curves", explanation, "Deletion and insertion curves"))
    if explanation.skipped:
        reasons = (f"{name}: {reason}" for name, reason in explanation.skipped.items())
        out += ["<h3>Not computed</h3>", _list(reasons)]
    return out
