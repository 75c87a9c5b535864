"""The verdict in words. A difference is called clear only if the comparison was fair and both tests agree."""

from __future__ import annotations

import numpy as np

from qml.honesty.evaluation import ModelScores
from qml.honesty.results import Difference, Results

__all__ = ["handicaps", "overfitting", "verdict"]

OVERFITTING = 0.1
"""Difference between training and test score from which a model is said to overfit."""

FEW_ROWS = 5
"""Number of test rows of a class below which a comparison says little about it."""

READOUT = "A linear model of the same scaled features, without the circuit,"


def verdict(comparison: Results) -> str:
    """Say which model is better, by how much, whether that is clear, and what entanglement and circuit add."""
    sentences = [
        _against_classical(comparison),
        _without(comparison, "twin", "entanglement", "The same model without entanglement"),
        _without(comparison, "readout", "the circuit", READOUT),
        _against_trivial(comparison),
        _rare_classes(comparison),
        overfitting(comparison),
    ]
    return " ".join(filter(None, sentences))


def handicaps(comparison: Results) -> list[str]:
    """List what a classical model lacked: rows, candidates, or that it could be trained at all."""
    models = comparison.role("classical")
    rows = int(comparison.quantum.train_rows.min())
    candidates = max(int(model.candidates.max()) for model in [*models, comparison.quantum])
    out = []
    for model in models:
        if model.train_rows.min() < rows:
            out.append(f"the {model.name} was trained on {model.train_rows.min():,} of {rows:,} rows")
        if model.candidates.min() < candidates:
            out.append(f"the {model.name} was tuned over {model.candidates.min()} of {candidates} candidates")
    out += [
        f"the {name} is missing ({why})"
        for name, why in comparison.missing.items()
        if name not in ("without entanglement", "without the circuit")
    ]
    return out


def overfitting(comparison: Results) -> str:
    """Say in words that the quantum model fits its training rows much better than others, and what to try."""
    training, test = float(comparison.quantum.train_scores.mean()), comparison.mean(comparison.quantum)
    if not training - test > OVERFITTING:
        return ""
    return (
        f"The quantum model overfits: training {training:.2f}, test {test:.2f}. Try fewer layers or qubits, early "
        "stopping, fewer features, or more rows."
    )


def _against_classical(comparison: Results) -> str:
    lacking = handicaps(comparison)
    models = comparison.role("classical")
    if not models:
        return f"The quantum model was compared with no classical model: {'; '.join(lacking)}."
    best = comparison.best("classical", "readout") if comparison.role("readout") else comparison.best()
    difference = comparison.difference(best)
    name = _called(best)
    size = comparison.metrics.size(difference.test.mean)
    if abs(difference.test.mean) < 1e-12:
        outcome = f"The quantum model and {name}, the best classical model, do equally well"
    elif difference.test.mean < 0:
        outcome = f"{_capital(name)} is {size} better than the quantum model"
    else:
        outcome = f"The quantum model is {size} better than {name}, the best classical model"
    outcome += _numbers(comparison, difference)
    all_clear = all(comparison.difference(model).clear for model in comparison.role("classical", "readout"))
    if abs(difference.test.mean) < 1e-12:
        conclusion, adds = "no difference", "There is no evidence that the quantum part adds anything."
    elif difference.test.mean < 0 and difference.clear:
        conclusion = "a clear difference"
        adds = "The quantum part adds nothing here."
    elif difference.test.mean > 0 and all_clear and not lacking:
        conclusion, adds = "a clear difference from every classical model", ""
    else:
        conclusion = _why_unclear(comparison, difference, lacking)
        adds = "There is no evidence that the quantum part adds anything."
    return f"{outcome}: {conclusion}; {_budget(comparison, lacking)}. {adds}".rstrip()


def _why_unclear(comparison: Results, difference: Difference, lacking: list[str]) -> str:
    if difference.test.mean > 0 and difference.significant and not difference.contradicted:
        if lacking:
            return f"not a clear difference, because {' and '.join(lacking)}"
        others = [
            other.name for other in comparison.differences if other.role in ("classical", "readout") and not other.clear
        ]
        return f"not a clear difference, because that from the {' and the '.join(others)} is not"
    if difference.significant and difference.contradicted:
        return f"not a clear difference, because {comparison.metrics.secondary} says the opposite"
    return "too uncertain to tell them apart"


def _budget(comparison: Results, lacking: list[str]) -> str:
    """Say what each model got."""
    quantum, classical = comparison.quantum, comparison.role("classical")
    used = int(quantum.train_rows.min())
    rows = (
        f"the same {used:,} rows"
        if used == comparison.num_rows
        else f"the same {used:,} of {comparison.num_rows:,} rows"
    )
    where = rows if comparison.num_splits == 1 else f"{rows} in each of {comparison.num_splits} splits"
    text = f"all were trained on {where}"
    if any("trained on" in entry for entry in lacking):
        text = f"the quantum model was trained on {where}"
    candidates = max(int(model.candidates.max()) for model in classical)
    if candidates == quantum.candidates.max():
        text += ", with their settings as given" if candidates == 1 else f" and tuned over {candidates} candidates each"
    else:
        tried = int(quantum.candidates.max())
        tuned = "with its settings as given" if tried == 1 else f"tuned over {tried} candidates"
        text += f", the quantum model {tuned}, the classical models tuned over {candidates} candidates each"
    if lacking and not _lists_handicaps(comparison):
        text += f", but {' and '.join(lacking)}"
    return text


def _lists_handicaps(comparison: Results) -> bool:
    """Return whether the conclusion names the handicaps already."""
    best = comparison.difference(comparison.best("classical", "readout"))
    return best.test.mean > 0 and best.clear


def _without(comparison: Results, role: str, part: str, subject: str) -> str:
    model = next((model for model in comparison.models if model.role == role), None)
    if model is None:
        return ""
    difference = comparison.difference(model)
    size = comparison.metrics.size(difference.test.mean)
    if difference.clear and difference.test.mean > 0:
        return f"{subject} is {size} worse: {part} helps."
    if difference.clear:
        return f"{subject} is {size} better: {part} does harm."
    if difference.test.mean == 0:
        return f"{subject} does equally well: {part} adds nothing measurable."
    if difference.test.mean < 0:
        return f"{subject} is {size} better, though not clearly: {part} adds nothing measurable."
    return f"{subject} is {size} worse, but not clearly: there is no evidence that {part} helps."


def _against_trivial(comparison: Results) -> str:
    difference = comparison.difference(comparison.models[-1])
    if difference.test.mean > 0 and difference.significant:
        return ""
    return f"The quantum model is not clearly better than the {difference.name} either."


def _rare_classes(comparison: Results) -> str:
    """Say which classes have so few test rows that the comparison says little about them."""
    if comparison.metrics.labels is None:
        return ""
    _, first = np.unique(np.concatenate(comparison.test_rows), return_index=True)
    truth = np.concatenate(comparison.truth)[first]
    counts = [(str(label), int((truth == label).sum())) for label in comparison.metrics.labels]
    rare = [f"{label!r} ({count})" for label, count in counts if count < FEW_ROWS]
    if not rare:
        return ""
    named, pronoun = (f"Class {rare[0]} has", "it") if len(rare) == 1 else (f"Classes {', '.join(rare)} have", "them")
    return f"{named} fewer than {FEW_ROWS} test rows: the comparison says little about {pronoun}."


def _numbers(comparison: Results, difference: Difference) -> str:
    test = difference.test
    if not np.isfinite(test.error):
        return ""
    interval = test.interval if test.mean > 0 else (-test.interval[1], -test.interval[0])
    models = len(comparison.differences) - 1
    return (
        f" (95 % interval {comparison.metrics.bounds(interval)}; p = {difference.p_value:.2g} by t-test "
        f"and {difference.rows_p_value:.2g} by {_rows_test(comparison)}, corrected for {models} models)"
    )


def _rows_test(comparison: Results) -> str:
    name = comparison.metrics.rows_test_name
    return "Wilcoxon's test" if name == "Wilcoxon" else f"{name} test"


def _called(model: ModelScores) -> str:
    return "the linear model without the circuit" if model.role == "readout" else f"the {model.name}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
