"""The libraries of `benchmarks.large_states`, each in its own words.

An adapter takes the gates, the number of qubits, the precision and whether to derive, and returns a function that
does the work once. That returns the amplitudes or derivatives, or a function that fetches them out of the library.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.avx2 import import_qsimcirq


class Gate(NamedTuple):
    """A gate by name: h, cx, swap; rx, ry, rz, cp with an angle as its value; su4 with a matrix.

    First may stand ``state`` with the amplitudes to begin with. Libraries that keep a state get them once, before the
    first step, and go on from there.
    """

    name: str
    qubits: tuple[int, ...]
    value: Any = None


def begin_of(gates: list[Gate]) -> tuple[NDArray[np.complex128] | None, list[Gate]]:
    """The amplitudes to begin with, if not |0...0>, and the gates."""
    return (gates[0].value, gates[1:]) if gates[0].name == "state" else (None, gates)


def our_circuit(gates: list[Gate], n: int, gradient: bool) -> tuple[Any, list[float]]:
    """The circuit, and the values of its parameters if it is to be derived."""
    from simulator import Circuit, ParameterVector

    values: list[float] = []
    circuit, names = Circuit(n), iter(ParameterVector("t", sum(g.name in ("ry", "rz", "rx") for g in gates)))
    for gate in gates:
        if gate.name == "state":
            circuit = circuit.initialize(gate.value, gate.qubits)
        elif gate.name == "su4":
            circuit = circuit.unitary(gate.value, gate.qubits)
        elif gate.name == "cp":
            circuit = circuit.cp(gate.value, *gate.qubits)
        elif gate.value is not None:
            values.append(gate.value)
            circuit = getattr(circuit, gate.name)(next(names) if gradient else gate.value, *gate.qubits)
        else:
            circuit = getattr(circuit, gate.name)(*gate.qubits)
    return circuit, values


def ours(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """Our public interface."""
    from simulator import Z

    circuit, values = our_circuit(gates, n, gradient)
    if gradient:
        observable = sum((Z(q) for q in range(1, n)), Z(0))
        return lambda: circuit.gradient(observable, values)
    return lambda: circuit.statevector(precision=precision)


def qulacs(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """Qulacs with its light optimizer, which it recommends; its angles have the opposite sign."""
    import qulacs as library
    from qulacs.circuit import QuantumCircuitOptimizer

    if precision == "single":
        raise NotImplementedError("double precision only")
    begin, gates = begin_of(gates)
    circuit = library.ParametricQuantumCircuit(n) if gradient else library.QuantumCircuit(n)
    for gate in gates:
        if gate.name in ("rx", "ry", "rz"):
            kind = "parametric_" if gradient else ""
            getattr(circuit, f"add_{kind}{gate.name.upper()}_gate")(gate.qubits[0], -gate.value)
        elif gate.name == "cp":
            circuit.add_gate(library.gate.DiagonalMatrix(list(gate.qubits), [1, 1, 1, np.exp(1j * gate.value)]))
        elif gate.name == "su4":
            circuit.add_dense_matrix_gate(list(gate.qubits), gate.value)
        else:
            getattr(circuit, f"add_{ {'cx': 'CNOT', 'h': 'H', 'swap': 'SWAP'}[gate.name] }_gate")(*gate.qubits)
    if gradient:
        observable = library.Observable(n)
        for q in range(n):
            observable.add_operator(1.0, f"Z {q}")
        return lambda: -np.array(circuit.backprop(observable))
    QuantumCircuitOptimizer().optimize_light(circuit)
    state = library.QuantumState(n)
    if begin is not None:
        state.load(begin)

    def step() -> Any:
        if begin is None:
            state.set_zero_state()
        circuit.update_quantum_state(state)
        return state.get_vector

    return step


def scaluq(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """Qulacs's successor."""
    import scaluq as library

    kind = "f64" if precision == "double" else "f32"
    begin, gates = begin_of(gates)
    space, make = getattr(library.scaluq_core.default, kind), library.gate
    circuit, values = space.Circuit(n) if _takes_size(space.Circuit, n) else space.Circuit(), {}
    for k, gate in enumerate(gates):
        if gate.name in ("rx", "ry", "rz"):
            if gradient:
                values[f"t{k}"] = gate.value
                one = getattr(make, f"Param{gate.name.upper()}")(gate.qubits[0], precision=kind)
                circuit.add_param_gate(one, f"t{k}")
            else:
                circuit.add_gate(getattr(make, gate.name.upper())(gate.qubits[0], gate.value, precision=kind))
        elif gate.name == "cp":
            circuit.add_gate(make.U1(gate.qubits[1], gate.value, controls=[gate.qubits[0]], precision=kind))
        elif gate.name == "su4":
            circuit.add_gate(make.DenseMatrix(list(gate.qubits), gate.value, is_unitary=True, precision=kind))
        else:
            circuit.add_gate(
                getattr(make, {"cx": "CX", "h": "H", "swap": "Swap"}[gate.name])(*gate.qubits, precision=kind)
            )
    if gradient:
        observable = space.Operator([space.PauliOperator(f"Z {q}", 1.0) for q in range(n)])

        def derive() -> Any:
            found = circuit.compute_expectation_gradient(observable, values)
            return np.array([found[name] for name in values])

        return derive
    state = space.StateVector(n)
    if begin is not None:
        state.load(begin)

    def step() -> Any:
        if begin is None:
            state.set_zero_state()
        circuit.update_quantum_state(state)
        return lambda: np.array(state.get_amplitudes())

    return step


def _takes_size(kind: Any, n: int) -> bool:
    try:
        kind(n)
    except TypeError:
        return False
    return True


def aer(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """Qiskit Aer's statevector method, with gate fusion."""
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator

    if gradient:
        raise NotImplementedError("no gradients")
    begin, gates = begin_of(gates)
    circuit = QuantumCircuit(n)
    if begin is not None:
        circuit.set_statevector(begin)
    for gate in gates:
        if gate.name == "su4":
            circuit.unitary(gate.value, gate.qubits)
        elif gate.value is not None:
            getattr(circuit, gate.name)(gate.value, *gate.qubits)
        else:
            getattr(circuit, gate.name)(*gate.qubits)
    circuit.save_statevector()
    simulator = AerSimulator(method="statevector", precision=precision)

    def step() -> Any:
        found = simulator.run(circuit, shots=1).result()
        return lambda: np.asarray(found.get_statevector())

    return step


def qsim(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """qsim, which is single precision only; its qubit 0 is the highest bit of the index."""
    if gradient or precision == "double":
        raise NotImplementedError("states in single precision only")
    import cirq

    qsimcirq = import_qsimcirq()
    begin, gates = begin_of(gates)
    line = cirq.LineQubit.range(n)[::-1]  # so that bit q of the index is qubit q
    names = {"h": cirq.H, "cx": cirq.CNOT, "swap": cirq.SWAP}
    operations = []
    for gate in gates:
        qubits = [line[q] for q in gate.qubits]
        if gate.name == "su4":
            operations.append(cirq.MatrixGate(gate.value)(*qubits[::-1]))
        elif gate.name == "cp":
            operations.append(cirq.CZPowGate(exponent=gate.value / np.pi)(*qubits))
        elif gate.value is not None:
            operations.append(getattr(cirq, gate.name)(gate.value)(*qubits))
        else:
            operations.append(names[gate.name](*qubits))
    threads = int(os.environ["OMP_NUM_THREADS"])
    simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(cpu_threads=threads, max_fused_gate_size=3))
    circuit = cirq.Circuit(operations)
    begin = 0 if begin is None else begin.astype(np.complex64)

    def step() -> Any:
        found = simulator.simulate(circuit, qubit_order=line[::-1], initial_state=begin)
        return lambda: found.final_state_vector

    return step


def lightning(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """PennyLane's lightning.qubit; its wire 0 is the highest bit of the index."""
    import pennylane as qml

    begin, gates = begin_of(gates)
    kind = np.complex128 if precision == "double" else np.complex64
    device = qml.device("lightning.qubit", wires=n, c_dtype=kind)
    names = {"h": qml.Hadamard, "cx": qml.CNOT, "swap": qml.SWAP, "cp": qml.ControlledPhaseShift}
    names |= {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ}
    angles = qml.numpy.array([g.value for g in gates if isinstance(g.value, float)], requires_grad=True)

    def run(values: Any) -> None:
        k = 0
        if begin is not None:
            qml.StatePrep(begin, wires=range(n), validate_norm=False)
        for gate in gates:
            wires = [n - 1 - q for q in gate.qubits]
            if gate.name == "su4":
                qml.QubitUnitary(gate.value, wires=wires[::-1])
            elif gate.value is not None:
                names[gate.name](values[k], wires=wires)
                k += 1
            else:
                names[gate.name](wires=wires)

    if gradient:

        @qml.qnode(device, diff_method="adjoint")
        def energy(values: Any) -> Any:
            run(values)
            return qml.expval(qml.Hamiltonian([1.0] * n, [qml.PauliZ(q) for q in range(n)]))

        return lambda: np.array(qml.grad(energy)(angles))

    @qml.qnode(device, diff_method=None)
    def state() -> Any:
        run(angles)
        return qml.state()

    return lambda: np.asarray(state())


def mindquantum(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """MindQuantum's mqvector."""
    import mindquantum as library
    from mindquantum.core import gates as make
    from mindquantum.core.circuit import Circuit
    from mindquantum.core.operators import Hamiltonian, QubitOperator
    from mindquantum.simulator import Simulator

    begin, gates = begin_of(gates)
    kind = library.complex128 if precision == "double" else library.complex64
    circuit, values = Circuit(), []
    for gate in gates:
        if gate.name in ("rx", "ry", "rz"):
            angle = f"t{len(values)}" if gradient else gate.value
            circuit += getattr(make, gate.name.upper())(angle).on(gate.qubits[0])
            values.append(gate.value)
        elif gate.name == "cp":
            circuit += make.PhaseShift(gate.value).on(gate.qubits[1], gate.qubits[0])
        elif gate.name == "su4":
            circuit += make.UnivMathGate("su4", gate.value).on(list(gate.qubits))
        elif gate.name == "cx":
            circuit += make.X.on(gate.qubits[1], gate.qubits[0])
        else:
            circuit += {"h": make.H, "swap": make.SWAP}[gate.name].on(list(gate.qubits))
    simulator = Simulator("mqvector", n, dtype=kind)
    if gradient:
        observable = Hamiltonian(sum((QubitOperator(f"Z{q}") for q in range(n)), QubitOperator())).astype(kind)
        sweep = simulator.get_expectation_with_grad(observable, circuit)
        return lambda: sweep(np.array(values))[1].real.ravel()

    if begin is not None:
        simulator.set_qs(begin)

    def step() -> Any:
        if begin is None:
            simulator.reset()
        simulator.apply_circuit(circuit)
        return simulator.get_qs

    return step


def qibojit(gates: list[Gate], n: int, precision: str, gradient: bool) -> Callable[[], Any]:
    """Qibo with its numba backend and gate fusion; its qubit 0 is the highest bit of the index."""
    import qibo
    from qibo import gates as make

    if gradient:
        raise NotImplementedError("no adjoint gradients")
    begin, gates = begin_of(gates)
    qibo.set_backend("qibojit", platform="numba")
    qibo.set_dtype("complex128" if precision == "double" else "complex64")
    qibo.set_threads(int(os.environ["OMP_NUM_THREADS"]))
    names = {"h": make.H, "cx": make.CNOT, "swap": make.SWAP, "cp": make.CU1}
    names |= {"rx": make.RX, "ry": make.RY, "rz": make.RZ}
    circuit = qibo.Circuit(n)
    for gate in gates:
        qubits = [n - 1 - q for q in gate.qubits]
        if gate.name == "su4":
            circuit.add(make.Unitary(gate.value, *qubits[::-1]))
        elif gate.value is not None:
            circuit.add(names[gate.name](*qubits, gate.value))
        else:
            circuit.add(names[gate.name](*qubits))
    fused = circuit.fuse(max_qubits=2)
    return lambda: np.asarray(fused(None if begin is None else begin.copy()).state())


def least_work(gates: list[Gate], n: int, precision: str, gradient: bool = False) -> tuple[int, int]:
    """Bytes and operations that a workload needs at least, done our way.

    A read and a write of every amplitude a stage, of one state forwards and of two backwards; one write to begin with,
    and a read if amplitudes are given; operations as counted by `operations_of`. Smaller states than those that
    threads always share stay in the cache.
    """
    from simulator import Z
    from simulator.engines.numba.options import DEFAULT
    from simulator.engines.numba.sweeps import NumbaEngine
    from simulator.program.program import Program

    observables = (sum((Z(q) for q in range(1, n)), Z(0)),) if gradient else ()
    program = Program(our_circuit(gates, n, gradient)[0], observables, precision=precision)
    chosen = NumbaEngine().plan(program, 1)
    amplitude = 2 * program.dtype().itemsize
    each = 0
    if chosen.big and n >= DEFAULT.big_alone:
        each = (6 if gradient else 2) * len(chosen.tables.stages) * amplitude + amplitude
        each += 16 if program.starts else 0
    return each << n, operations_of(program, gradient)


def operations_of(program: Any, gradient: bool = False) -> int:
    """Real additions and multiplications on one state.

    For each amplitude, a rotation takes four (its cosine can be left to one factor at the end), a pass of phases six,
    a dense matrix on k qubits 8 * 2**k. Backwards, twice that for two states; a rotation's derivative takes five, the
    phases' three and a Walsh-Hadamard transform.
    """
    n, each = program.num_qubits, 0
    for level in program.schedule[1]:
        if level.kind == "dense":
            each += 8 * (3 if gradient else 1) << len(level.members[0].xs)
        elif level.kind == "phases":
            each += 6 + gradient * (12 + 3 + n)
        else:
            each += (4 + gradient * (8 + 5)) * len(level.members)
    return each << n
