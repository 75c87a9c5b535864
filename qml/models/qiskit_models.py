"""Models of circuits written in Qiskit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal

from qml.models.observables import Observable
from qml.models.quantum_model import QuantumModel
from simulator.circuit import Circuit
from simulator.errors import ParameterError
from simulator.parameters.angle_maps import AngleMap

__all__ = ["model_from_qiskit"]

_INPUT = re.compile(r"x\[(\d+)\]")


def model_from_qiskit(
    circuit: Any,
    inputs: Sequence[Any],
    weights: Sequence[Any],
    observables: Sequence[Observable] | Observable,
    *,
    precision: Literal["double", "single"] = "double",
) -> QuantumModel:
    """Build a model of a ``qiskit.QuantumCircuit``, with features in any expression, such as ``(pi - x) * (pi - y)``.

    Parameters
    ----------
    circuit : qiskit.QuantumCircuit
    inputs, weights : sequence of qiskit Parameter
        Parameters for the columns of X, and trained parameters; together all parameters of the circuit.
    observables : Observable or sequence of Observable
        Qiskit operators such as ``SparsePauliOp``, labels such as ``"ZZ"``, or `PauliSum` objects.
    precision : {"double", "single"}

    Raises
    ------
    ParameterError
        If a parameter is in neither list, or an angle is not affine in a weight.

    Examples
    --------
    >>> from qiskit.circuit.library import real_amplitudes, zz_feature_map
    >>> from simulator import Z
    >>> features, ansatz = zz_feature_map(2), real_amplitudes(2, reps=1)
    >>> model = model_from_qiskit(features.compose(ansatz), features.parameters, ansatz.parameters, Z(0))
    >>> model
    QuantumModel(2 qubits, 3 inputs, 4 weights, 1 observables, precision='double')
    >>> model.forward([[0.1, 0.2]], [0.0] * 4).shape
    (1, 1)
    """
    converted, angles = Circuit.from_qiskit_with_angle_map(circuit)
    parameters = list(circuit.parameters)
    feature = {parameters.index(parameter): k for k, parameter in enumerate(inputs) if parameter in parameters}
    weight = {parameters.index(parameter): k for k, parameter in enumerate(weights) if parameter in parameters}
    missing = [parameter.name for k, parameter in enumerate(parameters) if (k in feature) == (k in weight)]
    if missing:
        raise ParameterError(f"a parameter is an input or a weight, one of both; these are not: {', '.join(missing)}")
    input_parameters, texts, trained = [], [], {}
    for parameter, text in zip(converted.parameters, angles.expressions, strict=True):
        used = [int(index) for index in _INPUT.findall(text)]
        if all(index in feature for index in used):
            input_parameters.append(parameter)
            texts.append(_INPUT.sub(lambda match: f"x[{feature[int(match[1])]}]", text))
        elif _INPUT.fullmatch(text):
            trained[weight[used[0]]] = parameter
        else:
            raise ParameterError(
                f"an angle must be affine in the weights, got {parameter.name}; the gradients of "
                "simulator.qiskit_provider take products of weights and features, in Qiskit Machine Learning's networks"
            )
    return QuantumModel(
        converted,
        inputs=input_parameters,
        weights=[trained[k] for k in sorted(trained)],
        observables=observables,
        precision=precision,
        data=AngleMap(len(inputs), texts),
        num_features=len(inputs),
    )
