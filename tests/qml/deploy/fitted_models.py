"""Fitted models of every kind that collapses, each with samples that it has not seen."""

from functools import cache, partial

import numpy as np
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, RobustScaler, StandardScaler

from qml import (
    AmplitudeMap,
    AngleScaler,
    BoltzmannClassifier,
    CircuitCentricClassifier,
    ConvolutionalClassifier,
    DressedClassifier,
    FidelityKernel,
    KitchenSinksClassifier,
    MetricLearningClassifier,
    NetworkClassifier,
    NetworkRegressor,
    ProjectedKernel,
    QuantumGaussianProcessClassifier,
    QuantumGaussianProcessRegressor,
    QuantumKernelClassifier,
    QuantumKernelRegressor,
    QuantumKernelRidge,
    QuantumModel,
    QubitReducer,
    ReservoirClassifier,
    ReuploadingClassifier,
    ReuploadingRegressor,
    VariationalClassifier,
    VariationalRegressor,
)
from qml.kernels import RBF, Linear, Polynomial, TrainedKernel
from qml.layers import Dense, Dropout, Quantum, Quanvolution, ReLU, Sequential, Sigmoid, Tanh
from qml.models.layered import layered_model

IRIS, SPECIES = load_iris(return_X_y=True)
BINARY = SPECIES[:100]
WORDS = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
DIABETES, PROGRESS = (part[:80] for part in load_diabetes(return_X_y=True))
DIABETES = DIABETES[:, :4]

short = partial(VariationalClassifier, epochs=2, random_state=0)


def probabilities_network():
    circuit = layered_model("angle", "basic", 3, 2).circuit
    inputs = [p for p in circuit.parameters if p.name.startswith("x")]
    weights = [p for p in circuit.parameters if not p.name.startswith("x")]
    model = QuantumModel(circuit, inputs, weights, outputs="probabilities", qubits=[2, 0])
    return Sequential(Dense(None, 3), Tanh(), Dropout(0.2), Quantum(model), ReLU(), Dense(4, 3), Sigmoid(), Dense())


def convolution():
    layer = Quanvolution(layered_model("angle", "basic", 4, 1), image_shape=(4, 4), kernel_size=2)
    return NetworkClassifier(Sequential(layer, Dense()), epochs=2, random_state=0)


def padded(X):
    return np.hstack([X, np.random.default_rng(0).normal(size=(len(X), 7))])


def images(X):
    return np.random.default_rng(0).normal(size=(len(X), 16))


def composite():
    """A kernel with all operators, quantum and classical parts, and diagonals that depend on the sample."""
    projected = ProjectedKernel("angle", outer="linear")
    return (0.5 * FidelityKernel("zz", bandwidth=0.3) + RBF() * projected) ** 3 + 0.1 * Linear()


process = partial(QuantumGaussianProcessClassifier, random_state=0)

CLASSIFIERS = {
    "eleven qubits": lambda: short("angle", n_qubits=11, n_layers=1, epochs=1).fit(padded(IRIS[40:60]), SPECIES[40:60]),
    "multiclass": lambda: short().fit(IRIS, WORDS),
    "binary": lambda: short().fit(IRIS[:100], BINARY),
    "zz": lambda: short("zz", loss="hinge").fit(IRIS, SPECIES),
    "labels": lambda: short().fit(IRIS, np.column_stack([SPECIES > 0, SPECIES > 1]).astype(int)),
    "reuploading": lambda: short("reuploading", n_layers=3).fit(IRIS, SPECIES),
    "amplitude": lambda: short("amplitude").fit(IRIS, SPECIES),
    "copies of amplitudes": lambda: short(AmplitudeMap(copies=2), n_qubits=4).fit(IRIS, SPECIES),
    "circuit-centric": lambda: CircuitCentricClassifier(epochs=2, random_state=0).fit(IRIS, SPECIES),
    "convolutional": lambda: ConvolutionalClassifier(epochs=2, random_state=0).fit(IRIS, SPECIES),
    "trained scales": lambda: ReuploadingClassifier(n_layers=2, epochs=2, random_state=0).fit(IRIS, SPECIES),
    "fidelity cost": lambda: ReuploadingClassifier(2, 2, loss="fidelity", epochs=2, random_state=0).fit(IRIS, SPECIES),
    "dressed": lambda: DressedClassifier(epochs=2, random_state=0).fit(IRIS, SPECIES),
    "fidelity kernel": lambda: QuantumKernelClassifier(random_state=0).fit(IRIS, SPECIES),
    "product kernel": lambda: QuantumKernelClassifier(feature_map="angle", random_state=0).fit(IRIS, SPECIES),
    "projected kernel": lambda: QuantumKernelClassifier("projected", feature_map="angle").fit(IRIS, SPECIES),
    "laplacian": lambda: QuantumKernelClassifier(ProjectedKernel("zz", outer="laplacian")).fit(IRIS[:100], BINARY),
    "rbf": lambda: QuantumKernelClassifier("rbf", probability=False).fit(IRIS, SPECIES),
    "polynomial": lambda: QuantumKernelClassifier("polynomial").fit(IRIS, SPECIES),
    "composite kernel": lambda: QuantumKernelClassifier(composite()).fit(IRIS, SPECIES),
    "trained composite": lambda: QuantumKernelClassifier(
        TrainedKernel(FidelityKernel("angle") * Polynomial(2), epochs=1, random_state=0), probability=False
    ).fit(IRIS, SPECIES),
    "processes": lambda: process().fit(IRIS[::3], WORDS[::3]),
    "process": lambda: process("projected").fit(IRIS[:100:2], BINARY[::2]),
    "process of a sum": lambda: process(composite()).fit(IRIS[::3], SPECIES[::3]),
    "boltzmann": lambda: BoltzmannClassifier(epochs=2, random_state=0).fit(IRIS, SPECIES),
    "boltzmann of pairs": lambda: BoltzmannClassifier(3, "all", epochs=2, random_state=0).fit(IRIS[:100], BINARY),
    "boltzmann of products": lambda: BoltzmannClassifier(5, "half", entangled=False, epochs=2, random_state=0).fit(
        IRIS, SPECIES
    ),
    "metric learning": lambda: MetricLearningClassifier(epochs=2, random_state=0).fit(IRIS, WORDS),
    "metric of components": lambda: MetricLearningClassifier(n_qubits=2, epochs=2, random_state=0).fit(
        IRIS[:100], BINARY
    ),
    "metric of products": lambda: MetricLearningClassifier(entangled=False, epochs=2, random_state=0).fit(
        IRIS, SPECIES
    ),
    "kitchen sinks": lambda: KitchenSinksClassifier(n_components=32, random_state=0).fit(IRIS, SPECIES),
    "reservoir": lambda: ReservoirClassifier(random_state=0).fit(IRIS, SPECIES),
    "pipeline": lambda: make_pipeline(
        StandardScaler(), PCA(3, whiten=True), MinMaxScaler((-1, 1), clip=True), short()
    ).fit(IRIS, SPECIES),
    "angles": lambda: make_pipeline(
        make_pipeline(RobustScaler(), AngleScaler()), QubitReducer(3), short(scale_features=False)
    ).fit(IRIS, WORDS),
    "one-hot": lambda: make_pipeline(
        OneHotEncoder(sparse_output=False, handle_unknown="ignore", drop="first"), QubitReducer(4), short()
    ).fit(np.round(IRIS), SPECIES),
    "quanvolution": lambda: convolution().fit(images(IRIS), SPECIES),
}

REGRESSORS = {
    "variational": lambda: VariationalRegressor(epochs=2, random_state=0).fit(DIABETES, PROGRESS),
    "two targets": lambda: VariationalRegressor(epochs=2, random_state=0).fit(
        DIABETES, np.column_stack([PROGRESS, -PROGRESS])
    ),
    "separate scales": lambda: ReuploadingRegressor(n_layers=2, encoding="separate", epochs=2, random_state=0).fit(
        DIABETES, PROGRESS
    ),
    "probabilities": lambda: NetworkRegressor(probabilities_network(), epochs=2, random_state=0).fit(
        DIABETES, PROGRESS
    ),
    "support vectors": lambda: QuantumKernelRegressor().fit(DIABETES, PROGRESS),
    "gaussian process": lambda: QuantumGaussianProcessRegressor().fit(DIABETES, PROGRESS),
    "ridge": lambda: QuantumKernelRidge("projected").fit(DIABETES, PROGRESS),
}


@cache
def fitted(name):
    """Fit a model once per process."""
    return (CLASSIFIERS | REGRESSORS)[name]()


def decisions(model, samples):
    """Return decision values; of a model with nothing but probabilities, these, or the difference of two."""
    if hasattr(model, "decision_function"):
        return model.decision_function(samples)
    probabilities = model.predict_proba(samples)
    return probabilities if probabilities.shape[1] > 2 else probabilities[:, 1] - probabilities[:, 0]


def unseen(name):
    """Return samples near the training data of a model."""
    data = DIABETES if name in REGRESSORS else IRIS
    if name == "quanvolution":
        return images(IRIS)[::-1] + 0.1
    if name == "eleven qubits":
        return padded(IRIS[::-4])
    if name == "one-hot":
        return np.round(IRIS[::-1])
    return data + np.random.default_rng(1).normal(0, 0.05, data.shape) * data.std(axis=0)
