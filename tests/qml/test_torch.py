"""Quantum layers in PyTorch: values, derivatives by every way PyTorch takes them, files, errors."""

import copy
import gc
import io
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from qml import QuantumModel, layered_model  # noqa: E402
from qml.feature_maps import FEATURE_MAPS  # noqa: E402
from qml.layers import Dense, Quantum, Sequential, Tanh  # noqa: E402
from qml.torch import QuantumLayer  # noqa: E402
from simulator import Circuit, NoiseModel, ParameterVector, Z, depolarizing  # noqa: E402
from tests.qml import pennylane_models  # noqa: E402

pytestmark = [  # PyTorch's compiler warns of what it does itself
    pytest.mark.filterwarnings("ignore:`torch.jit.script.* is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*Function'> should not be instantiated:DeprecationWarning"),
]

ROUNDING = 1e-12
PEER = 1e-10  # of PennyLane, whose states are rounded elsewhere
SINGLE = 1e-5
N_ROWS = 5
MODEL = layered_model("angle", "strongly_entangling", num_features=3, num_layers=2)

double = {"dtype": torch.float64}


def rows(n=N_ROWS, features=3, seed=0, **options):
    values = np.random.default_rng(seed).uniform(-1, 1, (n, features))
    return torch.tensor(values, **(double | options))


@pytest.fixture(autouse=True)
def _start_without_compiled_functions():
    torch._dynamo.reset()


@pytest.fixture
def layer():
    return QuantumLayer(MODEL, seed=1, **double)


def call(layer, weights, X):
    return torch.func.functional_call(layer, {"weights": weights}, (X,))


def gradients(layer, X, cotangent):
    X = X.detach().clone().requires_grad_()
    return torch.autograd.grad(layer(X), (X, layer.weights), cotangent)


def close(one, other, tolerance=ROUNDING):
    np.testing.assert_allclose(one.detach().numpy(), np.asarray(other), rtol=0, atol=tolerance)


class TestValuesAndDerivatives:
    def test_values_are_those_of_the_model_to_the_bit(self, layer):
        X = rows()
        np.testing.assert_array_equal(layer(X).detach(), MODEL.forward(X.numpy(), layer.weights.detach().numpy()))

    @pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")  # by PennyLane
    @pytest.mark.parametrize("name", pennylane_models.CIRCUITS)
    def test_values_and_gradients_are_those_of_pennylane(self, name):
        layer = QuantumLayer(pennylane_models.quantum_model(name), seed=3, **double)
        X = rows()
        cotangent = rows(*layer(X).shape, seed=1)
        own = layer(X), *gradients(layer, X, cotangent)
        arguments = X, layer.weights.detach(), cotangent
        for value, expected in zip(own, pennylane_models.reference(name, *map(np.asarray, arguments)), strict=True):
            close(value, expected, PEER)

    @pytest.mark.parametrize("name", [name for name in FEATURE_MAPS if name != "basis"])  # bits have no derivative
    def test_gradients_of_every_feature_map(self, name):
        model = layered_model(name, "basic", num_features=3, num_layers=1, observables="z+zz")
        layer = QuantumLayer(model, seed=2, **double)
        X = rows(2, requires_grad=True)
        assert torch.autograd.gradcheck(lambda weights, X: call(layer, weights, X), (layer.weights, X))

    def test_gradients_with_noise(self):
        noisy = Quantum(MODEL).on(noise=NoiseModel(after_2q=depolarizing(0.05), readout=0.02))
        layer = QuantumLayer(noisy, seed=2, **double)
        assert layer(rows()).abs().sum() < 0.95 * QuantumLayer(MODEL, weights=layer.weights)(rows()).abs().sum()
        X = rows(2, requires_grad=True)
        assert torch.autograd.gradcheck(lambda weights, X: call(layer, weights, X), (layer.weights, X))

    def test_a_network_of_our_layers_is_that_of_pytorch_layers(self):
        ours = QuantumLayer(Sequential(Dense(4, 3), Tanh(), Quantum(MODEL), Dense(None, 2)), seed=0, **double)
        first, last = torch.nn.Linear(4, 3, **double), torch.nn.Linear(3, 2, **double)
        theirs = torch.nn.Sequential(first, torch.nn.Tanh(), QuantumLayer(MODEL, **double), last)
        parameters = [first.weight, first.bias, theirs[2].weights, last.weight, last.bias]
        torch.nn.utils.vector_to_parameters(ours.weights.detach().clone(), parameters)
        X, targets = rows(20, 4), rows(20, 2, seed=9)
        losses = []
        for module in (ours, theirs):
            optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
            losses.append([])
            for epoch in range(50):
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(module(X), targets)
                loss.backward()
                if not epoch:
                    gradient = torch.cat([p.grad.ravel() for p in (parameters if module is theirs else [ours.weights])])
                    losses[-1].append(gradient.clone())
                optimizer.step()
                losses[-1].append(loss.item())
        close(losses[0][0], losses[1][0])
        np.testing.assert_allclose(losses[0][1:], losses[1][1:], rtol=0, atol=1e-8)
        assert losses[0][-1] < 0.6 * losses[0][1]

    def test_only_what_is_asked_for(self, layer):
        layer.weights.requires_grad_(False)
        X = rows(requires_grad=True)
        layer(X).sum().backward()
        assert layer.weights.grad is None
        close(X.grad, MODEL.backward(X.detach().numpy(), layer.weights.numpy(), np.ones((N_ROWS, 3)))[1])
        assert not layer(X.detach()).requires_grad

    def test_one_sweep_gives_both_derivatives(self, monkeypatch):
        sweeps = []
        sweep = Quantum.sweep
        monkeypatch.setattr(Quantum, "sweep", lambda *arguments: sweeps.append(1) or sweep(*arguments))
        gradients(QuantumLayer(MODEL, **double), rows(), torch.ones(N_ROWS, 3, **double))
        assert len(sweeps) == 1

    @pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 1, 3), (2, 2, 2, 3), (0, 3), (2, 0, 3)])
    def test_leading_axes(self, layer, shape):
        X = rows(int(np.prod(shape[:-1]))).reshape(shape).requires_grad_()
        values = layer(X)
        assert values.shape == shape
        close(values.reshape(-1, 3), layer(X.reshape(-1, 3)).detach())
        values.sum().backward()
        assert X.grad.shape == shape
        if not X.numel():
            assert not layer.weights.grad.any()

    def test_strided_and_negated_tensors(self, layer):
        X = rows(2 * N_ROWS)[::2]
        close(layer(X.flip(1).flip(1)), layer(X.contiguous()).detach())
        negated = torch.complex(X, X).conj().imag
        assert negated.is_neg()
        close(layer(negated), layer(-X).detach())

    def test_the_graph_outlives_the_module(self):
        X = rows(requires_grad=True)
        QuantumLayer(MODEL, **double)(X).sum().backward()
        assert X.grad.any()


class TestPrecision:
    def test_single_in_single_out(self, layer):
        single = QuantumLayer(MODEL, weights=layer.weights)
        assert single.weights.dtype == torch.float32
        X, cotangent = rows(), rows(N_ROWS, 3, seed=4)
        values = single(X.float())
        assert values.dtype == torch.float32
        close(values, layer(X).detach(), SINGLE)
        for own, exact in zip(
            gradients(single, X.float(), cotangent.float()), gradients(layer, X, cotangent), strict=True
        ):
            assert own.dtype == torch.float32
            close(own, exact, SINGLE)

    @pytest.mark.parametrize(
        ("of_X", "of_weights", "expected"),
        [
            (torch.float64, torch.float32, torch.float64),
            (torch.float32, torch.float64, torch.float64),
            (torch.bfloat16, torch.float32, torch.float32),
            (torch.float16, torch.float16, torch.float16),
        ],
    )
    def test_mixed_precisions(self, of_X, of_weights, expected):
        layer = QuantumLayer(MODEL, seed=0, dtype=of_weights)
        X = rows(dtype=of_X, requires_grad=True)
        values = layer(X)
        assert values.dtype == expected
        values.sum().backward()
        assert (X.grad.dtype, layer.weights.grad.dtype) == (of_X, of_weights)

    def test_a_model_in_single_precision(self):
        name = "rings"
        single = QuantumLayer(pennylane_models.quantum_model(name, precision="single"), seed=0)
        exact = QuantumLayer(pennylane_models.quantum_model(name), weights=single.weights)
        close(single(rows()), exact(rows()).detach(), SINGLE)


class TestTransformations:
    def test_vmap_over_samples_and_weights(self, layer):
        X, many = rows(), rows(4, MODEL.num_weights, seed=6)
        plain = layer(X).detach()
        close(torch.vmap(layer)(X), plain)
        close(torch.vmap(layer, in_dims=1, out_dims=1)(X.T), plain.T)
        each = torch.stack([call(layer, weights, X) for weights in many])
        close(torch.vmap(lambda weights: call(layer, weights, X))(many), each)
        nested = torch.vmap(lambda weights: torch.vmap(lambda x: call(layer, weights, x))(X))(many)
        close(nested, each)

    def test_gradients_of_each_sample(self, layer):
        X, cotangent = rows(), rows(N_ROWS, 3, seed=4)

        def loss(weights, x, seeds):
            return (call(layer, weights, x) * seeds).sum()

        weights = layer.weights.detach()
        by_weights = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(weights, X, cotangent)
        by_inputs = torch.vmap(torch.func.grad(loss, argnums=1), in_dims=(None, 0, 0))(weights, X, cotangent)
        for k in range(N_ROWS):
            d_x, d_weights = gradients(layer, X[k], cotangent[k])
            close(by_weights[k], d_weights)
            close(by_inputs[k], d_x)
        of_all = torch.func.grad(lambda w: torch.vmap(loss, in_dims=(None, 0, 0))(w, X, cotangent).sum())(weights)
        close(of_all, gradients(layer, X, cotangent)[1])

    def test_jacobians(self, layer):
        X, weights = rows(), layer.weights.detach()
        by_weights = torch.func.jacrev(lambda weights: call(layer, weights, X))(weights)
        by_inputs = torch.func.jacrev(lambda X: call(layer, weights, X))(X)
        for k in range(3):
            seeds = torch.zeros(N_ROWS, 3, **double)
            seeds[2, k] = 1.0
            d_X, d_weights = gradients(layer, X, seeds)
            close(by_weights[2, k], d_weights)
            close(by_inputs[2, k], d_X)

    def test_gradients_of_an_ensemble(self, layer):
        X, many = rows(), rows(4, MODEL.num_weights, seed=6)
        slopes = torch.vmap(torch.func.grad(lambda weights: call(layer, weights, X).sum()))(many)
        for weights, slope in zip(many, slopes, strict=True):
            close(slope, MODEL.backward(X.numpy(), weights.numpy(), np.ones((N_ROWS, 3)))[0])

    @pytest.mark.slow
    @pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
    def test_compiled_networks(self, layer, backend):
        X = rows()
        network = torch.nn.Sequential(torch.nn.Linear(3, 3), layer, torch.nn.Linear(3, 2)).double()
        expected = network(X)
        expected.square().sum().backward()
        slopes = [parameter.grad.clone() for parameter in network.parameters()]
        network.zero_grad()
        values = torch.compile(network, fullgraph=True, backend=backend)(X)
        values.square().sum().backward()
        close(values, expected.detach())
        for parameter, slope in zip(network.parameters(), slopes, strict=True):
            close(parameter.grad, slope)

    def test_two_compiled_layers_do_not_take_each_other_s_circuits(self, layer):
        other = QuantumLayer(pennylane_models.quantum_model("re-uploading"), seed=5, **double)
        X = rows()
        for module in (layer, other, copy.deepcopy(layer)):
            compiled = torch.compile(module, fullgraph=True, backend="aot_eager")
            close(compiled(X), module(X).detach())

    def test_gradients_within_a_compiled_function_are_refused_rather_than_zero(self, layer):
        X, weights = rows(), layer.weights.detach()
        for transform in (torch.func.grad, torch.func.jacrev):
            slope = transform(lambda weights: call(layer, weights, X).sum())
            for function in (slope, torch.vmap(slope)):
                point = weights if function is slope else weights.repeat(2, 1)
                with pytest.raises(RuntimeError, match="autograd.Function"):
                    torch.compile(function, backend="aot_eager")(point)
        with pytest.raises(RuntimeError, match="vmap"):
            torch.compile(torch.vmap(layer), backend="aot_eager")(X.requires_grad_()).sum().backward()

    def test_an_exported_graph_outlives_the_module(self):
        network = torch.nn.Sequential(torch.nn.Linear(3, 3), QuantumLayer(MODEL)).double()
        samples = torch.export.Dim("samples", min=1, max=100)
        program = torch.export.export(network, (rows(),), dynamic_shapes=({0: samples},))
        expected = network(rows(9)).detach()
        del network
        gc.collect()
        close(program.module()(rows(9)), expected)

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # both are old ways
    def test_traces_are_refused_rather_than_constant(self, layer):
        for module in (layer, torch.nn.Sequential(torch.nn.Linear(3, 3), layer).double()):
            with pytest.raises(NotImplementedError, match="torch.jit.trace or torch.onnx.export"):
                torch.jit.trace(module, (rows(),))
        with pytest.raises(NotImplementedError, match="export_onnx"):
            torch.onnx.export(layer, (rows(),), io.BytesIO(), dynamo=False)

    def test_the_exporter_to_onnx_is_told_what_works(self, layer, monkeypatch):
        program = torch.export.export(layer, (rows(),))
        monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)  # as the newer exporter's three steps
        with pytest.raises(NotImplementedError, match="call qml.deploy.export_onnx"):
            torch.export.export(layer, (rows(),))
        with pytest.raises(NotImplementedError, match="call qml.deploy.export_onnx"):
            program.run_decompositions()

    def test_shapes_without_numbers(self, layer):
        assert copy.deepcopy(layer).to("meta")(torch.empty(7, 3, device="meta")).shape == (7, 3)

    @pytest.mark.parametrize("by", ["weights", "X", "both"])
    def test_second_derivatives_are_refused(self, layer, by):
        X = rows(requires_grad=True)
        arguments = {"weights": [layer.weights], "X": [X], "both": [X, layer.weights]}[by]
        slopes = torch.autograd.grad(layer(X).sum(), arguments, create_graph=True)
        penalty = sum(slope.square().sum() for slope in slopes)
        with pytest.raises(NotImplementedError, match="QuantumLayer has first derivatives only"):
            (layer(X).sum() + penalty).backward()
        weights = layer.weights.detach()
        with pytest.raises(NotImplementedError):
            torch.func.hessian(lambda weights: call(layer, weights, X.detach()).sum())(weights)

    def test_forward_mode_is_refused(self, layer):
        X, weights = rows(), layer.weights.detach()
        for point, function in ((weights, lambda w: call(layer, w, X)), (X, lambda X: call(layer, weights, X))):
            with pytest.raises(NotImplementedError):
                torch.func.jvp(function, (point,), (torch.ones_like(point),))
            with pytest.raises(NotImplementedError):
                torch.func.jacfwd(function)(point)


class TestModules:
    def test_weights_on_construction(self):
        given = np.linspace(0, 1, MODEL.num_weights)
        for weights in (given, given.tolist(), torch.tensor(given)):
            close(QuantumLayer(MODEL, weights=weights, **double).weights, given)
        layer = QuantumLayer(MODEL, weights=given, **double)
        with torch.no_grad():
            layer.weights.add_(1.0)
        assert given[0] == 0.0
        drawn = Quantum(MODEL).initial_weights(np.random.default_rng(7))
        np.testing.assert_array_equal(QuantumLayer(MODEL, seed=7, **double).weights.detach(), drawn)

    def test_the_generator_of_pytorch_draws_the_seed(self):
        torch.manual_seed(3)
        first, second = (QuantumLayer(MODEL).weights.detach() for _ in range(2))
        assert not torch.equal(first, second)
        torch.manual_seed(3)
        assert torch.equal(QuantumLayer(MODEL).weights, first)

    def test_resetting_all_layers_of_a_network_draws_these_weights_too(self):
        net = torch.nn.Sequential(torch.nn.Linear(2, 3), QuantumLayer(MODEL, seed=1))
        before = net[1].weights.detach().clone()
        torch.manual_seed(3)
        expected = QuantumLayer(MODEL).weights.detach()
        torch.manual_seed(3)
        for module in reversed(net):
            module.reset_parameters()
        assert torch.equal(net[1].weights, expected)
        assert not torch.equal(expected, before)
        assert net[1].weights.requires_grad

    def test_state_dict(self, layer):
        file = io.BytesIO()
        torch.save(layer.state_dict(), file)
        file.seek(0)
        other = QuantumLayer(MODEL, seed=8, **double)
        other.load_state_dict(torch.load(file, weights_only=True))
        assert torch.equal(other.weights, layer.weights)
        assert torch.equal(other(rows()), layer(rows()))
        smaller = QuantumLayer(layered_model("angle", "basic", num_features=3, num_layers=1))
        with pytest.raises(RuntimeError, match=r"size mismatch for weights.*\[18\].*\[3\]"):
            smaller.load_state_dict(layer.state_dict())

    def test_copies_are_independent(self, layer):
        pickled = pickle.loads(pickle.dumps(layer))
        file = io.BytesIO()
        torch.save(layer, file)
        file.seek(0)
        for other in (copy.deepcopy(layer), pickled, torch.load(file, weights_only=False)):
            assert torch.equal(other(rows()), layer(rows()))
            with torch.no_grad():
                other.weights.add_(0.1)
            assert not torch.equal(other(rows()), layer(rows()))

    def test_shared_memory(self, layer):
        before = layer(rows())
        assert layer.share_memory() is layer
        assert layer.weights.is_shared()
        assert torch.equal(layer(rows()), before)

    def test_a_layer_without_weights(self):
        x = ParameterVector("x", 2)
        model = QuantumModel(Circuit(2).ry(x[0], 0).rx(x[1], 1).cx(0, 1), inputs=x, observables=[Z(0), Z(1)])
        X = rows(features=2, requires_grad=True)
        assert torch.autograd.gradcheck(QuantumLayer(model, **double), X)

    def test_representation(self, layer):
        assert repr(layer) == f"QuantumLayer(Quantum({MODEL!r}))"
        assert layer.layer == Quantum(MODEL)


class TestErrors:
    @pytest.mark.parametrize("shape", [(5, 2), (5, 4), (), (0,), (3, 5)])
    def test_wrong_width(self, layer, shape):
        with pytest.raises(ValueError, match=rf"X must have shape \(\.\.\., 3\), got \({', '.join(map(str, shape))}"):
            layer(torch.zeros(shape, **double))

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_numbers_that_are_not_finite(self, layer, number):
        X = rows()
        X[2, 1] = number
        with pytest.raises(ValueError, match=r"X contains NaN or infinity, first at \(2, 1\)"):
            layer(X)
        with torch.no_grad():
            layer.weights[4] = number
        with pytest.raises(ValueError, match=r"weights contains NaN or infinity, first at \(4,\)"):
            layer(rows())

    @pytest.mark.parametrize("dtype", [torch.int64, torch.bool, torch.complex128])
    def test_types_that_are_not_floating_point(self, layer, dtype):
        with pytest.raises(TypeError, match=f"QuantumLayer expects a floating-point tensor, got {dtype}"):
            layer(torch.ones(2, 3, dtype=dtype))
        with pytest.raises(TypeError, match=f"dtype expects a floating-point type such as torch.float64, got {dtype}"):
            QuantumLayer(MODEL, dtype=dtype)

    def test_arrays_are_not_tensors(self, layer):
        with pytest.raises(TypeError, match="QuantumLayer expects a floating-point tensor, got float64"):
            layer(rows().numpy())

    def test_mixed_devices(self, layer):
        with pytest.raises(ValueError, match="X is on meta and the weights are on cpu: move one"):
            layer(torch.empty(2, 3, device="meta"))

    def test_wrong_weights(self):
        with pytest.raises(ValueError, match=r"weights must have shape \(18,\), got \(17,\)"):
            QuantumLayer(MODEL, weights=np.zeros(17))
        with pytest.raises(ValueError, match="weights contains NaN or infinity"):
            QuantumLayer(MODEL, weights=np.full(18, np.nan))

    def test_not_a_model(self):
        with pytest.raises(TypeError, match="expected a QuantumModel, or a layer"):
            QuantumLayer(torch.nn.Linear(2, 2))

    def test_a_graph_of_another_process(self):
        with pytest.raises(LookupError, match="this graph calls a QuantumLayer of another process"):
            torch.ops.qumba.values(rows(), torch.zeros(18, **double), "unknown")
