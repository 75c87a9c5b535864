"""The Gram matrix of the ZZ feature map (two repetitions, full entanglement), as each library does it best.

Each function takes samples, shape (n_samples, n_qubits), and returns a function without arguments that computes the
matrix from them, NumPy to NumPy.
"""

import itertools

import numpy as np


def pairs(n):
    return list(itertools.combinations(range(n), 2))


def fidelities(states):
    """Return |S S^H|^2 in NumPy."""
    overlaps = states @ states.conj().T
    return overlaps.real**2 + overlaps.imag**2


def ours(X):
    from qml import FidelityKernel

    kernel = FidelityKernel("zz", reps=2)
    return lambda: kernel(X)


def ours_single(X):
    from qml import FidelityKernel

    kernel = FidelityKernel("zz", reps=2, precision="single")
    return lambda: kernel(X)


def pennylane_jax(X, broadcast=True):
    import jax
    import jax.numpy as jnp
    import pennylane as qml

    jax.config.update("jax_enable_x64", True)
    n = X.shape[1]

    @qml.qnode(qml.device("default.qubit", wires=n), interface="jax")
    def state(x):
        for _ in range(2):
            for q in range(n):
                qml.Hadamard(q)
                qml.PhaseShift(2 * x[..., q], q)
            for a, b in pairs(n):
                angle = 2 * (jnp.pi - x[..., a]) * (jnp.pi - x[..., b])
                qml.IsingZZ(angle, [a, b])
        return qml.state()

    @jax.jit
    def gram(X):
        states = state(X) if broadcast else jax.vmap(state)(X)
        overlaps = states @ states.conj().T
        return overlaps.real**2 + overlaps.imag**2

    given = jnp.asarray(X)
    return lambda: np.asarray(gram(given))


def pennylane_jax_vmap(X):
    return pennylane_jax(X, broadcast=False)


def qulacs(X):
    import qulacs as library

    n = X.shape[1]
    circuit = library.ParametricQuantumCircuit(n)
    for _ in range(2):
        for q in range(n):
            circuit.add_H_gate(q)
        for q in range(n):
            circuit.add_parametric_RZ_gate(q, 0.0)
        for pair in pairs(n):
            circuit.add_parametric_multi_Pauli_rotation_gate(list(pair), [3, 3], 0.0)
    state = library.QuantumState(n)
    first, second = np.array(pairs(n)).T

    def step():
        angles = -2 * np.concatenate([X, (np.pi - X[:, first]) * (np.pi - X[:, second])], axis=1)
        angles = np.tile(angles, (1, 2))
        states = np.empty((len(X), 1 << n), complex)
        for row, values in enumerate(angles.tolist()):
            for slot, value in enumerate(values):
                circuit.set_parameter(slot, value)
            state.set_zero_state()
            circuit.update_quantum_state(state)
            states[row] = state.get_vector()
        return fidelities(states)

    return step


def qiskit_ml(X):
    from qiskit.circuit.library import zz_feature_map
    from qiskit_machine_learning.kernels import FidelityStatevectorKernel

    feature_map = zz_feature_map(X.shape[1], reps=2)

    def step():  # a new kernel each time: its cache of states must not outlive the call
        return FidelityStatevectorKernel(feature_map=feature_map, cache_size=len(X)).evaluate(X)

    return step


def blas(X):
    """Return the bare matrix product of states that are there already: what no implementation with BLAS can beat."""
    rng = np.random.default_rng(0)
    states = rng.normal(size=(len(X), 1 << X.shape[1])) + 1j * rng.normal(size=(len(X), 1 << X.shape[1]))
    return lambda: states @ states.conj().T
