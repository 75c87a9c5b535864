from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp
from qiskit_machine_learning.algorithms import NeuralNetworkClassifier
from qiskit_machine_learning.neural_networks import EstimatorQNN
from qiskit_machine_learning.optimizers import ADAM

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

estimator = StatevectorEstimator()
network = EstimatorQNN(
    circuit=circuit,
    observables=SparsePauliOp("I" * (QUBITS - 1) + "Z"),
    input_params=x,
    weight_params=w,
    estimator=estimator,
)
losses = []
classifier = NeuralNetworkClassifier(
    network,
    loss="squared_error",
    optimizer=ADAM(maxiter=STEPS, lr=RATE, tol=0, beta_2=0.999),
    initial_point=initial_weights().ravel(),
    callback=lambda *state: losses.append(state),
).fit(X_train, y_train)
print(losses[-1][-1], classifier.score(X_test, y_test))
