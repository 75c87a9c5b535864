"""Write the model files and checkpoints of the running version, with what they must give, for the tests of later ones.

    PYTHONPATH=<checkout of that version> python tests/data/write_files.py tests/data/format_1

Files that exist are never written anew: they show that what an earlier version stored can still be read.
"""

import sys
import warnings
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import scipy
import sklearn
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

import qml
from simulator import Circuit, NoiseModel, ParameterVector, X, Z, depolarizing, gates

N_SAMPLES, N_FEATURES = 40, 3
METHODS = ("predict", "predict_proba", "decision_function", "transform")
INTERRUPTED_AFTER, EPOCHS = 3, 8


def machine() -> str:
    """Whatever the last bits of a result may depend on besides the code: processor and numerical libraries."""
    blas = sorted({f"{pool['version']} {pool.get('architecture')}" for pool in threadpool_info() if "version" in pool})
    libraries = f"numpy {np.__version__}, scipy {scipy.__version__}, scikit-learn {sklearn.__version__}"
    return f"{llvm.get_host_cpu_name()}, {libraries}, BLAS {blas}"


def training_data():
    """Features (40, 3), two classes as text, and a real target."""
    rng = np.random.default_rng(20)
    features = rng.normal(size=(N_SAMPLES, N_FEATURES))
    real = np.sin(features[:, 0]) + 0.3 * features[:, 1]
    return features, np.where(real > 0, "yes", "no"), real


def own_model():
    """A circuit with every class of gate that a file can hold."""
    x, w = ParameterVector("x", N_FEATURES), ParameterVector("w", 4)
    rng = np.random.default_rng(3)
    unitary = np.linalg.qr(rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4)))[0]
    hermitian = rng.normal(size=(4, 4))
    circuit = Circuit(3).initialize(rng.normal(size=4), [0, 1], normalize=True).ry(x[0], 0).cry(2 * x[1] - 0.3, 1, 0)
    circuit = circuit.unitary(unitary, [2, 0]).diagonal(rng.normal(size=4), [1, 2]).u(0.1, w[1], x[2], 0)
    circuit = circuit.append(
        gates.Rotation("turn", hermitian + hermitian.T)(w[0] + x[2], 0, 2),
        gates.PauliRotation("XZY")(w[1], 0, 1, 2),
        gates.PauliRotation("ZX", name="zx").controlled(1, [0])(w[2], 1, 0, 2),
        gates.StatePreparation(rng.normal(size=2), normalize=True).inverse()[0].controlled()(0, 2),
        gates.RX.controlled(2, [0, 1])(w[3], 2, 1, 0),
    )
    return qml.QuantumModel(circuit, inputs=x, weights=w, observables=[Z(0), 0.5 * X(1) @ Z(2)])


def models():
    """Fitted estimators by the name of their file."""
    features, labels, real = training_data()
    small = {"n_layers": 2, "n_qubits": 3, "epochs": 4, "random_state": 0}
    noise = NoiseModel(depolarizing(0.01, 1), depolarizing(0.02, 2))
    kernel = qml.FidelityKernel(qml.PauliMap(("Z", "YY")), bandwidth=np.array([0.1, 0.2, 0.3]))
    classifier = qml.VariationalClassifier("zz", loss="hinge", class_weight={"yes": 2.0, "no": 1.0}, **small)
    return {
        "variational_classifier": classifier.fit(features, labels),
        "variational_regressor": qml.VariationalRegressor(
            qml.AngleMap("xz"), qml.NLocal(("rx", "p")), loss=qml.losses.Huber(0.5), early_stopping=True, **small
        ).fit(features, real),
        "own_circuit": qml.VariationalClassifier(model=own_model(), epochs=4, random_state=0).fit(features, labels),
        "with_noise": qml.VariationalClassifier(noise=noise, **small).fit(features, labels),
        "kernel_classifier": qml.QuantumKernelClassifier(kernel, random_state=0).fit(features[:20], labels[:20]),
        "nystroem_features": qml.NystroemFeatures("projected", n_landmarks=8, random_state=0).fit(features),
        "pipeline": make_pipeline(
            StandardScaler(), PCA(2), qml.VariationalClassifier(n_layers=2, epochs=4, random_state=0)
        ).fit(features, labels),
    }


def interrupted():
    """Unfitted estimators by the name of the checkpoint that a run of theirs leaves, and their targets."""
    _, labels, real = training_data()
    # all that the run depends on, so that a later version with other defaults still goes on with the same one
    common = {
        "ansatz": "strongly_entangling",
        "n_layers": 2,
        "n_qubits": 3,
        "learning_rate": 0.05,
        "epochs": EPOCHS,
        "validation_fraction": 0.15,
        "patience": 20,
        "tol": 0.0,
        "observables": "z+zz",
        "random_state": 1,
    }
    classifier = qml.VariationalClassifier(
        "angle", loss="cross_entropy", optimizer="adam", batch_size=16, schedule="constant", **common
    )
    regressor = qml.VariationalRegressor(
        "reuploading", loss="mse", optimizer=qml.AdamW(), batch_size="full", early_stopping=True, **common
    )
    return {"constant_rate": (classifier, labels), "cosine": (regressor.set_params(schedule="cosine"), real)}


def results(estimator, features):
    """Array of each method that an estimator has."""
    return {name: getattr(estimator, name)(features) for name in METHODS if hasattr(estimator, name)}


def main(folder: Path) -> None:
    """Write everything into a folder that is new."""
    folder.mkdir(parents=True)
    features = training_data()[0]
    expected = {"machine": np.array(machine()), "X": features}
    for name, estimator in models().items():
        qml.save(estimator, folder / f"{name}.qumba")
        expected |= {f"{name}/{method}": array for method, array in results(estimator, features).items()}
    for name, (estimator, y) in interrupted().items():
        path = folder / f"{name}.ckpt"
        estimator.set_params(callback=lambda progress: progress.epoch == INTERRUPTED_AFTER)
        estimator.fit(features, y, resume=path)
        path.with_name(f"{path.name}.previous").unlink(missing_ok=True)
        whole = estimator.set_params(callback=None).fit(features, y)
        expected |= {f"{name}/y": y, f"{name}/weights": whole.weights_, f"{name}/losses": whole.loss_history_}
    np.savez_compressed(folder / "expected.npz", **expected)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
