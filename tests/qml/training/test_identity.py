"""Identity of a run: whatever decides its end is compared and named; what does not is free to change."""

import itertools
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import qml.training.checkpoints
from qml import (
    SPSA,
    Adam,
    AngleMap,
    BasicEntangling,
    NLocal,
    OwnFunction,
    QuantumModel,
    SciPy,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.files.container import ModelFileError, read_container, write_container
from qml.layers import Dense, Quantum, Sequential, Sigmoid, Tanh
from qml.losses import Hinge, Huber
from qml.optimizers import OPTIMIZERS, get_optimizer
from qml.training.checkpoints import CheckpointLockedError, CheckpointMismatchError
from qml.training.description import description
from qml.training.identity import circuit_digest, run_identity
from qml.training.layers_objective import LayersObjective
from simulator import Circuit, NoiseModel, ParameterVector, Z, depolarizing, gates
from simulator import X as PauliX
from simulator.backends.numba_backend import NumbaBackend

RNG = np.random.default_rng(31)
X = RNG.normal(size=(40, 3))
LABELS = (X[:, 0] + 0.2 * X[:, 1] > 0).astype(int)
REAL = np.sin(X[:, 0])

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def fit(kind, path, X=X, y=None, sample_weight=None, **settings):
    y = (LABELS if kind is VariationalClassifier else REAL) if y is None else y
    small = {"n_layers": 1, "n_qubits": 3, "epochs": 3, "schedule": "constant", "random_state": 0}
    return kind(**small | settings).fit(X, y, sample_weight, resume=path)


class Scaled:
    """A loss of the user's own, with a setting in an attribute and one in an array."""

    def __init__(self, factor, shifts):
        self.factor, self.shifts = factor, np.array(shifts)

    def value(self, outputs, y):
        return self.factor * Hinge().value(outputs + self.shifts, 2 * y - 1)

    def gradient(self, outputs, y):
        return self.factor * Hinge().gradient(outputs + self.shifts, 2 * y - 1)


def own_model(angle=0.1, gate=None, weight_first=False, names="xw"):
    x, w = (ParameterVector(name, 3) for name in names)
    circuit = Circuit(3, [gates.RX(p, q) for q, p in enumerate(x)]).rz(angle, 0).cx(0, 1).cx(1, 2)
    order = w if weight_first else w[::-1]
    circuit = circuit.append(*(gates.RY(p, q) for q, p in enumerate(order)))
    return QuantumModel(circuit if gate is None else circuit.append(gate), inputs=x, weights=w, observables=[Z(0)])


NOISE = NoiseModel(depolarizing(0.01, 1), depolarizing(0.02, 2))
A_LITTLE_MORE = NoiseModel(depolarizing(0.0100001, 1), depolarizing(0.02, 2))
COBYLA = [SciPy("cobyla", {"rhobeg": size}) for size in (0.5, 0.4)]
DIFFERENT = {
    "feature map": ({"feature_map": AngleMap("x")}, {"feature_map": AngleMap("y")}, "map is AngleMap(axes='y'"),
    "named feature map": ({"feature_map": "angle"}, {"feature_map": "zz"}, "feature map is PauliMap("),
    "ansatz": ({"ansatz": BasicEntangling("x")}, {"ansatz": BasicEntangling("z")}, "ansatz is BasicEntangling("),
    "entanglement": (
        {"ansatz": NLocal(entanglement="linear")},
        {"ansatz": NLocal(entanglement="full")},
        "final_rotations=True), there NLocal(rotations=('ry',), entanglement='linear', entangler='cx'",
    ),
    "layers": ({"n_layers": 1}, {"n_layers": 2}, "layers is 2, there 1"),
    "qubits": ({"n_qubits": 3}, {"n_qubits": 4}, "qubits is 4, there 3"),
    "named observables": ({"observables": "z"}, {"observables": "x"}, "observables is 'x', there 'z'"),
    "own observables": ({"observables": [Z(0)]}, {"observables": [PauliX(0)]}, "observables is [X(0)], there [Z(0)]"),
    "precision": ({"precision": "single"}, {}, "precision is 'double', there 'single'"),
    "noise": ({"noise": NOISE}, {}, "noise is None, there 'NoiseModel("),
    "a little noise": ({"noise": NOISE}, {"noise": A_LITTLE_MORE}, "noise is"),
    "noise of a backend": ({"backend": NumbaBackend(noise=NOISE)}, {}, "noise is None, there 'NoiseModel("),
    "loss": ({"loss": "hinge"}, {"loss": "mse"}, "loss is 'SquaredError()', there 'Hinge()'"),
    "a number in a loss": ({"loss": Scaled(1.0, [0])}, {"loss": Scaled(2.0, [0])}, "loss is 'Scaled(factor=2.0"),
    "an array in a loss": ({"loss": Scaled(1.0, [0])}, {"loss": Scaled(1.0, [0.1])}, "loss is 'Scaled(factor=1.0"),
    "learning rate": ({"learning_rate": 0.05}, {"learning_rate": 0.06}, "optimizer is 'Adam(learning_rate=0.06"),
    "optimizer setting": ({"optimizer": Adam(beta1=0.9)}, {"optimizer": Adam(beta1=0.8)}, "beta1=0.8"),
    "SciPy option": ({"optimizer": COBYLA[0]}, {"optimizer": COBYLA[1]}, "0.4"),
    "batch": ({"batch_size": 16}, {"batch_size": 20}, "batch size is 20, there 16"),
    "early stopping": ({"early_stopping": True}, {}, "rows kept aside: not the same"),
    "what is an improvement": ({"early_stopping": True}, {"early_stopping": True, "tol": 0.1}, "tol is 0.1, there 0.0"),
    "cosine": ({"schedule": "cosine"}, {}, "schedule is 'constant', there 'cosine over 3 epochs'"),
    "features": ({}, {"X": X + 1e-9 * X**2}, "features: not the same"),
    "scaling": ({}, {"scale_features": False}, "features: not the same"),
    "targets": ({}, {"y": 1 - LABELS}, "targets: not the same"),
    "sample weights": ({}, {"sample_weight": 1.0 + LABELS}, "sample weights: not the same"),
    "class weights": ({}, {"class_weight": {0: 1.0, 1: 2.0}}, "sample weights: not the same"),
    "own angle": ({"model": own_model()}, {"model": own_model(0.2)}, "circuit: not the same"),
    "own gate": (
        {"model": own_model(gate=gates.Diagonal("d", [0.1, 0.2])(0))},
        {"model": own_model(gate=gates.Diagonal("d", [0.1, 0.3])(0))},
        "circuit: not the same",
    ),
    "order of weights": ({"model": own_model()}, {"model": own_model(weight_first=True)}, "circuit: not the same"),
    "own circuit or not": ({}, {"model": own_model()}, "feature map is None, there AngleMap("),
}  # fmt: skip


def test_last_digits_of_scaled_features_may_differ(tmp_path):
    """As they do on another processor, where NumPy takes other instructions for an arctangent."""
    path = tmp_path / "run"
    fit(VariationalClassifier, path)
    fit(VariationalClassifier, path, X=np.nextafter(X, np.inf))
    with pytest.raises(CheckpointMismatchError, match="features: not the same"):
        fit(VariationalClassifier, path, X=X + 1e-9 * (np.arange(40) == 7)[:, None])


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_run_is_refused_and_told_why(name, tmp_path):
    first, second, words = DIFFERENT[name]
    path = tmp_path / "run"
    fit(VariationalClassifier, path, **first)
    before = path.read_bytes()
    with pytest.raises(CheckpointMismatchError) as caught:
        fit(VariationalClassifier, path, **second)
    assert words in str(caught.value)
    assert "data and model" not in str(caught.value)  # a digest of everything, which says nothing
    assert path.read_bytes() == before
    fit(VariationalClassifier, path, **first)


def test_a_parameter_of_a_loss(tmp_path):
    fit(VariationalRegressor, tmp_path / "run", loss=Huber(0.5))
    with pytest.raises(CheckpointMismatchError, match=r"loss is 'Huber\(delta=0.6\)', there 'Huber\(delta=0.5\)'"):
        fit(VariationalRegressor, tmp_path / "run", loss=Huber(0.6))


SAME = {
    "name and object": ({"feature_map": "angle"}, {"feature_map": AngleMap()}),
    "ways to one circuit": (
        {"ansatz": NLocal(entanglement="linear")},
        {"ansatz": NLocal(entanglement=[(0, 1), (1, 2)])},
    ),
    "names of parameters": ({"model": own_model()}, {"model": own_model(names="ab")}),
    "names of observables": ({"observables": "z"}, {"observables": [Z(0), Z(1), Z(2)]}),
    "names of labels": ({}, {"y": np.array(["no", "yes"])[LABELS]}),
    "loss": ({"loss": Scaled(1.0, [0.5])}, {"loss": Scaled(1.0, [0.5])}),
    "what is shown": ({}, {"callback": lambda progress: None, "verbose": True}),
    "patience": ({"early_stopping": True, "patience": 2}, {"early_stopping": True, "patience": 9}),
    "another random state": ({}, {"random_state": 5}),
    "epochs": ({}, {"epochs": 4}),
}


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_matter_may_change(name, tmp_path):
    first, second = SAME[name]
    a = fit(VariationalClassifier, tmp_path / "run", **first)
    b = fit(VariationalClassifier, tmp_path / "run", **second)
    np.testing.assert_array_equal(b.loss_history_[:3], a.loss_history_)


def test_a_gate_that_files_cannot_hold(tmp_path):
    class Strange(gates.Fixed):
        pass

    def model(phase):
        return own_model(gate=Strange("s", np.diag([1, np.exp(1j * phase)]))(0))

    fit(VariationalClassifier, tmp_path / "run", model=model(0.1))
    fit(VariationalClassifier, tmp_path / "run", model=model(0.1))
    with pytest.raises(CheckpointMismatchError, match="circuit: not the same"):
        fit(VariationalClassifier, tmp_path / "run", model=model(0.2))


class TestNetworks:
    """Layers of all kinds, also those inside a chain in a chain."""

    def identity(self, *layers):
        network = Sequential(*layers)
        weights = np.zeros(network.num_weights)
        return run_identity(LayersObjective(network, X, LABELS, np.ones(len(X)), Hinge()), weights, {})

    def quantum(self, function=np.sin, **settings):
        model = own_model(**settings)
        return Quantum(
            QuantumModel(model.circuit, model.inputs, model.weights, model.observables, data=OwnFunction(function))
        )

    @pytest.mark.parametrize(
        ("change", "name"),
        [({"angle": 0.2}, "circuit"), ({"weight_first": True}, "circuit"), ({"function": np.cos}, "data function")],
    )
    def test_a_circuit_in_a_chain_in_a_chain(self, change, name):
        first, same, other = (
            self.identity(Dense(3, 3), Sequential(Tanh(), Sequential(self.quantum(**settings), Dense(1, 1))))
            for settings in ({}, {}, change)
        )
        assert first == same
        assert [key for key in first if first[key] != other[key]] == [name]

    def test_other_layers(self):
        first = self.identity(Dense(3, 3), Tanh(), self.quantum())
        other = self.identity(Dense(3, 3), Sigmoid(), self.quantum())
        assert [key for key in first if first[key] != other[key]] == ["layers"]

    def test_a_bias_is_told_where_it_is_missing(self):
        """With a bias, the description is that of versions without the setting, whose checkpoints go on."""
        assert description(Dense(3, 2)) == "Dense(num_inputs=3, num_outputs=2)"
        assert description(Dense(3, 2, bias=False)) == "Dense(num_inputs=3, num_outputs=2, bias=False)"


class TestTrainingLonger:
    """From a finished checkpoint on, the end is bit-equal to that of a run of that number of epochs."""

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"batch_size": 16},
            {"batch_size": 16, "optimizer": SPSA()},
            {"noise": NOISE},
            {"precision": "single", "feature_map": "reuploading"},
            {"early_stopping": True},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("kind", [VariationalClassifier, VariationalRegressor])
    def test_bit_equal(self, kind, settings, tmp_path):
        for epochs in (2, 5, 6):
            longer = fit(kind, tmp_path / "run", epochs=epochs, **settings)
        whole = fit(kind, None, epochs=6, **settings)
        assert longer.weights_.tobytes() == whole.weights_.tobytes()
        assert longer.loss_history_.tobytes() == whole.loss_history_.tobytes()
        assert (longer.n_iter_, longer.best_epoch_) == (6, whole.best_epoch_)

    def test_a_cosine_schedule_cannot_and_says_why(self, tmp_path):
        fit(VariationalClassifier, tmp_path / "run", schedule="cosine")
        match = r"cosine over 6 epochs', there 'cosine over 3 epochs'.*cannot be prolonged: .*schedule='constant'"
        with pytest.raises(CheckpointMismatchError, match=match):
            fit(VariationalClassifier, tmp_path / "run", schedule="cosine", epochs=6)


class TestLock:
    def test_a_second_process_is_told(self, tmp_path):
        path = tmp_path / "run"
        code = """if True:
            import sys, time
            from tests.qml.training.test_identity import VariationalClassifier, fit
            def callback(progress):
                print("training", flush=True)
                time.sleep(600)
            fit(VariationalClassifier, sys.argv[1], callback=callback)
        """
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)], cwd=Path(__file__).parents[3], stdout=subprocess.PIPE, text=True
        )
        try:
            assert child.stdout.readline() == "training\n"
            before = path.read_bytes()
            with pytest.raises(CheckpointLockedError, match="run: another process is training with this checkpoint"):
                fit(VariationalClassifier, path)
            link = tmp_path / "link"
            link.symlink_to(path)
            with pytest.raises(CheckpointLockedError):
                fit(VariationalClassifier, link)
            assert path.read_bytes() == before
        finally:
            child.kill()
            child.wait(timeout=60)
            child.stdout.close()
        fit(VariationalClassifier, path)  # the lock ended with the process
        assert sorted(file.name for file in tmp_path.iterdir()) == ["link", "run", "run.previous"]

    def test_a_second_thread_is_told_and_the_first_goes_on(self, tmp_path):
        refused = []

        def second():
            try:
                fit(VariationalClassifier, tmp_path / "run")
            except CheckpointLockedError as error:
                refused.append(error)

        def callback(progress):
            thread = threading.Thread(target=second)
            thread.start()
            thread.join()

        first = fit(VariationalClassifier, tmp_path / "run", callback=callback)
        assert len(refused) == 3
        np.testing.assert_array_equal(first.weights_, fit(VariationalClassifier, None).weights_)

    def test_a_name_of_250_bytes(self, tmp_path):
        path = tmp_path / ("r" * 250)
        first = fit(VariationalClassifier, path)
        np.testing.assert_array_equal(fit(VariationalClassifier, path, epochs=4).loss_history_[:3], first.loss_history_)


class TestForgedCheckpoints:
    """Whatever a file says of itself, the error is one; nothing of it is taken."""

    @pytest.fixture
    def path(self, tmp_path):
        fit(VariationalClassifier, tmp_path / "run", batch_size=16)
        return tmp_path / "run"

    @pytest.mark.parametrize(
        "change",
        [
            lambda h, a: h.pop("fingerprint"),
            lambda h, a: h.update(fingerprint=[]),
            lambda h, a: h.update(fingerprint={"circuit": {}}),
            lambda h, a: h.update(fingerprint={"circuit": {"sha256": 3}}),
            lambda h, a: h.pop("seed"),
            lambda h, a: h.update(seed=-1),
            lambda h, a: h.update(seed="7"),
            lambda h, a: h.update(seed=True),
            lambda h, a: h.update(batch=3),
            lambda h, a: h.update(batch=-1),
            lambda h, a: h.update(steps=1.5),
            lambda h, a: h.update(best_epoch=99),
            lambda h, a: h.update(stopped="now"),
            lambda h, a: h.update(message=None),
            lambda h, a: a.pop("weights"),
            lambda h, a: a.update(weights=a["weights"][:-1]),
            lambda h, a: a.update(weights=np.full_like(a["weights"], np.nan)),
            lambda h, a: a.update(best_weights=np.zeros((2, 3))),
            lambda h, a: a.update(best_score=np.zeros(3)),
            lambda h, a: a.update(seconds=np.array("long")),
            lambda h, a: a.pop("optimizer_state.mean"),
            lambda h, a: a.update({"optimizer_state.step": np.array("5")}),
            lambda h, a: a.update({"optimizer_state.mean": np.zeros(1)}),
            lambda h, a: a.update({"optimizer_state.mean": np.array(["x"] * len(a["weights"]))}),
            lambda h, a: a.update(history=np.zeros(5)),
            lambda h, a: a.update(history=np.full((3, 6), np.nan)),
        ],
    )
    def test_contents_that_make_no_sense(self, path, change):
        header, arrays = read_container(path, kind="checkpoint", version=1)
        change(header, arrays)
        write_container(path, header, arrays, kind="checkpoint", version=1)
        before = path.read_bytes()
        with pytest.raises(ModelFileError, match="run: its contents make no sense"):
            fit(VariationalClassifier, path, batch_size=16)
        assert path.read_bytes() == before

    def test_control_characters_do_not_reach_the_terminal(self, path):
        header, arrays = read_container(path, kind="checkpoint", version=1)
        header["fingerprint"]["circuit"] = {"sha256": "0" * 64, "made of": {"ansatz": "\x1b[2J"}}
        header["fingerprint"]["loss"] = "\x1b[2J"
        write_container(path, header, arrays, kind="checkpoint", version=1)
        with pytest.raises(CheckpointMismatchError) as caught:
            fit(VariationalClassifier, path, batch_size=16)
        assert str(caught.value).isprintable()


class TestDescription:
    @pytest.mark.parametrize("optimizer", [*map(get_optimizer, OPTIMIZERS), SciPy("cobyla", {"rhobeg": 0.5})], ids=repr)
    def test_of_optimizers_as_in_checkpoints_of_earlier_versions(self, optimizer):
        assert description(optimizer) == repr(optimizer)

    def test_no_addresses(self):
        class Plain:
            def __init__(self):
                self.inner = object()

        for value in (Plain(), print, len, lambda: 0, Scaled, (Plain(), [Plain()]), {"key": Plain()}):
            assert "0x" not in description(value)
        assert description(Plain()) == description(Plain())

    def test_in_circles_and_large(self):
        circle = []
        circle.append(circle)
        assert len(description(circle)) < 100
        values = [description(list(range(1000 + k))) for k in range(2)]
        assert max(map(len, values)) < 200
        assert values[0] != values[1]

    def test_sets_do_not_depend_on_the_process(self):
        code = "from qml.training.description import description; print(description({'set': set('abcdefgh')}))"
        out = {
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
                | {"PYTHONPATH": str(Path(__file__).parents[3])},
            ).stdout
            for seed in ("1", "2")
        }  # fmt: skip
        assert len(out) == 1

    def test_noise_in_any_order(self):
        one = NoiseModel({0: depolarizing(0.1, 1), 1: depolarizing(0.2, 1)})
        other = NoiseModel({1: depolarizing(0.2, 1), 0: depolarizing(0.1, 1)})
        assert description(one) == description(other)


def test_digests_of_circuits_are_all_different():
    models = [own_model(), own_model(0.2), own_model(weight_first=True), own_model(gate=gates.X(0))]
    for a, b in itertools.combinations(map(circuit_digest, models), 2):
        assert a != b
    assert circuit_digest(own_model(names="pq")) == circuit_digest(own_model())


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    """A checkpoint at each opportunity."""
    monkeypatch.setattr(qml.training.checkpoints, "SECONDS_BETWEEN", 0.0)
