"""Exceptions of this library; each is also the builtin exception that a caller expects."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class QumbaError(Exception):
    """Base class of the exceptions of this library."""


class GateError(QumbaError, ValueError):
    """The declaration of a gate is invalid: wrong shape, not unitary, not Hermitian, NaN."""


class CircuitError(QumbaError, ValueError):
    """A gate does not fit the circuit, or circuits do not fit each other."""


class ParameterError(QumbaError, ValueError):
    """A parameter is unbound, or values are missing, not finite or too many."""


class ObservableError(QumbaError, ValueError):
    """An observable is not Hermitian or does not fit the state."""


class NoiseError(QumbaError, ValueError):
    """A noise channel is not physical, or a noise model does not fit the circuit."""


class UnknownNameError(QumbaError, ValueError):
    """A name (gate, option, ansatz, ...) that does not exist."""


class StateTooLargeError(QumbaError, MemoryError):
    """A state does not fit in memory; raised before anything is allocated."""


class BackendError(QumbaError, RuntimeError):
    """A backend cannot run the request, or reports an error."""


class JobError(BackendError):
    """A job on a backend failed, or its state is unknown; results of finished jobs are stored.

    Attributes
    ----------
    job_ids : tuple of str
        Ids of the failed jobs that have one.
    folder : str
        Folder to pass as ``resume=`` to continue.
    """

    def __init__(self, message: str, job_ids: tuple[str, ...] = (), folder: str = "") -> None:
        super().__init__(message, job_ids, folder)
        self.job_ids, self.folder = job_ids, folder

    def __str__(self) -> str:
        return str(self.args[0])


class JobTimeoutError(JobError, TimeoutError):
    """A job took longer than the deadline of the caller or of the backend."""


class JobLostError(JobError, ConnectionError):
    """The backend cannot be reached, or cannot tell whether a job was sent; the job may still be running."""


class JobCancelledError(JobError):
    """A job was cancelled."""


class RunLockedError(BackendError):
    """Another process works on the same folder of jobs."""


class KernelTooLargeError(QumbaError, MemoryError):
    """A kernel matrix does not fit in memory; raised before anything is allocated."""


def counted(count: int, noun: str) -> str:
    """Format a number of things for an error: ``1 qubit``, ``2 qubits``."""
    return f"{count} {noun}{'s' * (count != 1)}"


def shortened(words: Sequence[str], limit: int = 8) -> str:
    """Join the first few words, and the number of the remaining ones: ``a, b and 3 more``."""
    shown = ", ".join(words[:limit])
    return shown if len(words) <= limit else f"{shown} and {len(words) - limit} more"


def folded(name: str) -> str:
    """Normalise a name for comparison: lower case, with ``_`` for ``-``."""
    return name.lower().replace("-", "_")


def near_misses(name: str, options: Iterable[str], cutoff: float = 0.5) -> str:
    """Ask which of up to three similar options was meant; empty if no option is similar."""
    known = {folded(option): option for option in options}
    near = [known[match] for match in difflib.get_close_matches(folded(name), known, n=3, cutoff=cutoff)]
    return f"did you mean {' or '.join(map(repr, near))}?" if near else ""


def unknown_name(kind: str, name: object, options: Iterable[str]) -> UnknownNameError:
    """Make the error for a name that is not one of ``options``, with the nearest ones.

    Examples
    --------
    >>> print(unknown_name("gate", "rxy", ["rx", "ry", "cx"]))
    unknown gate 'rxy'; did you mean 'ry' or 'rx'?
    """
    options = list(options)
    hint = near_misses(str(name), options) or "expected one of " + ", ".join(sorted(options))
    return UnknownNameError(f"unknown {kind} {name!r}; {hint}")
