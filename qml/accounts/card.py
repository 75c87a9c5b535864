"""Model card: what a model is, what it was made from, how good it is and for whom, from the fit itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from qml.accounts.card_sections import MISSING, Subject, card_blocks
from qml.accounts.digests import model_digest
from qml.accounts.front_matter import front_matter
from qml.accounts.scores import ScoredRows, score_rows
from qml.assessment.report import markdown
from qml.fairness.estimates import Estimate
from qml.tables import TableModel
from qml.text import markdown as escaped
from qml.text import one_line
from simulator.files import replace_file

__all__ = ["MISSING", "model_card"]

TASKS = {"classification": "tabular-classification", "regression": "tabular-regression"}


def model_card(
    model: Any,
    path: str | PathLike[str] | None = None,
    *,
    name: str | None = None,
    intended_use: str | None = None,
    out_of_scope: str | None = None,
    limitations: str | Sequence[str] | None = None,
    data: str | Sequence[str] | None = None,
    test: tuple[Any, Any] | None = None,
    fairness: Any = None,
    explanation: Any = None,
    mitigation: Any = None,
    license: str | None = None,
    authors: str | Sequence[str] | None = None,
    contact: str | None = None,
    tags: Sequence[str] = (),
) -> str:
    """Write a model card from the fit itself.

    What `qumba train` stored in the model file (data, split, scores with intervals, comparison with classical models,
    times, versions, fairness) is read from there; of a model trained in Python, pass what you want said. A section that
    nothing fills says so.

    Parameters
    ----------
    model : fitted estimator, TableModel or pipeline
    path : path, optional
        Markdown file to write, such as ``README.md`` of a model repository.
    name : str, optional
        By default the class and the target.
    intended_use, out_of_scope, license, contact : str, optional
    limitations, data, authors : str or sequence of str, optional
        Further limits; sentences on the training data; people.
    test : (X, y), optional
        Rows that the model was not trained on, for scores with bootstrap intervals.
    fairness, explanation, mitigation : optional
        What `fairness_report`, `explain` and `mitigate` return, or any objects whose ``str`` is a report.
    tags : sequence of str

    Returns
    -------
    str
        The card: YAML front matter, and Markdown with the sections of the Hugging Face Hub's template.

    Raises
    ------
    NotFittedError
        If the model is not fitted.

    References
    ----------
    Mitchell et al., Model cards for model reporting, arXiv:1810.03993; the template of ``huggingface_hub``.
    """
    estimator = model.estimator if isinstance(model, TableModel) else model
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise NotFittedError(
            f"a model card is written of a fitted model; this {type(estimator).__name__} is not"
        ) from None
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    record = getattr(model, "record", None) if isinstance(model, TableModel) else None
    record = record if isinstance(record, dict) else {}
    task = "classification" if is_classifier(estimator) else "regression"
    target = model.schema.target if isinstance(model, TableModel) else ""
    subject = Subject(
        model,
        last,
        record,
        name or (f"{type(last).__name__} of {target}" if target else type(last).__name__),
        task,
        target,
        model_digest(model),
        _scored(model, estimator, test, task, record),
        {
            "intended_use": intended_use, "out_of_scope": out_of_scope, "limitations": _lines(limitations),
            "data": _lines(data), "fairness": fairness, "explanation": explanation, "mitigation": mitigation,
            "authors": _lines(authors), "contact": contact, "license": license,
        },
    )  # fmt: skip
    body = markdown(card_blocks(subject)).replace(escaped(MISSING), MISSING)
    text = f"{front_matter(_front_matter(subject, tags))}\n{body}"
    if path is not None:
        replace_file(Path(path), [text.encode(errors="backslashreplace")])
    return text


def _front_matter(subject: Subject, tags: Sequence[str]) -> dict[str, Any]:
    data: dict[str, Any] = {"library_name": "qumba"}
    if subject.words["license"]:
        data["license"] = subject.words["license"]
    data["pipeline_tag"] = TASKS[subject.task]
    data["tags"] = list(dict.fromkeys(["quantum-machine-learning", TASKS[subject.task], *map(one_line, tags)]))
    scores = subject.test.scores if subject.test is not None else {}
    if scores:
        data["metrics"] = [_identifier(name) for name in scores]
        data["model-index"] = [
            {
                "name": one_line(subject.name),
                "results": [
                    {
                        "task": {"type": TASKS[subject.task]},
                        "dataset": {"name": one_line(subject.record.get("title", "test rows")), "type": "table"},
                        "metrics": [
                            {"type": _identifier(name), "name": name, "value": score.value}
                            for name, score in scores.items()
                        ],
                    }
                ],
            }
        ]
    return data


def _scored(
    model: Any, estimator: Any, test: tuple[Any, Any] | None, task: str, record: dict[str, Any]
) -> ScoredRows | None:
    """Score the test rows; without any, read the scores that the training run stored."""
    if test is not None:
        X, y = test
        probability = None
        if hasattr(estimator, "predict_proba") and len(estimator.classes_) == 2:
            probability = np.asarray(model.predict_proba(X))[:, 1]
        return score_rows(y, model.predict(X), probability, classification=task == "classification")
    stored = record.get("scored")
    if not isinstance(stored, dict):
        return None
    scores = {
        name: Estimate(**{key: _number(value) for key, value in entry.items()})
        for name, entry in stored["scores"].items()
    }
    return ScoredRows(stored["task"], stored["rows"], scores)


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _lines(text: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if text is None else (text,) if isinstance(text, str) else tuple(text)


def _identifier(name: str) -> str:
    return re.sub(r"\W+", "_", name.lower())
