"""Sentences on a fitted model for the report: its circuit, what is trained in it and beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.ensemble import VotingClassifier, VotingRegressor
from sklearn.pipeline import Pipeline

from qml.layers import Dense, Derivatives, Layer, Quantum, Quanvolution
from simulator import Circuit
from simulator.errors import QumbaError, counted

__all__ = ["circuit_of", "describe", "drawing", "reduction_note", "settings_of", "sizes_of"]

CIRCUIT_WIDTH = 110

ENSEMBLES = (VotingClassifier, VotingRegressor)
"""Classes of models that predict together."""


def circuit_of(model: Any) -> Circuit | None:
    """Return the circuit of a fitted model, or None if it has none or several."""
    circuit = getattr(model, "circuit_", None)
    kernel: Any = getattr(model, "kernel_", None)
    if circuit is None and hasattr(kernel, "encoding"):
        circuit = kernel.encoding(model.scaling_.num_outputs).circuit
    if circuit is None and hasattr(getattr(model, "model_", None), "circuit"):
        circuit = model.model_.circuit
    return circuit if isinstance(circuit, Circuit) else None


def sizes_of(model: Any) -> dict[str, int]:
    """Return sizes of the circuit, the number of its trained angles, and of the weights of classical layers."""
    sizes: dict[str, int] = {}
    circuit = circuit_of(model)
    if circuit is not None:
        sizes |= {"qubits": circuit.num_qubits, "gates": len(circuit.operations), "depth": circuit.depth()}
    if hasattr(model, "network_"):
        layers = list(_layers(model.network_))
        angles = sum(layer.num_weights for layer in layers if _is_quantum(layer))
        observables = next((layer.num_outputs for layer in layers if _is_quantum(layer)), None)
        if observables is not None:
            sizes["observables"] = observables
        weights = len(model.weights_)
        sizes |= {"weights": weights, "angles": angles, "classical_weights": weights - angles}
    return sizes


def settings_of(model: Any) -> dict[str, Any]:
    """Return the settings of a model, or of the models that predict together; without those that are None."""
    if isinstance(model, ENSEMBLES):
        return {name: " ".join(repr(member).split()) for name, member in model.estimators}
    return {name: value for name, value in model.get_params(deep=False).items() if value is not None}


def describe(model: Any, sizes: dict[str, int]) -> tuple[str, ...]:
    """Describe a fitted model in sentences."""
    if isinstance(model, ENSEMBLES):
        members = [member[-1] if isinstance(member, Pipeline) else member for member in model.estimators_]
        names = ", ".join(type(member).__name__ for member in members)
        return (f"{counted(len(members), 'model')} predict together {_rule(model)}: {names}.",)
    sentences = []
    if "qubits" in sizes:
        text = f"{counted(sizes['qubits'], 'qubit')}, {counted(sizes['gates'], 'gate')}, depth {sizes['depth']}"
        if "observables" in sizes:
            text += f"; {counted(sizes['observables'], 'observable')} read out"
        sentences.append(f"{text}.")
    if "angles" in sizes:
        readout = "readout" if not _layer_before(model) else "layers before and after it"
        decay = getattr(model, "weight_decay_", 0.0)  # the setting may leave it to the class or to held-out rows
        text = (
            f"{counted(sizes['angles'], 'angle')} in the circuit and {counted(sizes['classical_weights'], 'weight')} "
            f"of the classical {readout} were trained for {counted(len(model.loss_history_), 'epoch')}"
            f"{f' with a weight decay of {decay:g}' if decay else ''}, loss {_first_to_last(model.loss_history_)}"
        )
        if model.best_epoch_:
            text += f"; the weights are those of epoch {model.best_epoch_}"
        sentences.append(f"{text}.")
    elif hasattr(model, "support_"):
        trained = "a support vector machine" if is_classifier(model) else "support vector regression"
        sentences.append(
            f"No angle is trained for the labels: {trained} on {_kernel_name(model.kernel_)}, with "
            f"{counted(len(model.support_), 'support vector')}."
        )
    else:
        sentences.append(
            f"No angle is trained: {type(model).__name__} fits a classical model to the circuit's outputs."
        )
    return tuple(sentences)


def reduction_note(model: Any) -> tuple[str, ...]:
    """Say what became of features that do not fit on the qubits."""
    circuit = circuit_of(model)
    if circuit is None:
        return ()
    text = f"{model.n_features_in_} features do not fit on {circuit.num_qubits} qubits with this feature map: "
    factor = getattr(getattr(model, "scaling_", None), "factor", np.ones(1))
    if factor.ndim == 2:
        share = getattr(model, "explained_variance_ratio_", None)
        variance = "" if share is None else f" ({100 * share:.0f} % of the variance)"
        count = int(np.any(factor, axis=0).sum())
        return (f"{text}their {count} leading principal components replace them{variance}",)
    if hasattr(model, "reduction") and _layer_before(model):
        return (f"{text}a trained layer turns them into {model.network_[0].num_outputs}",)
    return ()


def drawing(circuit: Circuit | None) -> str | None:
    """Draw a circuit as text, or say why that is not possible."""
    if circuit is None:
        return None
    try:
        return str(circuit.draw("text", fold=CIRCUIT_WIDTH))
    except QumbaError as error:  # Qiskit, which draws the circuit, lacks one of its gates
        return f"not drawn: {error}"


def _rule(model: Any) -> str:
    """Say how the models of an ensemble make one prediction."""
    if isinstance(model, VotingRegressor):
        return "by the mean of their predictions"
    return "by vote" if model.voting == "hard" else "by the mean of their probabilities"


def _kernel_name(kernel: Any) -> str:
    feature_map = getattr(kernel, "feature_map", None)
    suffix = f" of the feature map {feature_map!r}" if isinstance(feature_map, str) else ""
    return f"a {type(kernel).__name__}{suffix}"


def _layers(layer: Any) -> Iterator[Layer]:
    inner = getattr(layer, "layers", None)
    if inner is None:
        yield layer
        return
    for part in inner:
        yield from _layers(part)


def _is_quantum(layer: Layer) -> bool:
    return isinstance(layer, Quantum | Quanvolution | Derivatives)


def _layer_before(model: Any) -> bool:
    network = getattr(model, "network_", None)
    return network is not None and isinstance(next(_layers(network)), Dense)


def _first_to_last(losses: NDArray[np.float64]) -> str:
    if not len(losses):
        return "unknown"
    return f"{losses[0]:.3g} to {losses[-1]:.3g}" if len(losses) > 1 else f"{losses[0]:.3g}"
