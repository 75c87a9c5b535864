"""Fingerprint of a training run, in a form that a checkpoint stores and a person can read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qml.feature_maps.encoding import Encoding
from qml.files.circuit_data import CircuitWriter
from qml.layers import Derivatives, Quantum, Quanvolution
from qml.layers.sequential import flattened
from qml.models.evaluation import BackendEvaluation, NoisyEvaluation
from qml.models.quantum_model import QuantumModel
from qml.training.description import data_identity, description, digest, text_digest
from qml.training.layers_objective import LayersObjective
from simulator.gates import Gate

__all__ = ["circuit_digest", "run_identity"]

CIRCUIT_FIELDS: dict[Any, str] = {Derivatives: "quantum", Quanvolution: "filter"}
"""Layers that hold a quantum layer, and its field."""


def run_identity(
    objective: LayersObjective, initial_weights: NDArray[np.float64], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything that determines a run of an estimator, apart from the arguments of `train`.

    Parameters
    ----------
    objective : LayersObjective
    initial_weights : float ndarray, shape (n_weights,)
    settings : mapping
        Settings of the circuit, such as ``"feature map"``, and ``"observables"``, if they have a name; messages use
        them to explain why two runs differ.

    Returns
    -------
    dict
        Name -> JSON value. What `data_identity` returns stands for arrays, mappings of ``"sha256"`` and
        ``"made of"`` for circuit and observables.
    """
    aside = objective.validation
    layers = list(_layers(objective.network))
    circuits = [layer for layer in layers if isinstance(layer, Quantum)]
    out: dict[str, Any] = {}
    for number, layer in enumerate(circuits):
        prefix = "" if len(circuits) == 1 else f"circuit {number}: "
        out |= {prefix + name: value for name, value in _of_circuit(layer, settings).items()}
    data = {
        "features": data_identity(objective.inputs),
        "targets": data_identity(objective.targets),
        "sample weights": data_identity(objective.sample_weight),
        "initial weights": data_identity(initial_weights),
    }
    return out | {
        "layers": [_named(layer) for layer in layers],
        "loss": description(objective.loss),
        **data,
        "rows kept aside": None if aside is None else data_identity(aside.inputs, aside.targets, aside.sample_weight),
        # the only entry that files of format 1 have: a digest of all data
        "data and model": {
            "exact": objective.fingerprint(initial_weights),
            "sums": [sums for identity in data.values() for sums in identity["sums"]],
        },
    }


def _layers(layer: Any) -> Iterator[Any]:
    """Iterate over the layers of a chain and of the layers inside them, in order."""
    for inner in flattened(layer):
        yield inner
        if type(inner) in CIRCUIT_FIELDS:
            yield getattr(inner, CIRCUIT_FIELDS[type(inner)])


def _named(layer: Any) -> str:
    """Describe a layer without the circuit in it, which is described by itself."""
    if isinstance(layer, Quantum):
        return "Quantum"
    if type(layer) not in CIRCUIT_FIELDS:
        return description(layer)
    names = (field.name for field in fields(layer) if field.name != CIRCUIT_FIELDS[type(layer)])
    settings = ", ".join(f"{name}={description(getattr(layer, name))}" for name in names)
    return f"{type(layer).__name__}({settings})"


def _of_circuit(layer: Quantum, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a circuit and its evaluation."""
    model, evaluation = layer.model, layer.evaluation
    noise = evaluation if isinstance(evaluation, NoisyEvaluation) else None
    texts = {name: description(value) for name, value in settings.items()}
    if model.qubits is None:
        measured = {"observables": texts.pop("observables", description(model.observables))}
        measured_digest = _digest_of_observables(model)
    else:
        measured = {"probabilities of qubits": description(model.qubits)}
        measured_digest = text_digest(description(measured))
    return {
        "circuit": {"sha256": circuit_digest(model), "made of": texts},
        "observables": {"sha256": measured_digest, "made of": measured},
        "data function": None if model.data is None else description(model.data),  # where it is part of each step
        "precision": model.precision,
        "noise": None if noise is None else description(noise.noise),
        "seed of the noise": None if noise is None else description(noise.seed),
        "backend": type(evaluation.backend).__name__ if isinstance(evaluation, BackendEvaluation) else None,
    }


def circuit_digest(model: QuantumModel | Encoding) -> str:
    """Compute a digest of a model's circuit and the roles of its parameters, independent of their names."""
    writer = _CircuitText(lambda array: int(digest(array), 16))
    roles = [[writer.parameter(parameter) for parameter in role] for role in (model.inputs, model.weights)]
    return text_digest(json.dumps([roles, writer.circuit(model.circuit)], sort_keys=True))


def _digest_of_observables(model: QuantumModel) -> str:
    arrays = [array for term in model.observables for array in (term.x_masks, term.z_masks, term.coefficients)]
    return digest(*arrays)


class _CircuitText(CircuitWriter):
    """Describe a circuit as in a model file, with digests for arrays; gates that a file cannot hold become text."""

    def gate(self, gate: Gate) -> dict[str, Any]:
        try:
            return super().gate(gate)
        except TypeError:
            return {"kind": description(type(gate)), "state": description(gate._identity())}
