"""Tables of a study: scores beside the published ones, entanglement, classical models, seconds."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.study.data import AXES
from benchmarks.study.figures import draw_family
from benchmarks.study.markdown import markdown
from benchmarks.study.models import CONTENDERS
from benchmarks.study.published import published, published_name
from benchmarks.study.shortfalls import shortfalls_of_families, shortfalls_of_sizes
from qml.honesty.statistics import holm, signed_rank_test
from simulator.files import replace_file

__all__ = ["Result", "results", "tables", "update_page", "write_report"]

Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Result:
    """A finished cell, with the published result of the corresponding model."""

    family: str
    size: int
    model: str
    entangled: bool
    test: float
    deviation: float
    train: float
    fit_seconds: float
    fits: int
    seconds: float
    published: float | None
    published_train: float | None
    published_seconds: float | None

    @property
    def title(self) -> str:
        """Name of the model in tables."""
        return self.model if self.entangled else f"{self.model}, no entanglement"


def results(records: Records) -> list[Result]:
    """Return the results of records without those of failed cells, in the order of `AXES` and `CONTENDERS`."""
    families, models = list(AXES), list(CONTENDERS)
    found = []
    for record in records:
        if "error" in record:
            continue
        stored = published(record["family"], record["size"], published_name(record["model"], record["entangled"]))
        found.append(
            Result(
                record["family"],
                record["size"],
                record["model"],
                record["entangled"],
                float(np.mean(record["test"])),
                float(np.std(record["test"])),
                float(np.mean(record["train"])),
                record["fit_seconds"],
                record["fits"],
                record["seconds"],
                None if stored is None else stored.test,
                None if stored is None else stored.train,
                None if stored is None else stored.seconds,
            )
        )
    found.sort(key=lambda r: (families.index(r.family), r.size, models.index(r.model), not r.entangled))
    return found


def tables(records: Records) -> dict[str, str]:
    """Return the tables by name, as Markdown.

    ``families``: mean test accuracy of each model in each family; in brackets the published mean of the same sizes, or,
    in square brackets, both means of the sizes that were published. ``scores``: the same, one line for each family and
    model. ``sizes``: the same for each data set. ``target``: difference to the published mean of each model and family.
    ``below``: cells that are further below. ``entanglement``: each model with and without, in all data sets.
    ``classical``: each quantum model beside the SVC that was tuned on the same folds. ``seconds``: time per fit.
    """
    found = results(records)
    makers: Mapping[str, Callable[[list[Result]], str]] = {
        "families": _families,
        "scores": _scores,
        "sizes": _sizes,
        "target": shortfalls_of_families,
        "below": shortfalls_of_sizes,
        "entanglement": _entanglement,
        "classical": _classical,
        "seconds": _seconds,
    }
    return {name: make(found) for name, make in makers.items()}


def write_report(folder: Path, records: Records) -> list[Path]:
    """Write `results.csv`, `tables.md` and a figure for each family; return their paths."""
    found = results(records)
    paths = [folder / "results.csv", folder / "tables.md"]
    replace_file(paths[0], [_as_csv(found).encode()])
    text = "\n\n".join(f"## {name}\n\n{table}" for name, table in tables(records).items())
    replace_file(paths[1], [f"{text}\n".encode()])
    for family in dict.fromkeys(result.family for result in found):
        path = folder / f"{family}.png"
        draw_family([result for result in found if result.family == family], path)
        paths.append(path)
    return paths


def update_page(page: Path, name: str, records: Records) -> None:
    """Replace the tables of a page between marks such as ``<!-- small scores -->`` and ``<!-- end -->``.

    Parameters
    ----------
    page : path of a Markdown file
    name : str
        Name of the study's setting, the first word of its marks.
    records : sequence of dict

    Raises
    ------
    ValueError
        If the page has no mark of this setting.
    """
    text = page.read_text()
    entries = tables(records) | {"count": f"{len(results(records))} cells"}
    count = 0
    for table, content in entries.items():
        pattern = re.compile(rf"(<!-- {re.escape(name)} {table} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, replaced = pattern.subn(lambda match, content=content: f"{match[1]}{content}\n{match[2]}", text)
        count += replaced
    if not count:
        raise ValueError(f"{page} has no mark such as <!-- {name} scores -->, so there is no place for the tables")
    replace_file(page, [text.encode()])


def _families(found: list[Result]) -> str:
    families = list(dict.fromkeys(r.family for r in found))
    rows = []
    for title, group in _grouped(sorted(found, key=lambda r: _rank(r)), lambda r: r.title).items():
        shown = []
        for family in families:
            cells = [r for r in group if r.family == family]
            stored = [r.published for r in cells if r.published is not None]
            text = f"{np.mean([r.test for r in cells]):.3f}" if cells else ""
            if stored and len(stored) == len(cells):
                text += f" ({np.mean(stored):.3f})"
            elif stored:
                same = np.mean([r.test for r in cells if r.published is not None])
                text += f" [{same:.3f} ({np.mean(stored):.3f})]"
            shown.append(text)
        rows.append([title, *shown])
    return markdown(["model", *families], rows)


def _scores(found: list[Result]) -> str:
    rows = []
    for (family, _), group in _grouped(found, lambda r: (r.family, r.title)).items():
        both = [r for r in group if r.published is not None]
        ours = np.mean([r.test for r in group])
        if both:
            same, stored = np.mean([r.test for r in both]), np.mean([r.published for r in both])  # type: ignore[misc]
            shown = [f"{same:.3f}", f"{stored:.3f}", f"{same - stored:+.3f}"]
        else:
            shown = ["", "", ""]
        sizes = ", ".join(str(r.size) for r in group)
        rows.append([family, group[0].title, sizes, f"{ours:.3f}", *shown])
    header = ["family", "model", "sizes", "test accuracy", "where published", "published", "difference"]
    return markdown(header, rows)


def _sizes(found: list[Result]) -> str:
    titles = list(dict.fromkeys(r.title for r in sorted(found, key=lambda r: _rank(r))))
    rows = []
    for (family, size), group in _grouped(found, lambda r: (r.family, r.size)).items():
        by_title = {r.title: r for r in group}
        shown = []
        for title in titles:
            result = by_title.get(title)
            if result is None:
                shown.append("")
                continue
            stored = "" if result.published is None else f" ({result.published:.3f})"
            shown.append(f"{result.test:.3f}{stored}")
        rows.append([f"{family} {size}", *shown])
    return markdown(["data set", *titles], rows)


def _entanglement(found: list[Result]) -> str:
    pairs = _pairs(found, lambda r: r.entangled and CONTENDERS[r.model].quantum, lambda r: (r.model, False))
    return _comparison(pairs, "no entanglement")


def _classical(found: list[Result]) -> str:
    return _comparison(_pairs(found, lambda r: CONTENDERS[r.model].quantum, lambda r: ("SVC", True)), "SVC")


def _pairs(
    found: list[Result], select: Callable[[Result], bool], partner: Callable[[Result], tuple[str, bool]]
) -> dict[str, list[tuple[float, float]]]:
    """Return the accuracies of selected models and their partners on the same data sets, by the model's title."""
    known = {(r.family, r.size, r.model, r.entangled): r.test for r in found}
    pairs: dict[str, list[tuple[float, float]]] = {}
    for r in sorted(found, key=lambda r: _rank(r)):
        other = known.get((r.family, r.size, *partner(r)))
        if select(r) and other is not None:
            pairs.setdefault(r.title, []).append((r.test, other))
    return pairs


def _comparison(pairs: Mapping[str, list[tuple[float, float]]], other: str) -> str:
    differences = {title: np.array([a - b for a, b in values]) for title, values in pairs.items()}
    p_values = holm([signed_rank_test(values) for values in differences.values()]) if differences else []
    rows = []
    for (title, values), p_value in zip(differences.items(), p_values, strict=True):
        mean, opposite = np.mean(pairs[title], axis=0)
        wins, losses = int((values > 1e-9).sum()), int((values < -1e-9).sum())
        counts = f"{wins} / {len(values) - wins - losses} / {losses}"
        rows.append(
            [
                title,
                str(len(values)),
                f"{mean:.3f}",
                f"{opposite:.3f}",
                f"{values.mean():+.3f}",
                counts,
                f"{p_value:.2g}",
            ]
        )
    return markdown(["model", "data sets", "accuracy", other, "difference", "better / equal / worse", "p"], rows)


def _seconds(found: list[Result]) -> str:
    rows = []
    for title, group in _grouped(sorted(found, key=lambda r: _rank(r)), lambda r: r.title).items():
        both = [r for r in group if r.published_seconds]
        ours = np.median([r.fit_seconds for r in group])
        stored, ratio = "", ""
        if both:
            stored = f"{np.median([r.published_seconds for r in both]):.3g}"  # type: ignore[type-var]
            ratio = f"{np.median([r.published_seconds / r.fit_seconds for r in both]):.0f}"  # type: ignore[operator]
        hours = sum(r.seconds for r in group) / 3600
        rows.append([title, str(sum(r.fits for r in group)), f"{hours:.2f}", f"{ours:.3g}", stored, ratio])
    return markdown(["model", "fits", "hours", "seconds per fit", "published", "ratio"], rows)


def _rank(result: Result) -> tuple[int, bool]:
    return list(CONTENDERS).index(result.model), not result.entangled


def _grouped(found: Iterable[Result], key: Callable[[Result], Any]) -> dict[Any, list[Result]]:
    groups: dict[Any, list[Result]] = {}
    for result in found:
        groups.setdefault(key(result), []).append(result)
    return groups


def _as_csv(found: list[Result]) -> str:
    buffer = io.StringIO()
    names = list(Result.__dataclass_fields__)
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(result, name) for name in names] for result in found)
    return buffer.getvalue()
