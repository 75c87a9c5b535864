"""Qulacs, sample by sample; variant "processes" shares the samples among as many processes as there are threads."""

import multiprocessing
import os

import numpy as np
import qulacs

from benchmarks.peers import THREADS


class Model:
    """The parametric circuit, with each parameter's symbol. Qulacs's angles have the opposite sign."""

    def __init__(self, workload):
        if workload.precision != "double":
            raise NotImplementedError("double precision only")
        self.X, self.y, self.weights = workload.data()
        self.circuit = qulacs.ParametricQuantumCircuit(workload.n_qubits)
        self.state = qulacs.QuantumState(workload.n_qubits)
        self.observable = qulacs.Observable(workload.n_qubits)
        self.observable.add_operator(1.0, "Z 0")
        self.feature_slots, self.weight_slots = [], []
        for gate, qubits, symbol in workload.steps():
            if symbol is None:
                self.circuit.add_CNOT_gate(*qubits)
                continue
            slot = self.circuit.get_parameter_count()
            getattr(self.circuit, f"add_parametric_{gate.upper()}_gate")(qubits[0], 0.0)
            (self.feature_slots if symbol.kind == "feature" else self.weight_slots).append((slot, symbol.index))
        self.set(self.weight_slots, self.weights)

    def set(self, slots, values):
        for slot, index in slots:
            self.circuit.set_parameter(slot, -values[index])

    def value(self, row):
        self.set(self.feature_slots, self.X[row])
        self.state.set_zero_state()
        self.circuit.update_quantum_state(self.state)
        return self.observable.get_expectation_value(self.state)

    def loss_and_gradient(self, rows):
        """Return the sums over the rows of the squared error and of its gradient, in one array."""
        self.set(self.weight_slots, self.weights)
        order = [slot for slot, _ in self.weight_slots]
        total = np.zeros(1 + len(order))
        for row in rows:
            error = self.value(row) - self.y[row]
            total[0] += error**2
            total[1:] -= 2 * error * np.array(self.circuit.backprop(self.observable))[order]
        return total


_model = None  # of a worker process


def _make_model(workload):
    global _model
    _model = Model(workload)


def _loss_and_gradient(rows):
    return _model.loss_and_gradient(rows)


def train(workload, variant="loop"):
    n_samples = workload.n_samples
    if variant == "processes":
        os.environ |= {"OMP_NUM_THREADS": "1", "QULACS_NUM_THREADS": "1"}  # each process is one thread
        pool = multiprocessing.get_context("spawn").Pool(THREADS, _make_model, (workload,))
        parts = [range(start, n_samples, THREADS) for start in range(THREADS)]
        return lambda: sum(pool.map(_loss_and_gradient, parts)) / n_samples
    model = Model(workload)
    return lambda: model.loss_and_gradient(range(n_samples)) / n_samples


def predict(workload, variant="loop"):
    if variant != "loop":
        raise NotImplementedError("one process only")
    model = Model(workload)
    return lambda: np.array([model.value(row) for row in range(workload.n_samples)])
