"""A Bell state: two qubits that always agree.

Run with `python examples/bell.py`.
"""

from simulator import Circuit, Parameter, X, Z

bell = Circuit(2).h(0).cx(0, 1)
print(bell)

print("\namplitudes of 00, 01, 10, 11:", bell.statevector().round(4))
print("probabilities:               ", bell.probabilities().round(4))
print("a thousand measurements:     ", bell.sample(shots=1000, seed=7))

# The qubits agree whichever axis both are measured along, and each alone is a fair coin.
for name, observable in (("ZZ", Z(0) @ Z(1)), ("XX", X(0) @ X(1)), ("Z0", Z(0))):
    print(f"<{name}> = {bell.expectation(observable):+.4f}")

# Turning one qubit before it is measured trades agreement along Z for agreement along X.
theta = Parameter("theta")
turned = bell.ry(theta, 0)
for angle in (0.0, 0.5, 1.0, 1.5):
    agreement, slope = turned.expectation_and_gradient(Z(0) @ Z(1), {theta: angle})
    print(f"turned by {angle:.1f}: <ZZ> = {agreement:+.4f}, slope {slope[0]:+.4f}")
