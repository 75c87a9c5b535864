# Written by `python -m simulator.circuit.gate_stub`, from gates.STANDARD.

from collections.abc import Iterable
from typing import Self

from simulator.gates import Angle

_Qubits = int | Iterable[int]

__all__ = ["StandardGates"]

class StandardGates:
    """Base class of `Circuit` with a method for each gate of ``gates.STANDARD``."""

    def id(self, qubit: _Qubits) -> Self:
        """Append the gate id; its matrix is ``gates.ID.matrix``."""

    def x(self, qubit: _Qubits) -> Self:
        """Append the gate x; its matrix is ``gates.X.matrix``."""

    def y(self, qubit: _Qubits) -> Self:
        """Append the gate y; its matrix is ``gates.Y.matrix``."""

    def z(self, qubit: _Qubits) -> Self:
        """Append the gate z; its matrix is ``gates.Z.matrix``."""

    def h(self, qubit: _Qubits) -> Self:
        """Append the gate h; its matrix is ``gates.H.matrix``."""

    def s(self, qubit: _Qubits) -> Self:
        """Append the gate s; its matrix is ``gates.S.matrix``."""

    def sdg(self, qubit: _Qubits) -> Self:
        """Append the gate sdg; its matrix is ``gates.SDG.matrix``."""

    def t(self, qubit: _Qubits) -> Self:
        """Append the gate t; its matrix is ``gates.T.matrix``."""

    def tdg(self, qubit: _Qubits) -> Self:
        """Append the gate tdg; its matrix is ``gates.TDG.matrix``."""

    def sx(self, qubit: _Qubits) -> Self:
        """Append the gate sx; its matrix is ``gates.SX.matrix``."""

    def sxdg(self, qubit: _Qubits) -> Self:
        """Append the gate sxdg; its matrix is ``gates.SXDG.matrix``."""

    def global_phase(self, theta: Angle) -> Self:
        """Append the gate global_phase with angles theta in radians; its matrix is ``gates.GLOBAL_PHASE.matrix``."""

    def rx(self, theta: Angle, qubit: _Qubits) -> Self:
        """Append the gate rx with angles theta in radians; its matrix is ``gates.RX.matrix``."""

    def ry(self, theta: Angle, qubit: _Qubits) -> Self:
        """Append the gate ry with angles theta in radians; its matrix is ``gates.RY.matrix``."""

    def rz(self, theta: Angle, qubit: _Qubits) -> Self:
        """Append the gate rz with angles theta in radians; its matrix is ``gates.RZ.matrix``."""

    def p(self, theta: Angle, control: _Qubits) -> Self:
        """Append the gate p with angles theta in radians; its matrix is ``gates.P.matrix``."""

    def r(self, theta: Angle, phi: Angle, qubit: _Qubits) -> Self:
        """Append the gate r with angles theta, phi in radians; its matrix is ``gates.R.matrix``."""

    def u(self, theta: Angle, phi: Angle, lam: Angle, qubit: _Qubits) -> Self:
        """Append the gate u with angles theta, phi, lam in radians; its matrix is ``gates.U.matrix``."""

    def swap(self, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate swap; its matrix is ``gates.SWAP.matrix``."""

    def iswap(self, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate iswap; its matrix is ``gates.ISWAP.matrix``."""

    def ecr(self, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate ecr; its matrix is ``gates.ECR.matrix``."""

    def dcx(self, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate dcx; its matrix is ``gates.DCX.matrix``."""

    def rxx(self, theta: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate rxx with angles theta in radians; its matrix is ``gates.RXX.matrix``."""

    def ryy(self, theta: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate ryy with angles theta in radians; its matrix is ``gates.RYY.matrix``."""

    def rzz(self, theta: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate rzz with angles theta in radians; its matrix is ``gates.RZZ.matrix``."""

    def rzx(self, theta: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate rzx with angles theta in radians; its matrix is ``gates.RZX.matrix``."""

    def xx_minus_yy(self, theta: Angle, phi: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate xx_minus_yy with angles theta, phi in radians; its matrix is ``gates.XX_MINUS_YY.matrix``."""

    def xx_plus_yy(self, theta: Angle, phi: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate xx_plus_yy with angles theta, phi in radians; its matrix is ``gates.XX_PLUS_YY.matrix``."""

    def cx(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate cx; its matrix is ``gates.CX.matrix``."""

    def cy(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate cy; its matrix is ``gates.CY.matrix``."""

    def cz(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate cz; its matrix is ``gates.CZ.matrix``."""

    def ch(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate ch; its matrix is ``gates.CH.matrix``."""

    def cs(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate cs; its matrix is ``gates.CS.matrix``."""

    def csdg(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate csdg; its matrix is ``gates.CSDG.matrix``."""

    def csx(self, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate csx; its matrix is ``gates.CSX.matrix``."""

    def crx(self, theta: Angle, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate crx with angles theta in radians; its matrix is ``gates.CRX.matrix``."""

    def cry(self, theta: Angle, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate cry with angles theta in radians; its matrix is ``gates.CRY.matrix``."""

    def crz(self, theta: Angle, control: _Qubits, target: _Qubits) -> Self:
        """Append the gate crz with angles theta in radians; its matrix is ``gates.CRZ.matrix``."""

    def cp(self, theta: Angle, control1: _Qubits, control2: _Qubits) -> Self:
        """Append the gate cp with angles theta in radians; its matrix is ``gates.CP.matrix``."""

    def cu(self, theta: Angle, phi: Angle, lam: Angle, gamma: Angle, qubit1: _Qubits, qubit2: _Qubits) -> Self:
        """Append the gate cu with angles theta, phi, lam, gamma in radians; its matrix is ``gates.CU.matrix``."""

    def ccx(self, control1: _Qubits, control2: _Qubits, target: _Qubits) -> Self:
        """Append the gate ccx; its matrix is ``gates.CCX.matrix``."""

    def ccz(self, control1: _Qubits, control2: _Qubits, target: _Qubits) -> Self:
        """Append the gate ccz; its matrix is ``gates.CCZ.matrix``."""

    def cswap(self, control: _Qubits, target1: _Qubits, target2: _Qubits) -> Self:
        """Append the gate cswap; its matrix is ``gates.CSWAP.matrix``."""

    def rccx(self, qubit1: _Qubits, qubit2: _Qubits, qubit3: _Qubits) -> Self:
        """Append the gate rccx; its matrix is ``gates.RCCX.matrix``."""
