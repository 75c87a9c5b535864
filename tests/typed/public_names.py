# mypy: warn-unused-ignores
# pyright: reportUnnecessaryTypeIgnoreComment=true
"""What type checkers see of the public names: `make types` checks this file, nothing runs it.

An ignored error is one that a checker must find: it complains about an ignore that ignores nothing.
"""

from typing import assert_type

import numpy as np
from qumba.misspelt import Nothing  # type: ignore[import-not-found]

import qml
import qml.accounts
import qumba
import qumba.noise as noise_of_qumba
import simulator
from qumba.accounts import DecisionLog
from qumba.deploy import collapse
from qumba.layers import Dense
from simulator import Circuit, NoiseModel, Parameter, Z, depolarizing
from simulator.gates import Operation
from simulator.parameters.angle_maps import AngleMap


def packages_have_a_version() -> None:
    assert_type(qumba.__version__, str)
    assert_type(simulator.__version__, str)


def gates_are_methods(theta: Parameter) -> None:
    circuit = Circuit(3)
    assert_type(circuit.h(0), Circuit)
    assert_type(circuit.rx(0.3, 0).rx(theta, 1).rx(theta=2 * theta + 1, qubit=2), Circuit)
    assert_type(circuit.cx(0, 1).cx(control=0, target=1).ccx(0, 1, 2), Circuit)
    assert_type(circuit.u(0.1, 0.2, 0.3, 0).global_phase(np.pi), Circuit)
    assert_type(circuit.h(range(3)).cx([0, 1], [1, 2]).cx(0, [1, 2]), Circuit)
    circuit.foo()  # type: ignore[attr-defined]
    circuit.cnot(0, 1)  # type: ignore[attr-defined]
    circuit.cx(0)  # type: ignore[call-arg]
    circuit.rx("0.3", 0)  # type: ignore[arg-type]
    circuit.h("0")  # type: ignore[arg-type]


def methods_are_typed(circuit: Circuit, values: np.ndarray) -> None:
    assert_type(circuit.inverse().power(2).repeat(3).bind({}), Circuit)
    assert_type(circuit.unitary(np.eye(2), 0).measure(0, 0).compose(circuit) + circuit, Circuit)
    assert_type(circuit.operations, tuple[Operation, ...])
    assert_type(circuit.sample(values, shots=10, seed=1), dict[str, int])
    assert_type(circuit.to_qasm(), str)
    assert_type(Circuit.from_qasm(text="OPENQASM 3;"), Circuit)
    assert_type(Circuit.from_qiskit_with_angle_map(circuit), tuple[Circuit, AngleMap])
    circuit.expectation(Z(0), values, noise=NoiseModel(after_1q=depolarizing(0.1)))
    circuit.inverse(2)  # type: ignore[call-arg]


def packages_have_their_names_and_no_others() -> None:
    assert_type(simulator.gates.STANDARD["rx"], simulator.gates.Gate)
    assert_type(simulator.noise.depolarizing(0.1), simulator.noise.Channel)
    assert_type(qml.VariationalClassifier().fit([[0.0], [1.0]], [0, 1]), qml.VariationalClassifier)
    qml.get_kernel("zz", reps=1).plan([[0.0]])
    qml.plots.plot_circuit(Circuit(1), "circuit.png")
    simulator.Circiut(2)  # type: ignore[attr-defined]
    qml.VariationalClasifier()  # type: ignore[attr-defined]
    assert_type(qumba.Circuit(2), Circuit)
    assert_type(qumba.VariationalClassifier(), qml.VariationalClassifier)
    assert_type(qumba.noise.depolarizing(0.1), simulator.noise.Channel)
    qumba.Circiut(2)  # type: ignore[attr-defined]


def modules_are_those_of_both_packages() -> None:
    qumba.deploy.collapse(qml.VariationalClassifier()).predict([[0.0]])
    collapse()  # type: ignore[call-arg]
    Nothing()
    assert_type(noise_of_qumba.depolarizing(0.1), simulator.noise.Channel)
    assert_type(DecisionLog("decisions.jsonl", model=None), qml.accounts.DecisionLog)
    assert_type(Dense(2, 3), qml.layers.Dense)
