"""Derivatives of functions of many samples' states, against central differences of independently made states."""

import numpy as np
import pytest
from qiskit.quantum_info import Statevector

from simulator import Circuit, ParameterVector, Z
from simulator.calculations.gradients import state_sweep
from simulator.calculations.statevector import states
from simulator.engines.trait import Engine
from simulator.program.program import Program


def circuit_of(n: int, amplitudes: bool) -> tuple[Circuit, ParameterVector, ParameterVector]:
    """Rotations before and after entanglement, a basis change with a flip, and gates with global phases."""
    x, w = ParameterVector("x", 2), ParameterVector("w", 4)
    circuit = Circuit(n)
    if amplitudes:
        circuit = circuit.initialize([x[0], x[1]], [0])
    circuit = circuit.h(0).ry(x[0], n - 1).rx(w[0], 0)
    for q in range(n - 1):
        circuit = circuit.cx(q, q + 1)
    circuit = circuit.x(0).p(w[1], n - 1).ry(2 * w[2] + x[1], 0).rz(w[0] - 0.3, n - 1)
    for q in range(n - 1):
        circuit = circuit.crz(w[3], q, q + 1)
    return circuit.cx(0, n - 1).ry(x[0], 0), x, w


def qiskit_states(circuit: Circuit, names: list[str], X: np.ndarray, weights: np.ndarray) -> np.ndarray:
    bound = [circuit.bind(dict(zip(names, [*row, *weights], strict=True))) for row in X]
    return np.array([Statevector(c.to_qiskit()).data for c in bound])


@pytest.mark.parametrize(("n", "samples"), [(2, 9), (3, 1), (4, 20), (6, 33), (9, 2)])
@pytest.mark.parametrize("amplitudes", [False, True])
def test_any_function_of_the_states(engine: Engine, n: int, samples: int, amplitudes: bool) -> None:
    rng = np.random.default_rng(n)
    circuit, x, w = circuit_of(n, amplitudes)
    X, weights = rng.uniform(0.5, 1.0, (samples, 2)), rng.normal(size=4)
    target = rng.normal(size=(samples, 1 << n)) + 1j * rng.normal(size=(samples, 1 << n))
    program = Program(circuit, (), x, w)
    if amplitudes:  # the states are prepared from normalised amplitudes
        X /= np.linalg.norm(X, axis=1, keepdims=True)

    def value(X: np.ndarray, weights: np.ndarray) -> float:
        psi = states(program, X, weights)
        return float((target.conj() * psi).sum().real + np.abs(psi[0] @ psi[-1].conj()) ** 2)

    reference = qiskit_states(circuit, [*x, *w], X, weights)
    np.testing.assert_allclose(states(program, X, weights), reference, atol=1e-12)

    def cotangent(psi: np.ndarray) -> np.ndarray:
        np.testing.assert_allclose(psi, reference, atol=1e-12)
        v = target.copy()
        overlap = np.vdot(psi[-1], psi[0])
        v[0] += 2 * overlap * psi[-1]
        v[-1] += 2 * overlap.conj() * psi[0]
        return v

    by_weights, by_inputs = state_sweep(program, X, weights, cotangent, inputs=True)
    step = 1e-6
    expected = [(value(X, weights + d) - value(X, weights - d)) / (2 * step) for d in step * np.eye(4)]
    np.testing.assert_allclose(by_weights, expected, atol=1e-7)
    assert by_inputs is not None
    for row, column in [(0, 0), (0, 1), (samples - 1, 0), (samples - 1, 1)]:
        d = np.zeros_like(X)
        d[row, column] = step
        slope = (value(X + d, weights) - value(X - d, weights)) / (2 * step)
        np.testing.assert_allclose(by_inputs[row, column], slope, atol=1e-7)


def test_big_states_and_single_precision(engine: Engine) -> None:
    n = 14
    circuit, x, w = circuit_of(n, amplitudes=False)
    X, weights = np.array([[0.3, -0.8]]), np.array([0.2, 0.5, -1.0, 0.7])
    target = np.random.default_rng(0).normal(size=(1, 1 << n)) / np.sqrt(1 << n)
    double = state_sweep(Program(circuit, (), x, w), X, weights, lambda states: target + 0j, inputs=True)
    single = state_sweep(Program(circuit, (), x, w, "single"), X, weights, lambda states: target + 0j, inputs=True)
    many = state_sweep(
        Program(circuit, (), x, w), X.repeat(2, 0), weights, lambda s: np.repeat(target + 0j, 2, 0), inputs=True
    )
    for a, b, c in zip(double, single, many, strict=True):
        assert a is not None
        assert b is not None
        assert c is not None
        np.testing.assert_allclose(a, b, atol=1e-4)
        np.testing.assert_allclose(c[:1] if c.ndim == 2 else c / 2, a, atol=1e-12)


def test_observables_are_refused() -> None:
    circuit, x, w = circuit_of(2, amplitudes=False)
    with pytest.raises(ValueError, match="without observables"):
        state_sweep(Program(circuit, [Z(0)], x, w), np.zeros((1, 2)), np.zeros(4), lambda states: states)
