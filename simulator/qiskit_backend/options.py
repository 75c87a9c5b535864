"""Options for error mitigation, and the primitives of qiskit-ibm-runtime with these options."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from simulator.calculations.sampling import checked_shots
from simulator.errors import BackendError
from simulator.names import choose

__all__ = [
    "Mitigation",
    "as_factors",
    "check_local_mitigation",
    "checked_shots_or_precision",
    "estimator",
    "has_runtime",
    "merged",
    "runtime_options",
    "sampler",
]

SEQUENCES = ("XX", "XpXm", "XY4")
DEFAULT_NOISE_FACTORS = (1.0, 3.0, 5.0)


@dataclass(frozen=True)
class Mitigation:
    """Settings for error mitigation; see `QiskitBackend`."""

    resilience_level: int = 0
    readout_mitigation: bool | None = None
    zne: bool | tuple[float, ...] | None = None
    dynamical_decoupling: bool | str = False
    twirling: bool | None = None

    def __post_init__(self) -> None:
        if self.resilience_level not in (0, 1, 2):
            raise ValueError(f"resilience_level is 0, 1 or 2, got {self.resilience_level!r}")
        sequence = self.dynamical_decoupling
        if isinstance(sequence, str):
            sequence = choose("sequence of dynamical decoupling", sequence, SEQUENCES)
            object.__setattr__(self, "dynamical_decoupling", sequence)
        if isinstance(self.zne, tuple) and (len(self.zne) < 2 or min(self.zne) < 1):
            raise ValueError(f"zne takes at least two noise factors, none below 1, got {self.zne}")

    @property
    def is_on(self) -> bool:
        """Whether any mitigation is requested."""
        return self != Mitigation()

    @property
    def noise_factors(self) -> tuple[float, ...]:
        """Factors by which the noise is amplified; only 1 without extrapolation."""
        if isinstance(self.zne, tuple):
            return self.zne
        extrapolates = self.resilience_level == 2 if self.zne is None else self.zne
        return DEFAULT_NOISE_FACTORS if extrapolates else (1.0,)

    @property
    def mitigates_readout(self) -> bool:
        """Whether readout errors are calibrated and inverted."""
        return self.resilience_level >= 1 if self.readout_mitigation is None else self.readout_mitigation

    def describe(self) -> str:
        """Describe the mitigation and its cost, for plans."""
        parts = []
        if self.mitigates_readout:
            parts.append("readout (one calibration circuit per job)")
        if len(self.noise_factors) > 1:
            factors = ", ".join(f"{factor:g}" for factor in self.noise_factors)
            parts.append(
                f"zero-noise extrapolation (noise x {factors}: {len(self.noise_factors)} times the circuits, "
                f"up to {max(self.noise_factors):g} times the two-qubit gates)"
            )
        if self.dynamical_decoupling:
            parts.append("dynamical decoupling (no cost)")
        if self.twirling:
            parts.append("twirling (shots divided over random variants)")
        return "; ".join(parts) or "none"


def runtime_options(mitigation: Mitigation, seed: int | None, tag: str, for_sampler: bool) -> dict[str, Any]:
    """Return only the options that are requested, so that all others keep the defaults of the runtime."""
    out: dict[str, Any] = {}
    if mitigation.dynamical_decoupling:
        out["dynamical_decoupling"] = {"enable": True}
        if isinstance(mitigation.dynamical_decoupling, str):
            out["dynamical_decoupling"]["sequence_type"] = mitigation.dynamical_decoupling
    if mitigation.twirling is not None:
        out["twirling"] = {"enable_gates": mitigation.twirling, "enable_measure": mitigation.twirling}
    if not for_sampler:
        out["resilience_level"] = mitigation.resilience_level
        resilience: dict[str, Any] = {}
        if mitigation.readout_mitigation is not None:
            resilience["measure_mitigation"] = mitigation.readout_mitigation
        if mitigation.zne is not None:
            resilience["zne_mitigation"] = bool(mitigation.zne)
        if isinstance(mitigation.zne, tuple):
            resilience["zne"] = {"noise_factors": mitigation.zne}
        if resilience:
            out["resilience"] = resilience
    if seed is not None:
        out["simulator"] = {"seed_simulator": seed}
    if tag:
        out["environment"] = {"job_tags": [tag]}
    return out


def has_runtime() -> bool:
    """Whether qiskit-ibm-runtime is installed (the extra [ibm])."""
    try:
        import qiskit_ibm_runtime  # noqa: F401
    except ImportError:
        return False
    return True


def estimator(mode: Any, options: Mapping[str, Any], shots: int, old: bool = False) -> Any:
    """Make the runtime's estimator: the one on executors if available, otherwise, or if ``old``, `EstimatorV2`."""
    options = {**options, "default_shots": shots}
    if not old:
        try:
            from qiskit_ibm_runtime.executor_estimator import Estimator
        except ImportError:
            pass
        else:
            return Estimator(mode=mode, options=_merged(options))
    from qiskit_ibm_runtime import EstimatorV2

    return _old(EstimatorV2, mode, options)


def sampler(mode: Any, options: Mapping[str, Any], old: bool = False) -> Any:
    """Make the runtime's sampler, new or old, like `estimator`."""
    if not old:
        try:
            from qiskit_ibm_runtime.executor_sampler import Sampler
        except ImportError:
            pass
        else:
            return Sampler(mode=mode, options=_merged(options))
    from qiskit_ibm_runtime import SamplerV2

    return _old(SamplerV2, mode, options)


def _old(primitive: Any, mode: Any, options: Mapping[str, Any]) -> Any:
    """Make a primitive that newer versions deprecate, without the warning: it is used only if there is no other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return primitive(mode=mode, options=_merged(options))


def _merged(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in options.items()}


def merged(options: Mapping[str, Any], user_options: Mapping[str, Any]) -> dict[str, Any]:
    """Override options by those of the user, group by group."""
    out = _merged(options)
    for key, value in user_options.items():
        out[key] = {**out.get(key, {}), **value} if isinstance(value, Mapping) else value
    return out


def check_local_mitigation(mitigation: Mitigation, backend_name: str) -> None:
    """Raise an error if mitigation is requested of a backend that cannot do it, rather than ignore it."""
    if mitigation.is_on:
        raise BackendError(
            f"{backend_name} cannot mitigate errors: resilience_level, readout_mitigation, zne, dynamical_decoupling "
            "and twirling need an IBM backend (or a fake one) and the extra [ibm]: pip install 'qumba[ibm]'"
        )


def as_factors(zne: bool | Sequence[float] | None) -> bool | tuple[float, ...] | None:
    """Convert noise factors to a tuple; a bool or None stays as it is."""
    return zne if zne is None or isinstance(zne, bool) else tuple(float(factor) for factor in zne)


def checked_shots_or_precision(shots: int | None, precision: float | None) -> int | None:
    """Return the number of shots that ``shots`` or ``precision`` asks for; None if neither is set."""
    if precision is not None:
        if shots is not None:
            raise ValueError("give shots or precision, not both")
        if not 0 < precision < 1:
            raise ValueError(f"precision is a standard error between 0 and 1, got {precision!r}")
        return ceil(precision**-2 * (1 - 1e-12))
    return None if shots is None else checked_shots(shots)
