"""Export of trained circuits as OpenQASM 3, with everything around the circuit as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from qml.deploy.circuits import CannotCollapseError, circuit_inputs, model_outputs
from qml.deploy.graph import Graph
from qml.deploy.models import decided, opened_model
from qml.deploy.models import feature_names as names_of
from qml.deploy.networks import network_outputs, scaled_features
from qml.estimators.fixed_features.reservoir import Reservoir
from qml.estimators.variational.trained import TrainedNetwork
from qml.layers import Quantum
from qml.models.quantum_model import QuantumModel
from simulator import gates
from simulator.circuit import Circuit
from simulator.files import check_regular, replace_file
from simulator.parameters import Parameter

__all__ = ["export_qasm"]

FORMAT = 1
"""Version of the JSON file."""


def export_qasm(model: Any, path: str | PathLike[str], *, feature_names: Sequence[str] | None = None) -> None:
    """Write a trained circuit as OpenQASM 3, and what happens before and after it as JSON beside it.

    The weights are numbers in the circuit; its inputs are ``input float[64]`` declarations, in order. The JSON file has
    the same name with the suffix ``.json``. ``"before"`` computes the inputs from features, ``"observables"`` lists
    what is to be measured (coefficients by Pauli labels, whose last letter is qubit 0's, as in Qiskit), and ``"after"``
    computes ``"values"`` from the expectation values: decision values of a classifier, predictions of a regressor, and
    also ``"probabilities"`` if the model has them. Both are lists of operations on real vectors, described in
    ``docs/deploy.md``.

    Parameters
    ----------
    model : estimator or Pipeline
        Fitted classifier or regressor with one circuit, or a pipeline that ends with one.
    path : path
    feature_names : sequence of str, optional
        Names for the JSON file; by default those that the model was fitted with.

    Raises
    ------
    CannotCollapseError
        As in `collapse`; also if the model has no or several circuits, is a kernel model, which compares pairs of
        samples, or has features as amplitudes.
    NotFittedError, TypeError
        As in `collapse`.
    """
    json_path = Path(path).with_suffix(".json")
    check_regular(path)
    check_regular(json_path)
    if Path(path) == json_path:
        raise ValueError(f"the circuit needs another suffix than .json, which the file beside it has, got {path}")
    estimator, before, x = opened_model(model)
    network, weights = _network(estimator)
    place = _place_of_circuit(network)
    start = sum(layer.num_weights for layer in network[:place])
    quantum: QuantumModel = network[place].model
    stop = start + quantum.num_weights
    x = scaled_features(before, x, estimator.scaling_)
    if place:
        x, _ = network_outputs(before, x, network[:place], weights[:start])
    before.outputs["inputs"] = circuit_inputs(before, x, quantum.data)
    after = Graph(len(quantum.observables))
    outputs = model_outputs(after, 0, quantum)
    if place + 1 < len(network):
        outputs, _ = network_outputs(after, outputs, network[place + 1 :], weights[stop:])
    if isinstance(estimator, Reservoir):
        readout = estimator.readout_
        coefficients = readout.coef_.reshape(-1, after.size(outputs))
        outputs = after.affine(outputs, coefficients.T, readout.intercept_)
    collapsed = decided(after, outputs, estimator, [])
    circuit, names = _with_numbers(quantum, weights[start:stop])
    content = {
        "format": FORMAT,
        "estimator": type(estimator).__name__,
        "versions": collapsed.versions,
        "feature_names": names_of(model, feature_names),
        "task": collapsed.task,
        "classes": None if collapsed.classes is None else collapsed.classes.tolist(),
        "num_qubits": circuit.num_qubits,
        "inputs": names,
        "observables": [dict(_terms(observable, circuit.num_qubits)) for observable in quantum.observables],
        "before": before.pruned().as_dict(),
        "after": after.pruned().as_dict(),
    }
    replace_file(path, [_qasm(circuit).encode()])
    replace_file(json_path, [json.dumps(content, allow_nan=False).encode()])


def _network(estimator: Any) -> tuple[list[Any], Any]:
    """Return the layers of an estimator with one circuit, and their weights."""
    if isinstance(estimator, TrainedNetwork):
        return list(estimator.network_), estimator.weights_
    if isinstance(estimator, Reservoir):
        return [Quantum(estimator.model_)], estimator.weights_
    raise CannotCollapseError(
        f"{type(estimator).__name__} has no single circuit of features: only models with one trained circuit or "
        "reservoir become OpenQASM; export_onnx and export_c take this model"
    )


def _place_of_circuit(network: list[Any]) -> int:
    places = [number for number, layer in enumerate(network) if isinstance(layer, Quantum)]
    if len(places) != 1:
        raise CannotCollapseError(
            f"OpenQASM takes a network with one circuit, got {len(places)}; export_onnx and export_c take this model"
        )
    return places[0]


def _with_numbers(model: QuantumModel, weights: Any) -> tuple[Circuit, list[str]]:
    """Return the circuit with its weights as numbers and its inputs under names that OpenQASM allows."""
    names = [f"input_{number}" for number in range(len(model.inputs))]
    values: dict[Parameter, Any] = dict(zip(model.weights, weights.tolist(), strict=True))
    values |= {old: Parameter(name) for old, name in zip(model.inputs, names, strict=True)}
    return model.circuit.bind(values), names


def _qasm(circuit: Circuit) -> str:
    if any(isinstance(operation.gate, gates.AmplitudeEncoding) for operation in circuit.operations):
        raise CannotCollapseError("features as amplitudes cannot be written as OpenQASM, which has no such input")
    return circuit.to_qasm(version=3)


def _terms(observable: Any, num_qubits: int) -> Any:
    for x, z, coefficient in zip(observable.x_masks, observable.z_masks, observable.coefficients, strict=True):
        letters = ["IXZY"[(int(x) >> q & 1) + 2 * (int(z) >> q & 1)] for q in reversed(range(num_qubits))]
        yield "".join(letters), float(coefficient)
