"""Quantum models as collapsed graphs: the cheapest of the exact forms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qml.deploy.fourier import fourier_sum
from qml.deploy.graph import MAX_NUMBERS, Graph
from qml.deploy.rotations import rotation_sequence
from qml.deploy.states import encoded_state, expectations_of
from qml.feature_maps.data_functions import Amplitudes, AmplitudesWithConstant, DataFunction, Products, Shifted
from qml.feature_maps.domains import ArcCosines, Bits
from qml.models.probabilities import from_strings
from qml.models.quantum_model import QuantumModel
from simulator.errors import QumbaError
from simulator.program.program import Program

__all__ = ["MAX_QUBITS", "CannotCollapseError", "Choice", "circuit_inputs", "quantum_outputs"]

Array = NDArray[np.float64]

MAX_QUBITS = 10
"""Maximum number of qubits of matrices on the states: those of ten have a million entries."""

MAX_ROTATED_QUBITS = 12
"""Maximum number of qubits of a sequence of rotations, which holds two states at a time: 128 kB for twelve."""

SMALL = 1 << 14
"""Number of constants up to which a form for C is taken for its speed: 128 kB of doubles."""


class CannotCollapseError(QumbaError, NotImplementedError):
    """Model that is not a small exact function: noise, a backend, custom Python code, or too many qubits."""


@dataclass(frozen=True)
class Choice:
    """Form that was chosen for one circuit.

    Parameters
    ----------
    form : {"fourier", "matrices", "rotations"}
        Fourier sum of the inputs' angles, matrices between diagonal phases on the encoded state, or the circuit's
        rotations one by one.
    num_numbers, operations : int
        Number of stored constants, and of operations for one sample.
    alternatives : dict
        The same two numbers of the form that was not chosen, if it was not certain to be larger.
    """

    form: str
    num_numbers: int
    operations: int
    alternatives: dict[str, tuple[int, int]]


def quantum_outputs(
    graph: Graph, x: int, model: QuantumModel, weights: Array, readout: tuple[Array, Array] | None = None
) -> tuple[int, Choice]:
    """Add the outputs of a model whose features are node x.

    Parameters
    ----------
    readout : (matrix, offset), optional
        Linear function that takes the outputs, shapes (n_outputs, n) and (n,); its values take their place. Given here,
        it is taken into account when the cheapest form is chosen.
    """
    program = Program(model.circuit, model.observables, model.inputs, model.weights)
    linear = _linear_outputs(model, readout)
    forms = _forms(program, weights, linear, graph.target)
    sizes = {name: (form.num_numbers, form.cost) for name, form in forms.items()}
    small = [name for name in forms if graph.target != "c" or sizes[name][0] <= SMALL]
    name = min(small or forms, key=lambda form: sizes[form][1 if small else 0])
    check_size(forms[name])
    values = graph.embed(forms[name], circuit_inputs(graph, x, model.data), "values")
    return values, Choice(name, *sizes[name], {other: sizes[other] for other in sizes if other != name})


def _forms(program: Program, weights: Array, readout: tuple[Array, Array] | None, target: str) -> dict[str, Graph]:
    """Return the forms of a circuit that come into question, at least one."""
    out = {}
    fourier = fourier_sum(program, weights, readout)
    if fourier is not None:
        out["fourier"] = fourier
    num_qubits = program.num_qubits
    few_nodes = target == "onnx" and (bool(out) or num_qubits <= MAX_QUBITS)
    rotations = None
    if num_qubits <= MAX_ROTATED_QUBITS and not few_nodes:
        rotations = rotation_sequence(program, weights, readout)
    if rotations is not None:
        out["rotations"] = rotations
    # a matrix on the states has more than 4**n entries: no use to compute it for a cheaper or smaller form
    small = target == "c" and rotations is not None
    bound = SMALL if small else min((form.cost for form in out.values()), default=np.inf)
    if num_qubits <= MAX_QUBITS and 4**num_qubits < bound:
        out["matrices"] = matrices(program, weights, readout)
    if not out:
        check_qubits(num_qubits, MAX_ROTATED_QUBITS if num_qubits > MAX_ROTATED_QUBITS else MAX_QUBITS)
    return out


def _linear_outputs(model: QuantumModel, readout: tuple[Array, Array] | None) -> tuple[Array, Array] | None:
    """Return the linear function from expectation values to outputs and through the readout; None for the identity."""
    if model.qubits is None:
        return readout
    offset = from_strings(np.zeros((1, len(model.observables))))[0]
    matrix = from_strings(np.eye(len(model.observables))) - offset
    return (matrix, offset) if readout is None else (matrix @ readout[0], offset @ readout[0] + readout[1])


def model_outputs(graph: Graph, values: int, model: QuantumModel) -> int:
    """Add a model's outputs, from the expectation values of its observables: these, or probabilities."""
    linear = _linear_outputs(model, None)
    return values if linear is None else graph.affine(values, *linear)


def matrices(program: Program, weights: Array, readout: tuple[Array, Array] | None = None) -> Graph:
    """Return the graph from the inputs to the expectation values, by matrices between diagonal phases.

    Parameters and output are as in `fourier_sum`.
    """
    check_qubits(program.num_qubits)
    graph = Graph(len(program.inputs))
    state, matrix = encoded_state(graph, 0, program, weights)
    values = expectations_of(graph, state, matrix, program.strings, len(program.observables))
    graph.outputs["values"] = values if readout is None else graph.affine(values, *readout)
    return graph.pruned()


def check_qubits(num_qubits: int, most: int = MAX_QUBITS) -> None:
    """Raise unless states of this number of qubits are small."""
    if num_qubits > most:
        raise CannotCollapseError(
            f"a model of at most {most} qubits can be collapsed, got {num_qubits}; predict with the model itself"
        )


def check_size(graph: Graph) -> None:
    """Raise unless the graph is small enough to be stored."""
    if graph.num_numbers > MAX_NUMBERS:
        raise CannotCollapseError(
            f"the collapsed model has {graph.num_numbers:,} constants, at most {MAX_NUMBERS:,} are allowed; predict "
            "with the model itself"
        )


def circuit_inputs(graph: Graph, x: int, data: DataFunction | None) -> int:
    """Add the values of a circuit's inputs, from features at node x."""
    match data:
        case None:
            return x
        case Shifted():
            return circuit_inputs(graph, graph.shifted(x, data.offset), data.data)
        case Products():
            return _products(graph, x, data)
        case Amplitudes():
            return graph.function("normalize", x)
        case AmplitudesWithConstant():
            return graph.function("normalize", graph.concat([x, graph.constant([data.constant])]))
        case ArcCosines():
            parts, power = [], x
            for exponent in range(1, max(data.powers) + 1):
                power = x if exponent == 1 else graph.multiply(power, x)
                if exponent in data.powers:
                    parts.append(power)
            return graph.function("arccos", graph.concat(parts))
        case Bits():  # divided by zero, and so not finite, if a feature is not a bit
            difference = graph.function("abs", graph.multiply(x, graph.shifted(x, -1.0)))
            valid = graph.shifted(graph.scaled(graph.function("step", difference), -1.0), 1.0)
            return graph.binary("divide", x, valid)
    raise CannotCollapseError(
        f"the feature map computes its angles by {data!r}, custom Python code, which cannot be taken out of Python"
    )


def _products(graph: Graph, x: int, data: Products) -> int:
    """Add one input per subset of the features, from the smallest subsets to the largest."""
    centred = graph.shifted(graph.scaled(x, -1.0), data.center)
    most = max(map(len, data.subsets))
    extended = graph.concat([x, centred, graph.constant([1.0])])
    size = graph.size(x)
    total: int | None = None
    for rank in range(most):
        places = []
        for subset in data.subsets:
            if len(subset) == 1:
                places.append(subset[0] if rank == 0 else 2 * size)
            else:
                places.append(size + subset[rank] if rank < len(subset) else 2 * size)
        factor = graph.gather(extended, places)
        total = factor if total is None else graph.multiply(total, factor)
    assert total is not None
    return total
