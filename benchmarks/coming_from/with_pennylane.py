import pennylane as qml
from pennylane import numpy as np

from benchmarks.coming_from.task import QUBITS, RATE, STEPS, data, initial_weights

X_train, y_train, X_test, y_test = data()
device = qml.device("default.qubit", wires=QUBITS)


@qml.qnode(device, diff_method="backprop")
def circuit(weights, x):
    qml.AngleEmbedding(x, wires=range(QUBITS), rotation="Y")
    qml.StronglyEntanglingLayers(weights, wires=range(QUBITS))
    return qml.expval(qml.PauliZ(0))


def cost(weights):
    return np.mean((circuit(weights, X_train) - y_train) ** 2)


weights = np.array(initial_weights(), requires_grad=True)
adam = qml.AdamOptimizer(RATE, beta2=0.999)
for _ in range(STEPS):
    weights = adam.step(cost, weights)
accuracy = ((circuit(weights, X_test) > 0) == (y_test > 0)).mean()
print(float(cost(weights)), accuracy)
