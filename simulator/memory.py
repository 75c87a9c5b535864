"""Memory that is available to this process, and checks before states are allocated."""

from __future__ import annotations

import os
from pathlib import Path

from simulator.errors import StateTooLargeError

_CHECK_BYTES = 1 << 26  # bytes below which available memory is not checked
_BYTES = {"double": 16, "single": 8}  # of an amplitude
_LARGEST_EXPONENT = 900  # of two, for numbers of items that are computed; their size in bytes is still a double


def available_bytes() -> int:
    """Memory in bytes that this process may still allocate, limited by the machine and its container."""
    out = 1 << 62
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                out = int(line.split()[1]) * 1024
    except OSError:
        if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
            out = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit, usage in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        try:
            out = min(out, int(Path(limit).read_text()) - int(Path(usage).read_text()))
        except (OSError, ValueError):
            continue
    return max(out, 0)


def check_state(num_qubits: int, states: int, precision: str) -> None:
    """Raise an error if ``states`` states of ``num_qubits`` qubits do not fit in memory at once.

    Raises
    ------
    StateTooLargeError
        If they do not fit; raised before allocation.
    """
    what = "a state" if states == 1 else f"{states} states"
    hint = "; precision='single' halves it" if precision == "double" else ""
    _check(f"{what} of {num_qubits} qubits in {precision} precision", num_qubits, states * _BYTES[precision], 1, hint)


def check_density(num_qubits: int, copies: int) -> None:
    """Raise an error if ``copies`` density matrices of ``num_qubits`` qubits, 4**n floats each, do not fit in memory.

    Raises
    ------
    StateTooLargeError
        If they do not fit; raised before allocation.
    """
    _check(f"a density matrix of {num_qubits} qubits", num_qubits, 8 * copies, 2, "; trajectories need far less")


def check_matrix(num_qubits: int, itemsize: int = 16) -> None:
    """Raise an error if a matrix of ``4**num_qubits`` entries of ``itemsize`` bytes does not fit in memory.

    Raises
    ------
    StateTooLargeError
        If it does not fit; raised before allocation.
    """
    _check(f"a matrix of {num_qubits} qubits", num_qubits, itemsize, 2)


def check_count(owner: str, items: str, count: int, itemsize: int) -> None:
    """Raise an error if ``count`` items of ``itemsize`` bytes do not fit in memory.

    Raises
    ------
    StateTooLargeError
        If they do not fit; raised before allocation.
    """
    if count * itemsize <= _CHECK_BYTES:
        return
    available = available_bytes()
    if count * itemsize > available:
        size = _size(min(count * itemsize, 1 << _LARGEST_EXPONENT))
        raise StateTooLargeError(
            f"{owner}: {_short(count)} {items} need {size}, {_size(available)} are available: "
            f"at most {available // itemsize:,} fit"
        )


def _short(count: int) -> str:
    return f"{count:,}" if count < 1e15 else f"{min(count, 1 << _LARGEST_EXPONENT):.2g}"


def _check(what: str, num_qubits: int, itemsize: int, axes: int, hint: str = "") -> None:
    """Raise an error if ``2**(axes * num_qubits)`` items do not fit in memory."""
    exponent = min(axes * num_qubits, _LARGEST_EXPONENT)
    needed = itemsize << exponent
    if needed <= _CHECK_BYTES:
        return
    available = available_bytes()
    if needed > available:
        fits = max((available // itemsize).bit_length() - 1, 0) // axes
        size = _size(needed) if exponent < _LARGEST_EXPONENT else f"more than {_size(needed)}"
        raise StateTooLargeError(
            f"{what} needs {size}, {_size(available)} are available: at most {fits} qubits fit{hint}"
        )


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.3g} {unit}"
        count /= 1024  # type: ignore[assignment]
    return f"{count:,.0f} TiB" if count < 1e6 else f"{count:.2g} TiB"
