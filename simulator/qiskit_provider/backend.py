"""The engine as a Qiskit backend."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.providers import BackendV2, Options
from qiskit.result import Result
from qiskit.result.models import ExperimentResult, ExperimentResultData
from qiskit.transpiler import CouplingMap, Target

from simulator.calculations.sampling import checked_shots
from simulator.errors import CircuitError, ParameterError
from simulator.noise import NoiseModel
from simulator.qiskit_provider.job import QumbaJob
from simulator.qiskit_provider.preparation import PreparedCircuit, prepare_all
from simulator.qiskit_provider.sampling import Outcomes, sample
from simulator.qiskit_provider.targets import make_target

__all__ = ["QumbaBackend"]


class QumbaBackend(BackendV2):
    """This engine as a Qiskit ``BackendV2``.

    Circuits need not be transpiled: gates that are not in the target are taken by their definition, and qubits that
    nothing happens to cost nothing, so circuits laid out for a large device run too.

    Parameters
    ----------
    num_qubits : int, optional
        The width to show the transpiler; by default that of the coupling map, or any.
    basis_gates : sequence of str, optional
        Qiskit's names; by default all standard gates.
    coupling_map : CouplingMap, or iterable of pairs of qubits, optional
        Where two-qubit gates may act; anywhere by default.
    noise : NoiseModel, optional
    **options
        Defaults of `run`: ``shots``, ``memory``, ``seed_simulator``.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> bell = QuantumCircuit(2)
    >>> _ = bell.h(0), bell.cx(0, 1), bell.measure_all()
    >>> QumbaBackend(seed_simulator=1).run(bell, shots=100).result().get_counts()
    {'00': 47, '11': 53}
    """

    def __init__(
        self,
        num_qubits: int | None = None,
        basis_gates: Sequence[str] | None = None,
        *,
        coupling_map: CouplingMap | Iterable[Any] | None = None,
        noise: NoiseModel | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            name="qumba",
            description="batched statevector simulator",
            backend_version=metadata.version("qumba"),
            **options,
        )
        self._noise = noise
        self._target = make_target(num_qubits, basis_gates, coupling_map)

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, memory=False, seed_simulator=None)

    @property
    def target(self) -> Target:
        """What the transpiler may use."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """No limit."""
        return None

    @property
    def noise(self) -> NoiseModel | None:
        """The noise model."""
        return self._noise

    def run(self, run_input: QuantumCircuit | Iterable[QuantumCircuit], **options: Any) -> QumbaJob:
        """Simulate circuits.

        Parameters
        ----------
        run_input : QuantumCircuit or iterable of them
        **options
            ``shots`` (1024); ``memory`` (False): each shot in the result beside the counts; ``seed_simulator`` (None):
            each circuit begins with it.

        Returns
        -------
        QumbaJob
            Running.

        Raises
        ------
        UnsupportedCircuitError
            If a circuit cannot be simulated.
        CircuitError
            If a circuit is wider than the backend.
        ParameterError
            If a circuit has free parameters.
        ValueError
            If the shots are not a positive whole number.
        """
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        chosen = dict(self.options.__dict__)
        for name, value in options.items():
            if name in chosen:
                chosen[name] = value
            else:
                warnings.warn(f"option {name} is not one of this backend's: {', '.join(chosen)}", stacklevel=2)
        shots, seed, memory = checked_shots(chosen["shots"]), chosen["seed_simulator"], bool(chosen["memory"])
        prepared = prepare_all(circuits)
        for circuit in circuits:
            self._check(circuit)
        job = QumbaJob(self, lambda job_id: self._simulate(job_id, circuits, prepared, shots, seed, memory))
        job.submit()
        return job

    def _check(self, circuit: QuantumCircuit) -> None:
        if self.num_qubits is not None and circuit.num_qubits > self.num_qubits:
            raise CircuitError(
                f"circuit {circuit.name!r} has {circuit.num_qubits} qubits, the backend {self.num_qubits}"
            )
        if circuit.num_parameters:
            names = ", ".join(parameter.name for parameter in circuit.parameters)
            raise ParameterError(f"circuit {circuit.name!r} has no values for {names}; assign_parameters binds them")

    def _simulate(
        self,
        job_id: str,
        circuits: list[QuantumCircuit],
        prepared: list[PreparedCircuit],
        shots: int,
        seed: Any,
        memory: bool,
    ) -> Result:
        begin = time.perf_counter()
        nothing = np.zeros((1, 0))
        found = sample(prepared, [nothing] * len(circuits), [shots] * len(circuits), seed, self._noise)
        results = [
            _experiment(circuit, outcomes, shots, seed, memory)
            for circuit, outcomes in zip(circuits, found, strict=True)
        ]
        return Result(
            backend_name=self.name,
            backend_version=self.backend_version,
            job_id=job_id,
            success=True,
            status="COMPLETED",
            results=results,
            time_taken=time.perf_counter() - begin,
        )


def _experiment(circuit: QuantumCircuit, outcomes: Outcomes, shots: int, seed: Any, memory: bool) -> ExperimentResult:
    data: dict[str, Any] = {}
    if circuit.num_clbits:
        packed = outcomes.packed(range(circuit.num_clbits))[0]
        numbers = [hex(int.from_bytes(row, "big")) for row in packed]
        data["counts"] = dict(sorted(Counter(numbers).items(), key=lambda item: int(item[0], 16)))
        if memory:
            data["memory"] = numbers
    header = {
        "name": circuit.name,
        "n_qubits": circuit.num_qubits,
        "memory_slots": circuit.num_clbits,
        "qreg_sizes": [[register.name, register.size] for register in circuit.qregs],
        "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
        "global_phase": circuit.global_phase,
        "metadata": circuit.metadata or {},
    }
    return ExperimentResult(
        shots=shots,
        success=True,
        status="DONE",
        data=ExperimentResultData(**data),
        seed=seed,
        header=header,
    )
