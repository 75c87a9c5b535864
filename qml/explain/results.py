"""Numbers of an explanation."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.explain.counterfactuals import Counterfactual
from qml.explain.faithfulness import DeletionCurves
from qml.explain.gates import GateImportance
from qml.explain.importances import Dependence, PermutationImportance
from qml.explain.inputs import Inputs
from qml.explain.outputs import plain
from qml.explain.shapley import Attributions
from qml.explain.sobol import SobolIndices
from qml.explain.stability import Stability, importance
from qml.explain.surrogates import LinearSurrogate
from qml.explain.trees import TreeSurrogate
from qml.explain.twins import EntanglementShare

__all__ = ["Results"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Results:
    """What was computed for an explanation; `Explanation` shows it, and describes the attributes."""

    model: str
    facts: dict[str, str]
    quantity: str
    outputs: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    data: Array = field(repr=False)
    labels: tuple[Any, ...]
    chosen: NDArray[np.intp]
    attributions: Attributions
    integrated: Array
    sensitivities: Array
    permutation: PermutationImportance
    dependence: tuple[Dependence, ...]
    background: Array = field(repr=False)
    inputs: Inputs = field(repr=False)
    counterfactuals: tuple[Counterfactual | None, ...] = ()
    linear: LinearSurrogate | None = None
    logistic: LinearSurrogate | None = None
    tree: TreeSurrogate | None = None
    gates: GateImportance | None = None
    entangling: GateImportance | None = None
    twin: EntanglementShare | None = None
    sobol: SobolIndices | None = None
    angles: tuple[str, ...] = ()
    faithfulness: DeletionCurves | None = None
    stability: tuple[Stability, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def importances(self) -> Array:
        """Mean absolute Shapley value of each column, over rows and outputs."""
        return importance(self.attributions.values)

    @property
    def order(self) -> NDArray[np.intp]:
        """Numbers of the columns, the most important first."""
        return np.argsort(-self.importances, kind="stable")

    def contributions(self, row: int) -> Array:
        """Return the Shapley values of an explained row for the output that counts, shape (n_columns,)."""
        return np.asarray(self.attributions.values[row, :, self.chosen[row]])

    def as_dict(self) -> dict[str, Any]:
        """Return all numbers as plain values, ready for JSON, and None where undefined; no curves of single rows."""
        shapley = self.attributions
        out: dict[str, Any] = {
            "model": self.model,
            "facts": dict(self.facts),
            "quantity": self.quantity,
            "outputs": list(self.outputs),
            "columns": list(self.columns),
            "base": shapley.base.tolist(),
            "importances": dict(zip(self.columns, self.importances.tolist(), strict=True)),
            "sensitivities": dict(zip(self.columns, self.sensitivities.tolist(), strict=True)),
            "permutation": {
                "measure": self.permutation.measure,
                "score": self.permutation.score,
                "means": self.permutation.means.tolist(),
                "deviations": self.permutation.deviations.tolist(),
            },
            "rows": [self._row(number) for number in range(len(self.rows))],
            "dependence": {
                item.name: {"values": list(item.values), "average": item.average.tolist()} for item in self.dependence
            },
            "stability": [
                {"runs": item.runs, "rank correlation": item.rank_correlation, "same first": item.same_first}
                for item in self.stability
            ],
            "notes": list(self.notes),
            "skipped": dict(self.skipped),
        }
        for name, surrogate in (("linear", self.linear), ("logistic", self.logistic)):
            if surrogate is not None:
                out[name] = _surrogate(surrogate)
        if self.tree is not None:
            out["tree"] = {
                "rules": self.tree.rules,
                "measure": self.tree.measure,
                "fidelity": self.tree.fidelity,
                "held out": self.tree.held_out,
            }
        for name, gates in (("gates", self.gates), ("entangling", self.entangling)):
            if gates is not None:
                out[name] = {
                    "measure": gates.measure,
                    "full": gates.full,
                    "empty": gates.empty,
                    "values": dict(zip(gates.names, gates.values.tolist(), strict=True)),
                }
        if self.twin is not None:
            out["twin"] = {
                "score": self.twin.score,
                "twin score": self.twin.twin_score,
                "p-value": self.twin.rows_p_value,
                "agreement": self.twin.agreement,
                "output share": self.twin.output_share,
            }
        if self.sobol is not None:
            out["sobol"] = {
                "features": list(self.angles),
                "variances": self.sobol.variances.tolist(),
                "first order": self.sobol.first_order.tolist(),
                "total": self.sobol.total.tolist(),
            }
        if self.faithfulness is not None:
            curves = self.faithfulness
            out["faithfulness"] = {
                "areas": curves.areas,
                "deletion": curves.deletion.tolist(),
                "insertion": curves.insertion.tolist(),
            }
        return dict(_finite(out))

    def _row(self, number: int) -> dict[str, Any]:
        """Return an explained row as plain values."""
        shapley = self.attributions
        out = {
            "values": dict(zip(self.columns, self.rows[number], strict=True)),
            "prediction": plain(self.labels[number]),
            "outputs": shapley.outputs[number].tolist(),
            "shapley": shapley.values[number].tolist(),
            "integrated gradients": self.integrated[number].tolist(),
        }
        if shapley.errors is not None:
            out["shapley errors"] = shapley.errors[number].tolist()
        if self.counterfactuals:
            nearest = self.counterfactuals[number]
            out["counterfactual"] = None if nearest is None else str(nearest)
        return out


def _finite(value: Any) -> Any:
    """Replace NaN and infinity, which JSON has no numbers for, by None."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _surrogate(surrogate: LinearSurrogate) -> dict[str, Any]:
    if surrogate.separation:
        return {"output": surrogate.output, "separation": surrogate.separation}
    return {
        "output": surrogate.output,
        "names": list(surrogate.names),
        "coefficients": surrogate.coefficients.tolist(),
        "errors": surrogate.errors.tolist(),
        "p-values": surrogate.p_values.tolist(),
        "intervals": surrogate.intervals.tolist(),
        surrogate.fidelity_name: surrogate.fidelity,
    }
