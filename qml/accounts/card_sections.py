"""Sections of a model card, with the headings of the Hugging Face Hub's template."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from qml.accounts.card_facts import cost_lines, data_lines, limit_lines, preprocessing_lines, settings_grid
from qml.accounts.scores import ScoredRows
from qml.assessment.model_facts import circuit_of, describe, drawing, sizes_of
from qml.assessment.report import Block, Grid, Heading, Items, Listing, Paragraph
from qml.tables import TableModel

__all__ = ["MISSING", "Subject", "card_blocks"]

MISSING = "[More Information Needed]"
"""What a section says that neither the model nor the caller fills, as in the template of the Hugging Face Hub."""

LOAD = "from qumba import load\nmodel = load('model.qumba')\n"

MAX_DRAWING = 40
"""Maximum number of lines of a circuit's drawing."""


@dataclass(frozen=True)
class Subject:
    """A model and what is known of it.

    Attributes
    ----------
    model, estimator : TableModel or estimator; the estimator in it
    record : dict
        What a training run stored in the model file.
    name, task, target, digest : str
    test : ScoredRows or None
    words : dict
        What the caller of `model_card` said.
    """

    model: Any
    estimator: Any
    record: dict[str, Any]
    name: str
    task: str
    target: str
    digest: str
    test: ScoredRows | None
    words: dict[str, Any] = field(default_factory=dict)


def card_blocks(subject: Subject) -> list[Block]:
    """Return all sections; what is not known is marked as missing."""
    words, record, model = subject.words, subject.record, subject.estimator
    sizes = sizes_of(model)
    blocks: list[Block] = [
        Heading(f"Model card: {subject.name}"),
        Heading("Model Details"),
        Heading("Model Description", 3),
        Paragraph(f"{type(model).__name__}, a hybrid quantum-classical model for {subject.task}, made with qumba."),
        Items(_description(subject)),
        Heading("Uses"),
        Heading("Direct Use", 3),
        _said(words["intended_use"], "intended_use"),
        Heading("Out-of-Scope Use", 3),
        _said(words["out_of_scope"], "out_of_scope"),
        Heading("Bias, Risks, and Limitations"),
        Items((*limit_lines(subject.model, record), *words["limitations"])),
        Heading("Recommendations", 3),
        Paragraph(
            "Look at the intervals below before relying on a score, compare with the classical models named there, and "
            "repeat the report on groups with the data on which the model is used."
        ),
        Heading("How to Get Started with the Model"),
        Listing(_example(subject)),
        Heading("Training Details"),
        Heading("Training Data", 3),
        _items(words["data"] or data_lines(record), "data"),
        Heading("Training Procedure", 3),
        Paragraph(" ".join(_trained(model, sizes))),
        Heading("Preprocessing", 4),
        _items(preprocessing_lines(subject.model), "a model that qumba train wrote, or a pipeline"),
        Heading("Training Hyperparameters", 4),
        settings_grid(model),
        Heading("Speeds, Sizes, Times", 4),
        Items(cost_lines(model, record, sizes)),
        Heading("Evaluation"),
        Heading("Testing Data, Factors & Metrics", 3),
        Heading("Testing Data", 4),
        _items(_testing(subject), "test"),
        Heading("Factors", 4),
        *_report(words["fairness"] or record.get("fairness_text"), "fairness"),
        *([] if words["mitigation"] is None else _report(words["mitigation"], "mitigation")),
        Heading("Metrics", 4),
        Paragraph(_metrics(subject)),
        Heading("Results", 3),
        *_results(subject),
        Heading("Summary", 4),
        _items([str(line) for line in record.get("verdict", [])], "a model that qumba train wrote"),
        Heading("Model Examination"),
        *_report(words["explanation"], "explanation"),
        Heading("Environmental Impact"),
        Paragraph(
            "Energy was not measured. What training cost in circuits and seconds stands under Speeds, Sizes, Times; "
            "the circuits were simulated unless a backend is named among the settings."
        ),
        Heading("Technical Specifications"),
        Heading("Model Architecture and Objective", 3),
        *_architecture(model, sizes),
        Heading("Compute Infrastructure", 3),
        _items(_infrastructure(record), "a model that qumba train wrote"),
        Heading("Model Card Authors"),
        _items(words["authors"], "authors"),
        Heading("Model Card Contact"),
        _said(words["contact"], "contact"),
    ]
    return blocks


def _description(subject: Subject) -> tuple[str, ...]:
    model = subject.estimator
    lines = [f"target: {subject.target}"] if subject.target else []
    if hasattr(model, "classes_"):
        lines.append("classes: " + ", ".join(map(str, np.asarray(model.classes_).tolist())))
    if isinstance(subject.model, TableModel):
        schema = subject.model.schema
        lines.append("columns: " + ", ".join(column.name for column in schema.columns))
        if schema.sensitive:
            lines.append("sensitive columns, which are not features: " + ", ".join(schema.sensitive))
    elif hasattr(model, "n_features_in_"):
        lines.append(f"features: {model.n_features_in_}")
    lines.append(f"model digest: {subject.digest}")
    lines.append(f"license: {subject.words['license'] or MISSING + ' (license=)'}")
    return tuple(lines)


def _trained(model: Any, sizes: dict[str, int]) -> tuple[str, ...]:
    if not hasattr(model, "loss_history_") and circuit_of(model) is None:
        return (f"{type(model).__name__} of scikit-learn, or like it; it keeps no history of its training.",)
    return describe(model, sizes)


def _testing(subject: Subject) -> list[str]:
    if subject.test is None:
        return []
    sentence = f"{subject.test.n_rows:,} rows that the model was not trained on"
    split = subject.record.get("split")
    return [sentence, str(split)] if split and subject.record.get("scored") == subject.test.as_dict() else [sentence]


def _metrics(subject: Subject) -> str:
    if subject.test is None:
        return f"{MISSING} (test=)"
    return (
        f"{', '.join(subject.test.scores)}; intervals are percentiles of 1,000 bootstrap resamples of the test rows, "
        "95 %. They say how much the score depends on the rows that were tested, not on those that were trained on."
    )


def _results(subject: Subject) -> list[Block]:
    if subject.test is None:
        return [Paragraph(f"{MISSING} (test=)")]
    rows = tuple(
        (name, f"{score.value:.4g}", f"{score.low:.4g} to {score.high:.4g}")
        for name, score in subject.test.scores.items()
    )
    blocks: list[Block] = [Grid(("metric", "value", "95 % interval"), rows)]
    others = subject.record.get("models")
    if isinstance(others, list) and others:
        metric = subject.record.get("metric", "score")
        compared = tuple(
            (str(entry["name"]), f"{entry['score']:.4g}") for entry in others if entry["score"] is not None
        )
        blocks.append(Grid((f"compared on the same rows ({metric})", "mean"), compared))
    return blocks


def _architecture(model: Any, sizes: dict[str, int]) -> list[Block]:
    circuit = drawing(circuit_of(model))
    rows = tuple((name.replace("_", " "), f"{value:,}") for name, value in sizes.items())
    blocks: list[Block] = [Grid(("size", "number"), rows)] if rows else []
    if circuit is None:
        blocks.append(Paragraph("The model has no circuit, or several."))
    elif circuit.count("\n") < MAX_DRAWING:
        blocks.append(Listing(circuit))
    else:
        blocks.append(Paragraph("The circuit is too large to be drawn here: model.circuit_.draw() shows it."))
    return blocks


def _infrastructure(record: dict[str, Any]) -> list[str]:
    versions = record.get("versions")
    lines = [f"{name} {version}" for name, version in versions.items()] if isinstance(versions, dict) else []
    return ([f"machine: {record['machine']}"] if record.get("machine") else []) + lines


def _example(subject: Subject) -> str:
    if isinstance(subject.model, TableModel):
        return f"{LOAD}model.predict(df)    # a DataFrame with the columns above"
    count = getattr(subject.estimator, "n_features_in_", "n_features")
    return f"{LOAD}model.predict(X)    # an array of shape (n_rows, {count})"


def _report(report: Any, option: str) -> list[Block]:
    """Return a report as blocks: its own, or its text."""
    if report is None:
        return [Paragraph(f"{MISSING} ({option}=)")]
    if hasattr(report, "blocks"):
        blocks = report.blocks()
        return [Heading(block.text, 5) if isinstance(block, Heading) else block for block in blocks]
    return [Listing(str(report))]


def _items(lines: Sequence[str], source: str) -> Block:
    return Items(tuple(lines)) if lines else Paragraph(f"{MISSING} ({source}{'=' * source.isidentifier()})")


def _said(text: str | None, option: str) -> Paragraph:
    return Paragraph(text or f"{MISSING} ({option}=)")
