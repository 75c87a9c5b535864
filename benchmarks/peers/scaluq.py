"""scaluq, the successor of Qulacs: batched states forward, its adjoint gradient sample by sample."""

import numpy as np
import scaluq


class Model:
    """The circuit with named parameters, in the workload's precision."""

    def __init__(self, workload):
        precision = "f64" if workload.precision == "double" else "f32"
        space = getattr(scaluq.scaluq_core.default, precision)
        self.X, self.y, self.weights = workload.data()
        self.circuit = space.Circuit()
        for gate, qubits, symbol in workload.steps():
            if symbol is None:
                self.circuit.add_gate(scaluq.gate.CX(*qubits, precision=precision))
            else:
                make = getattr(scaluq.gate, f"Param{gate.upper()}")
                self.circuit.add_param_gate(make(qubits[0], precision=precision), f"{symbol.kind}{symbol.index}")
        self.features = [f"feature{index}" for index in range(workload.n_qubits)]
        self.weight_names = [f"weight{index}" for index in range(workload.n_weights)]
        self.observable = space.Operator([space.PauliOperator("Z 0", 1.0)])
        self.states = space.StateVectorBatched(workload.n_samples, workload.n_qubits)

    def values(self):
        n_samples = len(self.X)
        values = {name: [weight] * n_samples for name, weight in zip(self.weight_names, self.weights, strict=True)}
        values |= {name: list(column) for name, column in zip(self.features, self.X.T, strict=True)}
        self.states.set_zero_state()
        self.circuit.update_quantum_state(self.states, values)
        return np.array(self.observable.get_expectation_value(self.states)).real

    def gradient(self, row):
        values = dict(zip(self.weight_names, self.weights, strict=True))
        values |= dict(zip(self.features, self.X[row], strict=True))
        slopes = self.circuit.compute_expectation_gradient(self.observable, values)
        return np.array([slopes[name] for name in self.weight_names])


def train(workload):
    model = Model(workload)

    def step():
        errors = model.values() - model.y
        slopes = np.array([model.gradient(row) for row in range(workload.n_samples)])
        return np.append((errors**2).mean(), 2 * errors @ slopes / workload.n_samples)

    return step


def predict(workload):
    return Model(workload).values
