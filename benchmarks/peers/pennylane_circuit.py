"""The workload's circuit as a PennyLane QNode; shared by the PennyLane adapters, not an adapter itself."""

import pennylane as qml


def qnode(workload, device, **options):
    """Return f(x, weights) -> <Z0>; extra options go to `qml.qnode`."""
    steps = workload.steps()
    gates = {"ry": qml.RY, "rz": qml.RZ}

    @qml.qnode(qml.device(device, wires=workload.n_qubits), **options)
    def f(x, weights):
        for gate, qubits, symbol in steps:
            if symbol is None:
                qml.CNOT(qubits)
            else:
                gates[gate]((x if symbol.kind == "feature" else weights)[..., symbol.index], qubits[0])
        return qml.expval(qml.Z(0))

    return f
