"""What a user gave to run circuits on: a backend, a session or batch, or a primitive; and primitives made for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal

from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2
from qiskit.providers import BackendV2

from simulator.errors import BackendError, unknown_name
from simulator.qiskit_backend import options as runtime
from simulator.qiskit_backend.options import Mitigation
from simulator.qiskit_backend.primitives import Service, lives_here

__all__ = ["Mode", "Primitives", "Target"]

Mode = Literal["job", "batch", "session"]
Primitives = Literal["auto", "executor", "v2", "run"]

MODES = ("job", "batch", "session")
PRIMITIVES = ("auto", "executor", "v2", "run")


class Target:
    """Where jobs go.

    Parameters
    ----------
    given : BackendV2, BaseEstimatorV2, BaseSamplerV2, Session or Batch
    mitigation : Mitigation
    primitives, mode, seed, options
        As in `QiskitBackend`.

    Attributes
    ----------
    backend : BackendV2 or None
        As far as it is known: a primitive need not tell.
    primitive : BaseEstimatorV2, BaseSamplerV2 or None
        The user's own.
    primitives : {"own", "executor", "v2", "run"}
        What runs requests.
    session : Session, Batch or None
        That of ``mode="session"`` or ``"batch"``, while it is open.
    service : Service
    """

    def __init__(
        self,
        given: Any,
        mitigation: Mitigation,
        *,
        primitives: Primitives,
        mode: Mode,
        seed: int | None,
        options: Mapping[str, Any],
    ) -> None:
        if mode not in MODES:
            raise unknown_name("mode", mode, MODES)
        if primitives not in PRIMITIVES:
            raise unknown_name("primitives", primitives, PRIMITIVES)
        self._mitigation, self._mode, self._seed, self._options = mitigation, mode, seed, options
        self.primitive, self._given_mode, self.backend = _taken_apart(given)
        self.primitives = self._chosen(primitives)
        is_local = any(lives_here(thing) for thing in (self.primitive, self.backend) if thing is not None)
        # a primitive of the user's own, and backend.run, give jobs no tags of ours
        self.service = Service(self.backend, is_local, has_tags=self.primitives in ("executor", "v2"))
        self.session: Any = None
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The backend's own, or the primitive's class."""
        if self.backend is None:
            return type(self.primitive).__name__
        return str(self.backend.name or type(self.backend).__name__)

    @property
    def is_estimator(self) -> bool:
        """Whether the user's own primitive is an estimator."""
        return isinstance(self.primitive, BaseEstimatorV2)

    @property
    def has_estimator(self) -> bool:
        """Whether expectations come from an estimator, not from counts."""
        return self.is_estimator or self.primitives in ("executor", "v2")

    def close(self) -> None:
        """Close the session or batch, if one is open."""
        if self.session is not None:
            self.session.close()
            self.session = None

    def maker(self, estimator_shots: int | None) -> Callable[[str], Any]:
        """A function that makes the primitive for one job, with the job's tag: a sampler if no shots are given."""
        for_sampler = estimator_shots is None
        if self.primitive is not None:
            return lambda tag: self.primitive
        old = self.primitives == "v2"

        def make(tag: str) -> Any:
            local = self.service.is_local
            asked = runtime.runtime_options(
                self._mitigation, self._seed if local else None, "" if local else tag, for_sampler
            )
            if old and local:  # where it only warns that they have no effect
                asked.pop("resilience_level", None)
            asked = runtime.merged(asked, self._options)
            mode = self._execution_mode()
            if estimator_shots is None:
                return runtime.sampler(mode, asked, old)
            return runtime.estimator(mode, asked, estimator_shots, old)

        return make

    def _execution_mode(self) -> Any:
        """The backend, or the session or batch that its jobs are to be in."""
        if self._given_mode is not None:
            return self._given_mode
        if self._mode == "job":
            return self.backend
        with self._lock:
            if self.session is None or not _is_open(self.session):
                from qiskit_ibm_runtime import Batch, Session

                self.session = (Session if self._mode == "session" else Batch)(backend=self.backend)
            return self.session

    def _chosen(self, primitives: Primitives) -> Literal["own", "executor", "v2", "run"]:
        """What will run requests; refuses what cannot mitigate errors if it is asked to."""
        if self.primitive is not None:
            if self._mitigation.is_on:
                raise BackendError("a primitive of your own has its own options; set error mitigation there")
            return "own"
        ibm = _is_ibm(self.backend)
        chosen: Literal["executor", "v2", "run"]
        if primitives != "auto":
            chosen = primitives
        elif ibm or self._given_mode is not None or (self._mitigation.is_on and _is_fake(self.backend)):
            chosen = "executor"
        else:
            chosen = "run"
        if chosen == "run":
            runtime.check_local_mitigation(self._mitigation, self.name)
        elif not runtime.has_runtime():
            raise BackendError(f"primitives={chosen!r} need the extra [ibm]: pip install 'qumba[ibm]'")
        return chosen


def _taken_apart(target: Any) -> tuple[Any, Any, Any]:
    """The primitive, the session or batch, and the backend, as far as ``target`` has them."""
    if isinstance(target, BackendV2):
        return None, None, target
    if isinstance(target, BaseEstimatorV2 | BaseSamplerV2) or hasattr(target, "_pub_results"):
        backend = getattr(target, "backend", None)
        backend = backend() if callable(backend) else backend
        return target, None, backend if isinstance(backend, BackendV2) else None
    if hasattr(target, "session_id") and isinstance(getattr(target, "_backend", None), BackendV2):
        return None, target, target._backend
    raise BackendError(
        "expected a BackendV2, a Session or Batch, or an estimator or sampler of version 2, "
        f"got {type(target).__name__}"
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
