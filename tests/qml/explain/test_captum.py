"""Integrated gradients against captum's, of the same network as a module of PyTorch; `make test-heavy` runs it."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.preprocessing import StandardScaler

from qml import NetworkClassifier, layered_model
from qml.explain import integrated_gradients
from qml.layers import Dense, Quantum, Sequential, Tanh

EQUAL = 1e-10
CAPTUM = 1e-7  # captum rounds points and weights of the quadrature


def test_integrated_gradients_of_torch_and_captum():
    torch = pytest.importorskip("torch")
    attribution = pytest.importorskip("captum.attr")
    from qml.torch import QuantumLayer

    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X[50:]), y[50:]
    circuit = layered_model("angle", "strongly_entangling", num_features=3, num_layers=2)
    network = Sequential(Dense(4, 3), Tanh(), Quantum(circuit), Dense(3, 1))
    clf = NetworkClassifier(network, epochs=10, random_state=0).fit(X, y)
    module = QuantumLayer(clf.network_).double()
    with torch.no_grad():
        next(iter(module.parameters())).copy_(torch.as_tensor(clf.weights_))

    def probability(rows):
        return torch.sigmoid(module(rows)[:, 0])

    rows, baseline = torch.as_tensor(X[::10]), torch.as_tensor(X.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(probability(rows).detach(), clf.predict_proba(X[::10])[:, 1], rtol=0, atol=EQUAL)
    expected = attribution.IntegratedGradients(probability).attribute(rows, baseline, n_steps=64)
    np.testing.assert_allclose(integrated_gradients(clf, X, X[::10], n_steps=64), expected, rtol=0, atol=CAPTUM)
