"""QNodes and operations that the tests of the PennyLane device share."""

import numpy as np
import pennylane as qml
from pennylane import numpy as pnp

EXACT = 1e-12
WIRES = ["a", 3, -1, "b"]  # on purpose no integers from 0


def state_of_seed(seed, size):
    rng = np.random.default_rng(seed)
    vector = rng.normal(size=size) + 1j * rng.normal(size=size)
    return vector / np.linalg.norm(vector)


def hermitian(seed, size):
    matrix = np.random.default_rng(seed).normal(size=(2, size, size))
    return (matrix[0] + 1j * matrix[1]) + (matrix[0] + 1j * matrix[1]).conj().T


ANGLED = [
    qml.RX(0.3, 3),
    qml.RY(0.3, "a"),
    qml.RZ(0.3, -1),
    qml.PhaseShift(0.3, "b"),
    qml.U1(0.3, 3),
    qml.U2(0.3, 0.7, 3),
    qml.U3(0.3, 0.7, 1.1, "a"),
    qml.Rot(0.3, 0.7, 1.1, -1),
    qml.CRX(0.3, ["b", "a"]),
    qml.CRY(0.3, ["a", 3]),
    qml.CRZ(0.3, [3, -1]),
    qml.CRot(0.3, 0.7, 1.1, ["b", 3]),
    qml.ControlledPhaseShift(0.3, ["a", "b"]),
    qml.CPhaseShift01(0.3, ["a", "b"]),
    qml.IsingXX(0.3, ["a", -1]),
    qml.IsingYY(0.3, ["a", -1]),
    qml.IsingZZ(0.3, ["a", -1]),
    qml.IsingXY(0.3, ["b", 3]),
    qml.PSWAP(0.3, ["b", 3]),
    qml.MultiRZ(0.3, ["b", 3, "a"]),
    qml.PauliRot(0.3, "XIYZ", WIRES),
    qml.PauliRot(0.3, "II", ["a", 3]),
    qml.GlobalPhase(0.3),
    qml.SingleExcitation(0.3, ["b", "a"]),
    qml.SingleExcitationPlus(0.3, ["b", "a"]),
    qml.SingleExcitationMinus(0.3, ["b", "a"]),
    qml.DoubleExcitation(0.3, [3, "b", "a", -1]),
    qml.DoubleExcitationPlus(0.3, [3, "b", "a", -1]),
    qml.DoubleExcitationMinus(0.3, [3, "b", "a", -1]),
    qml.FermionicSWAP(0.3, [3, "b"]),
    qml.OrbitalRotation(0.3, [3, "b", "a", -1]),
    qml.adjoint(qml.CRot(0.3, 0.7, 1.1, ["b", 3])),
    qml.ctrl(qml.Rot(0.3, 0.7, 1.1, "a"), ["b", 3], control_values=[0, 1]),
    qml.ctrl(qml.GlobalPhase(0.3), ["b", 3]),
    qml.ctrl(qml.adjoint(qml.PauliRot(0.3, "XY", ["a", 3])), "b"),
    qml.pow(qml.RX(0.3, 3), 1.5),
    qml.exp(qml.X("a") @ qml.Y(3), 0.3j),
]


def layers(x, w):
    for k, wire in enumerate(WIRES):
        qml.RY(x[..., k], wires=wire)
    for k, wire in enumerate(WIRES):
        qml.Rot(*w[k], wires=wire)
        qml.CNOT(wires=[wire, WIRES[(k + 1) % 4]])
    return [qml.expval(qml.Z(3)), qml.expval(qml.X("a") @ qml.X("b"))]


def random_values(samples=None, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (samples, 4) if samples else 4)
    return pnp.array(x, requires_grad=True), pnp.array(rng.uniform(-2, 2, (4, 3)), requires_grad=True)
