import torch
import torchquantum as tq
import torchquantum.functional as tqf

from benchmarks.coming_from.task import LAYERS, QUBITS, RATE, STEPS, data, initial_weights

X_train, y_train, X_test, y_test = (torch.tensor(part) for part in data())


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(initial_weights()))

    def forward(self, x):
        device = tq.QuantumDevice(n_wires=QUBITS, bsz=len(x), device=x.device)
        for q in range(QUBITS):
            tqf.ry(device, wires=q, params=x[:, q : q + 1])
        for layer in range(LAYERS):
            for q in range(QUBITS):
                tqf.rz(device, wires=q, params=self.weights[layer, q, 0].reshape(1, 1))
                tqf.ry(device, wires=q, params=self.weights[layer, q, 1].reshape(1, 1))
                tqf.rz(device, wires=q, params=self.weights[layer, q, 2].reshape(1, 1))
            for q in range(QUBITS):
                tqf.cx(device, wires=[q, (q + layer % (QUBITS - 1) + 1) % QUBITS])
        return tq.measurement.expval_joint_analytical(device, "Z" + "I" * (QUBITS - 1))


model = Model()
adam = torch.optim.Adam(model.parameters(), lr=RATE)
for _ in range(STEPS):
    adam.zero_grad()
    loss = torch.mean((model(X_train) - y_train) ** 2)
    loss.backward()
    adam.step()
accuracy = ((model(X_test) > 0) == (y_test > 0)).double().mean()
print(torch.mean((model(X_train) - y_train) ** 2).item(), accuracy.item())
