from benchmarks.coming_from.task import LAYERS, QUBITS, RATE, STEPS, data, initial_weights
from qumba import Adam, Z, layered_model

X_train, y_train, X_test, y_test = data()
model = layered_model("angle", "strongly_entangling", QUBITS, LAYERS, observables=[Z(0)])
weights = initial_weights().ravel()
adam = Adam(RATE)
state = adam.init(weights)
for _ in range(STEPS):
    _, gradient = model.loss_and_gradient(X_train, y_train, weights, loss="mse")
    state, weights = adam.step(state, weights, gradient)
loss, _ = model.loss_and_gradient(X_train, y_train, weights, loss="mse")
accuracy = ((model.forward(X_test, weights)[:, 0] > 0) == (y_test > 0)).mean()
print(loss, accuracy)
