"""MindQuantum (mqvector): its own batch over the samples, adjoint gradient in C++."""

from itertools import groupby

import mindquantum as mq
import numpy as np
from mindquantum.core import gates
from mindquantum.core.circuit import Circuit
from mindquantum.core.operators import Hamiltonian, QubitOperator
from mindquantum.simulator import Simulator

from benchmarks.peers import THREADS


def part(steps):
    circuit = Circuit()
    for gate, qubits, symbol in steps:
        if symbol is None:
            circuit += gates.X.on(qubits[1], qubits[0])
        else:
            circuit += getattr(gates, gate.upper())(f"{symbol.kind}{symbol.index}").on(qubits[0])
    return circuit


def is_encoding(step):
    return step.symbol is not None and step.symbol.kind == "feature"


def prepare(workload):
    """Return (circuit with encoder and ansatz marked, simulator, observable)."""
    dtype = mq.complex128 if workload.precision == "double" else mq.complex64
    circuit = Circuit()
    for encodes, steps in groupby(workload.steps(), is_encoding):
        piece = part(steps)
        circuit += piece.as_encoder() if encodes else piece.as_ansatz()
    simulator = Simulator("mqvector", workload.n_qubits, dtype=dtype)
    return circuit, simulator, Hamiltonian(QubitOperator("Z0")).astype(dtype)


def train(workload):
    circuit, simulator, observable = prepare(workload)
    X, y, weights = workload.data()
    sweep = simulator.get_expectation_with_grad(observable, circuit, parallel_worker=THREADS)
    features = [int(name.removeprefix("feature")) for name in circuit.encoder_params_name]
    order = [int(name.removeprefix("weight")) for name in circuit.ansatz_params_name]

    def step():
        values, _, slopes = sweep(X[:, features], weights[order])
        errors = values.real[:, 0] - y
        result = np.empty(1 + workload.n_weights)
        result[0] = (errors**2).mean()
        result[1:][order] = 2 * errors @ slopes.real[:, 0] / len(y)
        return result

    return step


def predict(workload):
    circuit, simulator, observable = prepare(workload)
    X, _, weights = workload.data()
    fixed = {f"weight{index}": weight for index, weight in enumerate(weights)}

    def value(x):
        simulator.reset()
        values = fixed | {f"feature{index}": feature for index, feature in enumerate(x)}
        return simulator.get_expectation(observable, circuit, pr=values).real

    return lambda: np.array([value(x) for x in X])
