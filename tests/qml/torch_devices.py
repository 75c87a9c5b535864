"""Tensors on a device that is not the CPU, through a stand-in: a device of PyTorch whose memory is that of the host.

The stand-in is registered as an accelerator's backend is, so that a tensor on it is an ordinary tensor of another
device: NumPy cannot read it, operations with CPU tensors fail, and only copies lead from one to the other.
"""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils import backend_registration  # noqa: E402

from qml import layered_model  # noqa: E402
from qml.layers import Dense, Quantum, Sequential  # noqa: E402
from qml.torch import QuantumLayer  # noqa: E402

NAME = "standin"
MODEL = layered_model("angle", "strongly_entangling", num_features=3, num_layers=2)


class StandIn:
    """The device: counts copies in both directions, and may refuse double precision, as some accelerators do."""

    def __init__(self):
        self.copies = []
        self.has_double = True

    def tensor(self, host):
        if host.dtype == torch.float64 and not self.has_double:
            raise TypeError("this device has no double precision")
        out = torch._C._acc.create_empty_tensor(tuple(host.shape), host.dtype)
        out.host = host.contiguous()
        return out

    def empty(self, size, *_, dtype=None, **__):
        return self.tensor(torch.empty(size, dtype=dtype))

    def copy(self, source, target, non_blocking=False):
        self.copies.append((source.device.type, target.device.type))
        on_host = [tensor.host if tensor.device.type == NAME else tensor for tensor in (source, target)]
        on_host[1].copy_(on_host[0])
        return target


@pytest.fixture(scope="module")
def registered():
    if not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"):
        pytest.skip(f"PyTorch {torch.__version__} takes no devices written in Python")
    backend_registration._setup_privateuseone_for_python_backend(NAME)
    device = StandIn()
    library = torch.library.Library("aten", "IMPL")
    for operator, function in {
        "empty.memory_format": device.empty,
        "empty_strided": device.empty,
        "_copy_from": device.copy,
        "detach": lambda tensor: device.tensor(tensor.host),
    }.items():
        library.impl(operator, function, "PrivateUse1")
    yield device
    library._destroy()


@pytest.fixture
def device(registered):
    registered.copies.clear()
    registered.has_double = True
    return registered


def call(layer, weights, X):
    return torch.func.functional_call(layer, {"weights": weights}, (X,))


def on_both(layer, dtype=torch.float64):
    """Results of values and derivatives on the CPU, and on the stand-in with the copies that each took."""
    rng = np.random.default_rng(0)
    arrays = rng.uniform(-1, 1, (5, layer.layer.num_inputs)), layer.weights.detach().numpy(), rng.normal(size=(5, 3))
    out = []
    for name in ("cpu", NAME):
        X, weights, cotangent = (torch.tensor(array, dtype=dtype).to(name) for array in arrays)
        leaves = X.requires_grad_(), weights.requires_grad_()
        values = call(layer, weights, X)
        out += [values, *torch.autograd.grad(values, leaves, cotangent)]
    return out[:3], out[3:]


@pytest.mark.parametrize("model", [MODEL, Sequential(Dense(4, 3), Quantum(MODEL))], ids=["model", "network"])
def test_results_are_those_of_the_cpu_on_the_device_of_the_arguments(device, model):
    for expected, result in zip(*on_both(QuantumLayer(model, seed=1, dtype=torch.float64)), strict=True):
        assert result.device.type == NAME
        assert type(result) is torch.Tensor
        assert torch.equal(result.detach().cpu(), expected)


def test_each_tensor_is_copied_once(device):
    layer = QuantumLayer(MODEL, seed=1)
    X, weights = (tensor.to(NAME).requires_grad_() for tensor in (torch.ones(5, 3), layer.weights.detach()))
    device.copies.clear()
    values = call(layer, weights, X)
    down, up = (NAME, "cpu"), ("cpu", NAME)
    assert device.copies == [down, down, up]
    cotangent = torch.ones(5, 3).to(NAME)
    device.copies.clear()
    torch.autograd.grad(values, (X, weights), cotangent)
    assert device.copies == [down, down, down, up, up]


def test_a_device_without_double_precision(device):
    device.has_double = False
    with pytest.raises(TypeError, match="no double precision"):
        torch.ones(2, dtype=torch.float64).to(NAME)
    for expected, result in zip(*on_both(QuantumLayer(MODEL, seed=1), torch.float32), strict=True):
        assert result.dtype == torch.float32
        assert torch.equal(result.detach().cpu(), expected)


def test_mixed_devices(device):
    layer = QuantumLayer(MODEL, seed=1)
    X = torch.ones(5, 3)
    with pytest.raises(ValueError, match=rf"X is on {NAME}:0 and the weights are on cpu: move one with .to\(device\)"):
        layer(X.to(NAME))
    with pytest.raises(ValueError, match=rf"X is on cpu and the weights are on {NAME}:0: move one with .to\(device\)"):
        call(layer, layer.weights.detach().to(NAME), X)
