"""The device: PennyLane's interface to a simulator, which runs tapes of one structure as batches."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pennylane as qml
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.exceptions import DeviceError
from pennylane.math import Interface
from pennylane.tape import QuantumScript
from pennylane.transforms.core import CompilePipeline

from simulator.errors import unknown_name
from simulator.pennylane_device import derivatives, preprocessing
from simulator.pennylane_device.batches import Batch
from simulator.pennylane_device.structures import Structure, key

_CACHE_SIZE = 64
"""Number of structures that a device keeps."""

_PRECISIONS = {np.dtype(np.complex128): "double", np.dtype(np.complex64): "single"}


@simulator_tracking
@single_tape_support
class QumbaDevice(Device):
    """Statevector simulator that runs a batch, broadcast or of similar tapes, in one compiled call.

    A circuit is lowered once for each structure: calling a QNode again with different numbers does not lower it again.
    Derivatives use the adjoint method: of expectation values, variances and probabilities, with respect to every angle
    and to real amplitudes that are prepared at the beginning. Mid-circuit measurements are deferred to the end.

    Parameters
    ----------
    wires : int or sequence of labels, optional
        Wires of the device; by default those of each circuit.
    c_dtype : complex128 or complex64
        Data type of the amplitudes.
    shots : int or sequence of int, optional
        Number of shots; results are exact by default.
    seed : None, int, numpy.random.Generator or "global"
        Seed of the shots; "global" draws one from NumPy's global generator.

    Examples
    --------
    In PennyLane::

        dev = qml.device("qumba", wires=2)

        @qml.qnode(dev)
        def f(x):
            qml.RX(x, wires=0)
            qml.CNOT(wires=[0, 1])
            return qml.expval(qml.Z(1))
    """

    _device_options = ("c_dtype", "seed")

    def __init__(self, wires: Any = None, *, c_dtype: Any = np.complex128, shots: Any = None, seed: Any = "global"):
        super().__init__(wires=wires, shots=shots)
        if np.dtype(c_dtype) not in _PRECISIONS:
            raise unknown_name("c_dtype", np.dtype(c_dtype).name, ["complex128", "complex64"])
        self._precision = _PRECISIONS[np.dtype(c_dtype)]
        seed = np.random.randint(0, 10_000_000) if isinstance(seed, str) and seed == "global" else seed  # noqa: NPY002
        self._rng = np.random.default_rng(seed)
        self._structures: OrderedDict[Hashable, Structure] = OrderedDict()

    @property
    def name(self) -> str:
        """Name of the device in `qml.device`."""
        return "qumba"

    def supports_derivatives(
        self, execution_config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> bool:
        """Whether the adjoint method supports the circuit; it has first derivatives only.

        For ``max_diff=2``, PennyLane then chooses parameter shifts by default, whose derivatives exist: those of the
        adjoint method would be zero without a word.
        """
        if execution_config is None:
            return True
        method = execution_config.gradient_method
        if method not in {"adjoint", "best"} or execution_config.derivative_order > 1:
            return False
        return circuit is None or preprocessing.is_differentiable(circuit, strict=method == "best")

    def supports_vjp(
        self, execution_config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> bool:
        """Whether `compute_vjp` supports the circuit."""
        return self.supports_derivatives(execution_config, circuit)

    supports_jvp = supports_vjp

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> ExecutionConfig:
        """Complete a configuration with defaults."""
        config = config or ExecutionConfig()
        for option in config.device_options:
            raise DeviceError(f"device option {option} not present on {self}")
        adjoint = config.gradient_method in {"adjoint", "best"}
        mcm_method = config.mcm_config.mcm_method or "deferred"
        if mcm_method not in {"deferred", "device"}:
            raise DeviceError(f"mcm_method {str(mcm_method)!r} is not supported on qumba, which defers measurements")
        changes: dict[str, Any] = {"mcm_config": replace(config.mcm_config, mcm_method="deferred")}
        if config.use_device_gradient is None:
            changes["use_device_gradient"] = adjoint
        if adjoint:
            changes["gradient_method"] = "adjoint"
            # Products need one sweep whatever the number of measurements. JAX also differentiates forwards, so for it
            # they are used only on request; under jax.jit, PennyLane always uses Jacobians.
            if config.interface != Interface.JAX:
                changes["use_device_jacobian_product"] = config.interface != Interface.JAX_JIT
            changes["grad_on_execution"] = False
        return replace(config, **changes)

    def preprocess_transforms(self, execution_config: ExecutionConfig | None = None) -> CompilePipeline:
        """Return the transforms from any tape to tapes that `execute` supports."""
        return preprocessing.pipeline(execution_config or ExecutionConfig(), self.wires, self.name)

    def execute(
        self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None
    ) -> tuple[Any, ...]:
        """Compute the results of each circuit's measurements."""
        config = execution_config or ExecutionConfig()
        mode = config.mcm_config.postselect_mode
        return self._in_batches(circuits, lambda batch, _: batch.results(self._rng, mode))

    def compute_derivatives(
        self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None
    ) -> tuple[Any, ...]:
        """Compute the Jacobian of each circuit."""
        return self._in_batches(circuits, lambda batch, _: derivatives.jacobians(batch))

    def execute_and_compute_derivatives(
        self, circuits: Sequence[QuantumScript], execution_config: ExecutionConfig | None = None
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Compute results and Jacobians."""
        mode = (execution_config or ExecutionConfig()).mcm_config.postselect_mode
        pairs = self._in_batches(
            circuits,
            lambda batch, _: list(zip(batch.results(self._rng, mode), derivatives.jacobians(batch), strict=True)),
        )
        return tuple(result for result, _ in pairs), tuple(jacobian for _, jacobian in pairs)

    def compute_vjp(
        self,
        circuits: Sequence[QuantumScript],
        cotangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,
    ) -> tuple[Any, ...]:
        """Compute vector-Jacobian products: for each circuit, one array for each of its trainable parameters."""
        return self._in_batches(
            circuits, lambda batch, indices: derivatives.vjp(batch, [cotangents[k] for k in indices])
        )

    def execute_and_compute_vjp(
        self,
        circuits: Sequence[QuantumScript],
        cotangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Compute results and vector-Jacobian products."""
        mode = (execution_config or ExecutionConfig()).mcm_config.postselect_mode
        results = self._in_batches(circuits, lambda batch, _: batch.results(self._rng, mode))
        return results, self._in_batches(
            circuits, lambda batch, indices: derivatives.vjp(batch, [cotangents[k] for k in indices])
        )

    def compute_jvp(
        self,
        circuits: Sequence[QuantumScript],
        tangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,
    ) -> tuple[Any, ...]:
        """Compute Jacobian-vector products: for each circuit, an array of the shape of its result."""
        return self._in_batches(circuits, lambda batch, indices: derivatives.jvp(batch, [tangents[k] for k in indices]))

    def execute_and_compute_jvp(
        self,
        circuits: Sequence[QuantumScript],
        tangents: Sequence[Any],
        execution_config: ExecutionConfig | None = None,
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Compute results and Jacobian-vector products."""
        mode = (execution_config or ExecutionConfig()).mcm_config.postselect_mode
        results = self._in_batches(circuits, lambda batch, _: batch.results(self._rng, mode))
        return results, self._in_batches(
            circuits, lambda batch, indices: derivatives.jvp(batch, [tangents[k] for k in indices])
        )

    def _in_batches(
        self, circuits: Sequence[QuantumScript], work: Callable[[Batch, list[int]], list[Any]]
    ) -> tuple[Any, ...]:
        """Call ``work`` on all circuits of one structure at a time, and return its results in the circuits' order."""
        groups: dict[Hashable, list[int]] = {}
        for k, tape in enumerate(circuits):
            groups.setdefault(key(tape), []).append(k)
        out: list[Any] = [None] * len(circuits)
        for structure_key, indices in groups.items():
            tapes = [circuits[k] for k in indices]
            results = work(Batch(self._structure(structure_key, tapes[0]), tapes), indices)
            for k, result in zip(indices, results, strict=True):
                out[k] = result
        return tuple(out)

    def _structure(self, structure_key: Hashable, tape: QuantumScript) -> Structure:
        try:
            self._structures.move_to_end(structure_key)
            return self._structures[structure_key]
        except KeyError:
            pass
        while len(self._structures) >= _CACHE_SIZE:
            self._structures.popitem(last=False)
        with qml.QueuingManager.stop_recording():
            structure = Structure(tape, self.wires, self._precision)
        self._structures[structure_key] = structure
        return structure
