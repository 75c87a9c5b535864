"""The engine as a Qiskit backend."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
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
from simulator.noise.model import checked_noise
from simulator.qiskit_provider.job import QumbaJob
from simulator.qiskit_provider.preparation import PreparedCircuit, prepare_all
from simulator.qiskit_provider.sampling import Outcomes, sample
from simulator.qiskit_provider.targets import make_target
from simulator.version import library_version

__all__ = ["QumbaBackend"]


class QumbaBackend(BackendV2):
    """This engine as a Qiskit ``BackendV2``.

    Circuits need not be transpiled: gates that are not in the target are replaced by their definition. Idle qubits cost
    nothing, so circuits laid out for a large device run too.

    Parameters
    ----------
    num_qubits : int, optional
        Number of qubits that the transpiler sees; by default that of the coupling map, or unlimited.
    basis_gates : sequence of str, optional
        Qiskit's names of the gates; by default all standard gates.
    coupling_map : CouplingMap, or iterable of pairs of qubits, optional
        Pairs on which two-qubit gates may act; by default all.
    noise : NoiseModel, optional
        Noise of gates and readout.
    **options
        Defaults for `run`: ``shots``, ``memory``, ``seed_simulator``.

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
            backend_version=library_version(),
            **options,
        )
        checked_noise(noise)
        self._noise = noise
        self._target = make_target(num_qubits, basis_gates, coupling_map)

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, memory=False, seed_simulator=None)

    @property
    def target(self) -> Target:
        """Instructions that the transpiler may use."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """Maximum number of circuits per job: no limit."""
        return None

    @property
    def noise(self) -> NoiseModel | None:
        """Noise model, or None."""
        return self._noise

    def run(self, run_input: QuantumCircuit | Iterable[QuantumCircuit], **options: Any) -> QumbaJob:
        """Simulate circuits.

        Parameters
        ----------
        run_input : QuantumCircuit or iterable of them
        **options
            ``shots`` (1024); ``memory`` (False): whether the result lists each shot besides the counts;
            ``seed_simulator`` (None): seed with which each circuit starts.

        Returns
        -------
        QumbaJob
            Job, already running.

        Raises
        ------
        UnsupportedCircuitError
            If a circuit cannot be simulated.
        CircuitError
            If a circuit has more qubits than the backend.
        ParameterError
            If a circuit has free parameters.
        ValueError
            If the shots are not a positive integer.
        """
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        settings = dict(self.options.__dict__)
        for name, value in options.items():
            if name in settings:
                settings[name] = value
            else:
                warnings.warn(f"this backend has no option {name}, only {', '.join(settings)}", stacklevel=2)
        shots, seed, memory = checked_shots(settings["shots"]), settings["seed_simulator"], bool(settings["memory"])
        prepared = prepare_all(circuits)
        for circuit in circuits:
            self._check(circuit)
        job = QumbaJob(self, lambda job_id: self._simulate(job_id, circuits, prepared, shots, seed, memory))
        job.submit()
        return job

    def _check(self, circuit: QuantumCircuit) -> None:
        if self.num_qubits is not None and circuit.num_qubits > self.num_qubits:
            raise CircuitError(
                f"circuit {circuit.name!r} has {circuit.num_qubits} qubits, the backend has {self.num_qubits}"
            )
        if circuit.num_parameters:
            names = ", ".join(parameter.name for parameter in circuit.parameters)
            raise ParameterError(
                f"circuit {circuit.name!r} has no values for {names}; bind them with assign_parameters"
            )

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
        no_values = np.zeros((1, 0))
        samples = sample(prepared, [no_values] * len(circuits), [shots] * len(circuits), seed, self._noise)
        results = [
            _experiment(circuit, outcomes, shots, seed, memory)
            for circuit, outcomes in zip(circuits, samples, strict=True)
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
