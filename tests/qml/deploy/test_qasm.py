"""OpenQASM 3 files with JSON: read by Qiskit, evaluated by its statevector, equal to the model."""

import json

import numpy as np
import pytest
from qiskit import qasm3
from qiskit.quantum_info import SparsePauliOp, Statevector
from scipy.special import expit, softmax

from qml import QuantumKernelClassifier, VariationalClassifier
from qml.deploy import CannotCollapseError, export_qasm
from qml.layers import Quantum, Sequential
from qml.models.layered import layered_model
from simulator.files import NotAFileError
from tests.qml.deploy.fitted_models import BINARY, IRIS, SPECIES, fitted, unseen

EQUAL = 1e-10

BY_NAME = {
    "abs": np.abs,
    "add": np.add,
    "arctan": np.arctan,
    "divide": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "multiply": np.multiply,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": expit,
    "softmax": softmax,
    "subtract": np.subtract,
    "tanh": np.tanh,
}


def evaluate(graph, x):
    """Evaluate a graph of the JSON file for one sample, as the documentation describes it."""
    values = []
    for node in graph["nodes"]:
        arguments = [values[number] for number in node["arguments"]]
        constants = [np.array(constant) for constant in node["constants"]]
        match node["operation"]:
            case "input":
                value = np.asarray(x)
            case "constant":
                value = constants[0]
            case "affine":
                value = arguments[0] @ constants[0] + constants[1]
            case "gather":
                value = arguments[0][constants[0]]
            case "concat":
                value = np.concatenate(arguments)
            case name:
                value = BY_NAME[name](*arguments)
        assert value.shape == (node["size"],)
        values.append(value)
    return {name: values[number] for name, number in graph["outputs"].items()}


NAMES = ["multiclass", "binary", "zz", "reuploading", "dressed", "trained scales", "reservoir", "pipeline",
         "variational", "probabilities", "two targets"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_qiskit_computes_what_the_model_predicts(name, tmp_path):
    model, samples = fitted(name), unseen(name)[::40]
    export_qasm(model, tmp_path / "model.qasm")
    content = json.loads((tmp_path / "model.json").read_text())
    circuit = qasm3.loads((tmp_path / "model.qasm").read_text())
    by_name = {parameter.name: parameter for parameter in circuit.parameters}
    assert set(by_name) <= set(content["inputs"])
    observables = [SparsePauliOp.from_list(list(terms.items())) for terms in content["observables"]]
    regression = content["task"] == "regression"
    expected = model.predict(samples) if regression else model.decision_function(samples)
    for sample, value in zip(samples, expected, strict=True):
        inputs = evaluate(content["before"], sample)["inputs"]
        angles = {by_name[n]: angle for n, angle in zip(content["inputs"], inputs, strict=True) if n in by_name}
        state = Statevector(circuit.assign_parameters(angles))
        outputs = evaluate(content["after"], [state.expectation_value(o).real for o in observables])
        assert np.abs(outputs["values"] - value).max() < EQUAL * max(1, np.abs(value).max())
        if "probabilities" in outputs:
            assert np.abs(outputs["probabilities"] - model.predict_proba(sample[None])[0]).max() < EQUAL


def test_models_without_one_circuit_are_refused(tmp_path):
    path = tmp_path / "model.qasm"
    amplitudes = VariationalClassifier("amplitude", epochs=1, random_state=0).fit(IRIS[:100], BINARY)
    with pytest.raises(CannotCollapseError, match="features as amplitudes"):
        export_qasm(amplitudes, path)
    with pytest.raises(CannotCollapseError, match="has no single circuit"):
        export_qasm(QuantumKernelClassifier().fit(IRIS, SPECIES), path)
    from qml import NetworkClassifier

    layer = Quantum(layered_model("angle", "basic", 4, 1))
    two = NetworkClassifier(Sequential(layer, layer, *fitted("dressed").network_[-1:]), epochs=1, random_state=0)
    with pytest.raises(CannotCollapseError, match="one circuit, got 2"):
        export_qasm(two.fit(IRIS, SPECIES), path)
    with pytest.raises(NotAFileError, match="a folder"):
        export_qasm(fitted("binary"), tmp_path)
    with pytest.raises(ValueError, match="another suffix"):
        export_qasm(fitted("binary"), tmp_path / "model.json")
    assert not list(tmp_path.iterdir())
