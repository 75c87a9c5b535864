"""The target that a user passes to run circuits: a backend, a session or batch, or a primitive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2

from simulator.errors import BackendError, unknown_name
from simulator.qiskit_backend import options as runtime
from simulator.qiskit_backend.options import Mitigation
from simulator.qiskit_backend.primitives import Service, runs_in_this_process

__all__ = ["Mode", "Primitives", "Target"]

Mode = Literal["job", "batch", "session"]
Primitives = Literal["auto", "executor", "v2", "run"]

MODES = ("job", "batch", "session")
PRIMITIVES = ("auto", "executor", "v2", "run")


class Target:
    """The destination of jobs.

    Parameters
    ----------
    target : BackendV2, BaseEstimatorV2, BaseSamplerV2, Session or Batch
    mitigation : Mitigation
    primitives, mode, options
        As in `QiskitBackend`.

    Attributes
    ----------
    backend : BackendV2 or None
        None if a primitive does not expose its backend.
    primitive : BaseEstimatorV2, BaseSamplerV2 or None
        Primitive that the user passed.
    primitives : {"own", "executor", "v2", "run"}
        Kind of primitive that runs requests; ``"own"`` is one that the user passed.
    session : Session, Batch or None
        Open session or batch of ``mode="session"`` or ``"batch"``.
    service : Service
    """

    def __init__(
        self,
        target: Any,
        mitigation: Mitigation,
        *,
        primitives: Primitives,
        mode: Mode,
        options: Mapping[str, Any],
    ) -> None:
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if primitives not in PRIMITIVES:
            raise unknown_name("primitives", primitives, PRIMITIVES)
        self._mitigation, self._mode, self._options = mitigation, mode, options
        self.primitive, self._user_session, self.backend = _split_target(target)
        self.primitives = self._choose_primitives(primitives)
        runners = [runner for runner in (self.primitive, self.backend) if runner is not None]
        is_local = any(runs_in_this_process(runner) for runner in runners)
        # neither backend.run nor a primitive that the user passed lets us tag jobs
        self.service = Service(self.backend, is_local, has_tags=self.primitives in ("executor", "v2"))
        self.session: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Name of the backend, or class of the primitive."""
        if self.backend is None:
            return type(self.primitive).__name__
        return str(self.backend.name or type(self.backend).__name__)

    @property
    def is_estimator(self) -> bool:
        """Whether the user passed an estimator."""
        return isinstance(self.primitive, BaseEstimatorV2)

    @property
    def has_estimator(self) -> bool:
        """Whether expectations come from an estimator rather than from counts."""
        return self.is_estimator or self.primitives in ("executor", "v2")

    def close(self) -> None:
        """Close the session or batch, if one is open."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def maker(self, estimator_shots: int | None, seed: int | None) -> Callable[[str], Any]:
        """Return a function from a job's tag to the primitive for the job: a sampler if ``estimator_shots`` is None.

        ``seed`` is that of a simulator in this process.
        """
        for_sampler = estimator_shots is None
        if self.primitive is not None:
            return lambda tag: self.primitive
        old = self.primitives == "v2"

        def make(tag: str) -> Any:
            local = self.service.is_local
            options = runtime.runtime_options(
                self._mitigation, seed if local else None, "" if local else tag, for_sampler
            )
            if old and local:  # the level has no effect there, and causes a warning
                options.pop("resilience_level", None)
            options = runtime.merged(options, self._options)
            mode = self._execution_mode()
            if estimator_shots is None:
                return runtime.sampler(mode, options, old)
            return runtime.estimator(mode, options, estimator_shots, old)

        return make

    def _execution_mode(self) -> Any:
        """Return the backend, or the session or batch for its jobs."""
        if self._user_session is not None:
            return self._user_session
        if self._mode == "job":
            return self.backend
        with self._lock:
            if self.session is None or not _is_open(self.session):
                from qiskit_ibm_runtime import Batch, Session

                self.session = (Session if self._mode == "session" else Batch)(backend=self.backend)
            return self.session

    def _choose_primitives(self, primitives: Primitives) -> Literal["own", "executor", "v2", "run"]:
        """Choose what runs requests; refuse error mitigation that it cannot do."""
        if self.primitive is not None:
            if self._mitigation.is_on:
                raise BackendError(
                    "QiskitBackend cannot set error mitigation of a primitive that you pass; set it in the primitive's "
                    "options"
                )
            return "own"
        ibm = _is_ibm(self.backend)
        choice: Literal["executor", "v2", "run"]
        if primitives != "auto":
            choice = primitives
        elif ibm or self._user_session is not None or (self._mitigation.is_on and _is_fake(self.backend)):
            choice = "executor"
        else:
            choice = "run"
        if choice == "run":
            runtime.check_local_mitigation(self._mitigation, self.name)
        elif not runtime.has_runtime():
            raise BackendError(f"primitives={choice!r} needs the extra [ibm]: pip install 'qumba[ibm]'")
        return choice


def _split_target(target: Any) -> tuple[Any, Any, Any]:
    """Return the primitive, the session or batch, and the backend that ``target`` has, or None for each."""
    if isinstance(target, BackendV2):
        return None, None, target
    if isinstance(target, BaseEstimatorV2 | BaseSamplerV2) or hasattr(target, "_pub_results"):
        backend = getattr(target, "backend", None)
        backend = backend() if callable(backend) else backend
        return target, None, backend if isinstance(backend, BackendV2) else None
    if hasattr(target, "session_id") and isinstance(getattr(target, "_backend", None), BackendV2):
        return None, target, target._backend
    raise BackendError(
        f"expected a BackendV2, a Session or Batch, or a version 2 estimator or sampler, got {type(target).__name__}"
    )


def _is_ibm(backend: Any) -> bool:
    return any(kind.__name__ == "IBMBackend" for kind in type(backend).__mro__)


def _is_fake(backend: Any) -> bool:
    return any(kind.__module__.startswith("qiskit_ibm_runtime.fake_provider") for kind in type(backend).__mro__)


def _is_open(session: Any) -> bool:
    if not getattr(session, "_active", True):
        return False
    status = session.status()
    return status is None or ("not accepting" not in status.lower() and status.lower() != "closed")
