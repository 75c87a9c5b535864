"""The engine as Qiskit's sampler primitive."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import numpy as np
from qiskit.primitives import BaseSamplerV2, DataBin, PrimitiveJob, PrimitiveResult, SamplerPubLike
from qiskit.primitives.containers import SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub

from simulator.calculations.sampling import checked_shots
from simulator.noise import NoiseModel
from simulator.noise.model import checked_noise
from simulator.operations.arguments import check_seed
from simulator.qiskit_provider.preparation import PreparedCircuit, prepare_all
from simulator.qiskit_provider.registers import RegisterShots
from simulator.qiskit_provider.sampling import Outcomes, Seed, sample

__all__ = ["Sampler"]


class Sampler(BaseSamplerV2):
    """Qiskit's ``SamplerV2`` on this engine; replaces ``StatevectorSampler``, with the same arguments.

    All circuits of a run that differ only in their angles are simulated in one call. Mid-circuit measurements, resets
    and if-tests are simulated too.

    Parameters
    ----------
    default_shots : int
        Number of shots if neither `run` nor the pub sets it.
    seed : int, numpy.random.Generator or None
        Seed of the shots. An int gives the same shots as ``StatevectorSampler``: each circuit and set of parameter
        values starts with this seed. A generator continues from one to the next.
    noise : NoiseModel, optional
        Noise of gates and readout.

    Examples
    --------
    >>> from qiskit import QuantumCircuit
    >>> bell = QuantumCircuit(2)
    >>> _ = bell.h(0), bell.cx(0, 1), bell.measure_all()
    >>> Sampler(seed=1).run([bell], shots=100).result()[0].data.meas.get_counts()
    {'00': 47, '11': 53}
    """

    def __init__(self, *, default_shots: int = 1024, seed: Seed = None, noise: NoiseModel | None = None) -> None:
        checked_shots(default_shots)
        check_seed(seed)
        checked_noise(noise)
        self.default_shots, self.seed, self.noise = default_shots, seed, noise

    def run(
        self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None
    ) -> PrimitiveJob[PrimitiveResult[SamplerPubResult]]:
        """Sample pubs ``(circuit, parameter_values, shots)``; the last two are optional.

        Raises
        ------
        ValueError
            If the shots are not a positive integer, or the values do not fit the circuit.
        UnsupportedCircuitError
            By ``result()`` of the job, if a circuit cannot be simulated.
        """
        coerced = [SamplerPub.coerce(pub, self.default_shots if shots is None else shots) for pub in pubs]
        if any(not pub.circuit.cregs for pub in coerced):
            warnings.warn(
                "a circuit has no classical registers, so its result is empty; measure_all() adds one", stacklevel=2
            )
        job = PrimitiveJob(self._run, coerced)
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub]) -> PrimitiveResult[SamplerPubResult]:
        prepared = prepare_all(pub.circuit for pub in pubs)
        values = [_rows(pub, circuit) for pub, circuit in zip(pubs, prepared, strict=True)]
        samples = sample(prepared, values, [pub.shots for pub in pubs], self.seed, self.noise)
        results = [_result(pub, outcomes) for pub, outcomes in zip(pubs, samples, strict=True)]
        return PrimitiveResult(results, metadata={"version": 2})


def _rows(pub: SamplerPub, prepared: PreparedCircuit) -> np.ndarray:
    """Return the parameter values, shape (n_sets, num_parameters), in Qiskit's order."""
    array = pub.parameter_values.as_array(pub.circuit.parameters)
    return array.reshape(pub.parameter_values.size, prepared.angles.num_inputs)


def _result(pub: SamplerPub, outcomes: Outcomes) -> SamplerPubResult:
    index = {clbit: k for k, clbit in enumerate(pub.circuit.clbits)}
    arrays = {}
    for register in pub.circuit.cregs:
        packed = outcomes.packed([index[clbit] for clbit in register])
        arrays[register.name] = RegisterShots(packed.reshape(*pub.shape, *packed.shape[1:]), register.size)
    return SamplerPubResult(
        DataBin(**arrays, shape=pub.shape), metadata={"shots": pub.shots, "circuit_metadata": pub.circuit.metadata}
    )
