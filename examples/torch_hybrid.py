"""A hybrid network in PyTorch
===========================

A quantum circuit as the last hidden layer of a convolutional network in PyTorch, which reads handwritten digits.

.. image:: /static/gallery/torch_hybrid.png
   :alt: Images of handwritten digits with the digit that the network reads

Needs two extras: pip install 'qumba[torch,plot]'. Run with `python examples/torch_hybrid.py`.
"""

# sphinx_gallery_thumbnail_path = "static/gallery/torch_hybrid.png"
import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from qml import layered_model
from qml.torch import QuantumLayer

torch.manual_seed(0)
torch.set_num_threads(1)  # the circuit takes all cores; waiting threads of PyTorch would slow it down
X, y = load_digits(return_X_y=True)
images, labels = torch.tensor(X / 16, dtype=torch.float32).reshape(-1, 1, 8, 8), torch.tensor(y)
train, test = train_test_split(range(len(y)), test_size=0.25, stratify=y, random_state=0)

# Angles of six qubits, a trained circuit, and the expectation values <Z> and <Z Z> of all qubits and pairs.
model = layered_model("angle", "strongly_entangling", num_features=6, num_layers=3, observables="z+zz")
net = torch.nn.Sequential(
    torch.nn.Conv2d(1, 8, kernel_size=3),
    torch.nn.ReLU(),
    torch.nn.MaxPool2d(2),
    torch.nn.Flatten(),
    torch.nn.Linear(72, model.num_features),
    torch.nn.Tanh(),
    QuantumLayer(model),
    torch.nn.Linear(len(model.observables), 10),
)

optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
loader = torch.utils.data.DataLoader(train, batch_size=32, shuffle=True)
for epoch in range(1, 16):
    for batch in loader:
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(net(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    if epoch % 3 == 0:
        print(f"epoch {epoch:2}: loss of the last batch {loss.item():.4f}")

read = net(images[test]).argmax(dim=1)
accuracy = (read == labels[test]).float().mean()
print(f"accuracy on {len(test)} test images: {accuracy:.3f}")

figure, axes = plt.subplots(2, 6, figsize=(7, 3), subplot_kw={"xticks": [], "yticks": []})
for axis, row, digit in zip(axes.flat, test, read, strict=False):
    axis.imshow(images[row, 0].numpy(), cmap="gray_r")
    axis.set_title(f"read as {digit}", color="black" if digit == labels[row] else "red", fontsize=9)
plt.show()
