"""Every standard gate, declared once, under Qiskit's name and convention.

Little-endian: the first qubit is the least significant bit of the matrix. Controls come first. Radians.
"""

from __future__ import annotations

import math

import numpy as np

from simulator.gates.composites import Composite, Step
from simulator.gates.fixed import Fixed
from simulator.gates.rotations import PauliRotation, Rotation
from simulator.gates.trait import Gate, name_standard_gates

_X = np.array([[0, 1], [1, 0]], complex)
_Y = np.array([[0, -1j], [1j, 0]])
_Z = np.diag([1, -1]).astype(complex)
_HALF = 1 / math.sqrt(2)
_FLIP = [(0, -1.0), (1, 1.0)]  # invert the angle, keep the axis

ID = Fixed("id", np.eye(2))
X = Fixed("x", _X)
Y = Fixed("y", _Y)
Z = Fixed("z", _Z)
H = Fixed("h", (_X + _Z) * _HALF)
S = Fixed("s", np.diag([1, 1j]))
SDG = Fixed("sdg", np.diag([1, -1j]))
T = Fixed("t", np.diag([1, _HALF + _HALF * 1j]))
TDG = Fixed("tdg", np.diag([1, _HALF - _HALF * 1j]))
SX = Fixed("sx", np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]]) / 2)
SXDG = Fixed("sxdg", np.array([[1 - 1j, 1 + 1j], [1 + 1j, 1 - 1j]]) / 2)

GLOBAL_PHASE = Rotation("global_phase", [[-1]])
RX = Rotation("rx", _X / 2)
RY = Rotation("ry", _Y / 2)
RZ = Rotation("rz", _Z / 2)
P = GLOBAL_PHASE.controlled(name="p")
R = Composite(
    "r", 1, 2, [Step(RZ, (0,), ((0, -1),)), Step(RX, (0,), ((1, 0),)), Step(RZ, (0,), ((0, 1),))], undo=tuple(_FLIP)
)
U = Composite(
    "u",
    1,
    3,
    [Step(P, (0,), ((0, 0, 1),)), Step(RY, (0,), ((1, 0, 0),)), Step(P, (0,), ((0, 1, 0),))],
    undo=((0, -1.0), (2, -1.0), (1, -1.0)),
)

SWAP = Fixed("swap", np.eye(4)[[0, 2, 1, 3]])
ISWAP = Fixed("iswap", np.array([[1, 0, 0, 0], [0, 0, 1j, 0], [0, 1j, 0, 0], [0, 0, 0, 1]]))
ECR = Fixed("ecr", np.array([[0, 1, 0, 1j], [1, 0, -1j, 0], [0, 1j, 0, 1], [-1j, 0, 1, 0]]) * _HALF)
DCX = Fixed("dcx", np.eye(4)[[0, 3, 1, 2]])
RXX = PauliRotation("XX")
RYY = PauliRotation("YY")
RZZ = PauliRotation("ZZ")
RZX = PauliRotation("XZ", name="rzx")
XX_MINUS_YY = Composite(
    "xx_minus_yy",
    2,
    2,
    [
        Step(RZ, (1,), ((0, -1),)),
        Step(RXX, (0, 1), ((0.5, 0),)),
        Step(RYY, (0, 1), ((-0.5, 0),)),
        Step(RZ, (1,), ((0, 1),)),
    ],
    undo=tuple(_FLIP),
)
XX_PLUS_YY = Composite(
    "xx_plus_yy",
    2,
    2,
    [
        Step(RZ, (0,), ((0, 1),)),
        Step(RXX, (0, 1), ((0.5, 0),)),
        Step(RYY, (0, 1), ((0.5, 0),)),
        Step(RZ, (0,), ((0, -1),)),
    ],
    undo=tuple(_FLIP),
)

CX = X.controlled(name="cx")
CY = Y.controlled(name="cy")
CZ = Z.controlled(name="cz")
CH = H.controlled(name="ch")
CS = S.controlled(name="cs")
CSDG = SDG.controlled(name="csdg")
CSX = SX.controlled(name="csx")
CRX = RX.controlled(name="crx")
CRY = RY.controlled(name="cry")
CRZ = RZ.controlled(name="crz")
CP = P.controlled(name="cp")
CU = Composite(
    "cu",
    2,
    4,
    [
        Step(P, (0,), ((0, 0, 0, 1),)),
        Step(CP, (0, 1), ((0, 0, 1, 0),)),
        Step(CRY, (0, 1), ((1, 0, 0, 0),)),
        Step(CP, (0, 1), ((0, 1, 0, 0),)),
    ],
    undo=((0, -1.0), (2, -1.0), (1, -1.0), (3, -1.0)),
)
CCX = X.controlled(2, name="ccx")
CCZ = Z.controlled(2, name="ccz")
CSWAP = SWAP.controlled(name="cswap")
RCCX = Fixed(
    "rccx",
    np.array(
        [
            [1, 0, 0, 0, 0, 0, 0, 0],
            [0, 1, 0, 0, 0, 0, 0, 0],
            [0, 0, 1, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, -1j],
            [0, 0, 0, 0, 1, 0, 0, 0],
            [0, 0, 0, 0, 0, -1, 0, 0],
            [0, 0, 0, 0, 0, 0, 1, 0],
            [0, 0, 0, 1j, 0, 0, 0, 0],
        ]
    ),
)

STANDARD: dict[str, Gate] = {gate.name: gate for gate in list(globals().values()) if isinstance(gate, Gate)}
"""Every standard gate, by Qiskit's name."""

name_standard_gates(list(STANDARD.values()))
