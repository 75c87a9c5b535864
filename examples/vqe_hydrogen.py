"""The ground state of the hydrogen molecule
=========================================

The variational quantum eigensolver finds the energy of H2 at a bond length of 0.7414 Å with one gate: the double
excitation mixes the Hartree-Fock state with both electrons lifted (arXiv:2104.05695; coefficients in STO-3G, by the
Jordan-Wigner transformation).

Run with `python examples/vqe_hydrogen.py`.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

from qumba import Circuit, Parameter, X, Y, Z, gates

hamiltonian = (
    -0.04207897647782277
    + 0.17771287465139946 * (Z(0) + Z(1))
    - 0.24274280513140462 * (Z(2) + Z(3))
    + 0.17059738328801055 * Z(0) @ Z(1)
    + 0.17627640804319591 * Z(2) @ Z(3)
    + 0.12293305056183797 * (Z(0) @ Z(2) + Z(1) @ Z(3))
    + 0.16768319457718960 * (Z(0) @ Z(3) + Z(1) @ Z(2))
    + 0.04475014401535163 * (Y(0) @ X(1) @ X(2) @ Y(3) - Y(0) @ Y(1) @ X(2) @ X(3))
    + 0.04475014401535163 * (X(0) @ Y(1) @ Y(2) @ X(3) - X(0) @ X(1) @ Y(2) @ Y(3))
)

theta = Parameter("theta")
circuit = (
    Circuit(4).x([0, 1]).append(gates.DOUBLE_EXCITATION(theta, 0, 1, 2, 3))
)  # two electrons, in the lowest orbitals

path = [0.0]
optimum = minimize(
    lambda angles: circuit.expectation_and_gradient(hamiltonian, angles),
    path,
    jac=True,
    callback=lambda angles: path.append(angles[0]),
)
exact = np.linalg.eigvalsh(hamiltonian.matrix(4))[0]
print(f"Hartree-Fock     {circuit.expectation(hamiltonian, [0.0]):.6f} hartree")
print(f"one excitation   {optimum.fun:.6f} hartree, theta = {optimum.x[0]:.4f}, {optimum.nfev} evaluations")
print(f"exact            {exact:.6f} hartree")

angles = np.linspace(-1, 1.5, 101)
plt.plot(angles, circuit.expectation(hamiltonian, angles[:, None]), label="energy of the circuit")
plt.plot(path, circuit.expectation(hamiltonian, np.array(path)[:, None]), "o-", label="steps of BFGS")
plt.axhline(exact, color="grey", linestyle=":", label="exact ground state")
plt.xlabel("angle of the double excitation (radians)")
plt.ylabel("energy (hartree)")
plt.legend()
plt.show()
