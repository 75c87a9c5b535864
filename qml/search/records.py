"""Records of trials, and how they are stored."""

from __future__ import annotations

import base64
import math
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.search.evaluation import COMPLETE, Outcome
from qml.search.families import Kind

__all__ = ["TrialRecord", "pack_array", "packed", "record_of", "unpack_array", "unpacked"]


@dataclass(frozen=True)
class TrialRecord:
    """A finished trial.

    Attributes
    ----------
    number : int
        Position among the finished trials of the search, counted from 0.
    family : str
        Name of the model family.
    kind : {"quantum", "classical"}
    state : {"complete", "pruned", "failed"}
    score : float
        Mean score of the folds; of a pruned trial, its last score; NaN for a failed one.
    fold_scores : tuple of float
    costs : tuple of float
        Further objectives, in the order in which they were asked for.
    params : dict
        Parameters that the trial drew, which rebuild its model.
    seconds, fit_seconds : float
        Time of the trial, and of the fits and predictions in it.
    error : str
        Why a failed trial failed.
    predictions : str
        Predictions of the validation rows of all folds, packed; empty unless the trial is complete.
    """

    number: int
    family: str
    kind: Kind
    state: str
    score: float
    fold_scores: tuple[float, ...]
    costs: tuple[float, ...]
    params: dict[str, Any]
    seconds: float
    fit_seconds: float
    error: str = ""
    predictions: str = ""

    @property
    def complete(self) -> bool:
        """Whether all folds were scored."""
        return self.state == COMPLETE


def record_of(
    outcome: Outcome, number: int, family: str, kind: Kind, params: dict[str, Any], labels: NDArray[Any] | None
) -> TrialRecord:
    """Return the record of an outcome.

    Parameters
    ----------
    labels : ndarray, optional
        Classes, as whose positions predictions are stored.
    """
    predictions = ""
    if outcome.state == COMPLETE:
        values = np.concatenate(outcome.predictions)
        predictions = pack_array(values if labels is None else np.searchsorted(labels, values))
        score = outcome.score
    else:
        score = outcome.reports[-1][0] if outcome.reports else math.nan
    return TrialRecord(
        number,
        family,
        kind,
        outcome.state,
        score,
        tuple(outcome.scores),
        tuple(outcome.costs),
        params,
        outcome.seconds,
        outcome.fit_seconds,
        outcome.error,
        predictions,
    )


def packed(record: TrialRecord) -> dict[str, Any]:
    """Return a record as JSON values, without what Optuna stores itself."""
    data = asdict(record)
    del data["kind"], data["params"]
    data["score"] = None if math.isnan(record.score) else record.score
    return data


def unpacked(data: dict[str, Any], kind: Kind, params: dict[str, Any]) -> TrialRecord:
    """Return the record of JSON values."""
    values = dict(data)
    values["score"] = math.nan if data["score"] is None else data["score"]
    values["fold_scores"], values["costs"] = tuple(data["fold_scores"]), tuple(data["costs"])
    return TrialRecord(kind=kind, params=params, **values)


def pack_array(values: NDArray[Any]) -> str:
    """Pack integers below 65536, or numbers in single precision, as text."""
    kind, dtype = ("i", "<u2") if values.dtype.kind in "iu" else ("f", "<f4")
    return kind + base64.b64encode(zlib.compress(values.astype(dtype).tobytes(), 1)).decode("ascii")


def unpack_array(text: str) -> NDArray[Any]:
    """Return the array that `pack_array` packed."""
    dtype, kind = ("<u2", np.intp) if text[0] == "i" else ("<f4", np.float64)
    return np.frombuffer(zlib.decompress(base64.b64decode(text[1:])), dtype).astype(kind)
