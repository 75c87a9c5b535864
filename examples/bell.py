"""A Bell state
============

Two qubits that always agree.

Run with `python examples/bell.py`.
"""

import matplotlib.pyplot as plt
import numpy as np

from qumba import Circuit, Parameter, X, Z

bell = Circuit(2).h(0).cx(0, 1)
print(bell)

print("\namplitudes of 00, 01, 10, 11:", bell.statevector().round(4))
print("probabilities:               ", bell.probabilities().round(4))
print("a thousand measurements:     ", bell.sample(shots=1000, seed=7))

# The qubits agree along both axes, Z and X, and each on its own is a fair coin.
for name, observable in (("ZZ", Z(0) @ Z(1)), ("XX", X(0) @ X(1)), ("Z0", Z(0))):
    print(f"<{name}> = {bell.expectation(observable):+.4f}")

# The more one qubit is rotated before the measurement, the less the two agree along Z.
theta = Parameter("theta")
rotated = bell.ry(theta, 0)
for angle in (0.0, 0.5, 1.0, 1.5):
    agreement, slope = rotated.expectation_and_gradient(Z(0) @ Z(1), {theta: angle})
    print(f"rotated by {angle:.1f}: <ZZ> = {agreement:+.4f}, slope {slope[0]:+.4f}")

angles = np.linspace(0, 2 * np.pi, 101)
for name, observable in (("ZZ", Z(0) @ Z(1)), ("XX", X(0) @ X(1)), ("Z0", Z(0))):
    plt.plot(angles, rotated.expectation(observable, angles[:, None]), label=f"<{name}>")
plt.xlabel("rotation of one qubit (radians)")
plt.ylabel("expectation")
plt.legend()
plt.show()
