from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from squlearn import Executor
from squlearn.encoding_circuit import QiskitEncodingCircuit
from squlearn.observables import SinglePauli
from squlearn.optimizers import Adam
from squlearn.qnn import QNNRegressor, SquaredLoss

from benchmarks.coming_from.task import LAYERS, QUBITS, RATE, STEPS, data, initial_weights

X_train, y_train, X_test, y_test = data()
x, w = ParameterVector("x", QUBITS), ParameterVector("w", 3 * QUBITS * LAYERS)
circuit, angles = QuantumCircuit(QUBITS), iter(w)
for q in range(QUBITS):
    circuit.ry(x[q], q)
for layer in range(LAYERS):
    for q in range(QUBITS):
        circuit.rz(next(angles), q)
        circuit.ry(next(angles), q)
        circuit.rz(next(angles), q)
    for q in range(QUBITS):
        circuit.cx(q, (q + layer % (QUBITS - 1) + 1) % QUBITS)

regressor = QNNRegressor(
    QiskitEncodingCircuit(circuit, feature_label="x", parameter_label="w"),
    SinglePauli(QUBITS, 0, "Z"),
    Executor("qulacs"),
    SquaredLoss(),
    Adam({"lr": RATE, "beta_2": 0.999, "maxiter": STEPS, "tol": 0}),
    param_ini=initial_weights().ravel(),
    opt_param_op=False,
    callback=None,
)
regressor.fit(X_train, y_train)  # returns nothing
loss = ((regressor.predict(X_train) - y_train) ** 2).mean()
accuracy = ((regressor.predict(X_test) > 0) == (y_test > 0)).mean()
print(loss, accuracy)
