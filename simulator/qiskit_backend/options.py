"""Which primitive runs a request, and its options, in the words of qiskit-ibm-runtime."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.errors import BackendError
from simulator.names import choose

__all__ = ["Mitigation", "estimator", "has_runtime", "runtime_options", "sampler"]

SEQUENCES = ("XX", "XpXm", "XY4")
DEFAULT_NOISE_FACTORS = (1.0, 3.0, 5.0)


@dataclass(frozen=True)
class Mitigation:
    """What is done about errors, see `QiskitBackend`."""

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
        """Whether anything is asked for."""
        return self != Mitigation()

    @property
    def noise_factors(self) -> tuple[float, ...]:
        """How much the noise is amplified; 1 alone without extrapolation."""
        if isinstance(self.zne, tuple):
            return self.zne
        wanted = self.resilience_level == 2 if self.zne is None else self.zne
        return DEFAULT_NOISE_FACTORS if wanted else (1.0,)

    @property
    def mitigates_readout(self) -> bool:
        """Whether readout errors are calibrated and inverted."""
        return self.resilience_level >= 1 if self.readout_mitigation is None else self.readout_mitigation

    def describe(self) -> str:
        """For plans: what is done, and what it costs."""
        parts = []
        if self.mitigates_readout:
            parts.append("readout (one calibration circuit a job)")
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
    """The options that are asked for, and no others, so that a library's own defaults stay its own."""
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
    """The runtime's estimator: the one on executors where it is there, else (or if asked for) `EstimatorV2`."""
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
    """The runtime's sampler, new or old, as `estimator`."""
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
    """A primitive that newer versions deprecate: we know, and ask for it only where there is no other."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return primitive(mode=mode, options=_merged(options))


def _merged(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in options.items()}


def merged(options: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Options with a user's own put over them, group by group."""
    out = _merged(options)
    for key, value in more.items():
        out[key] = {**out.get(key, {}), **value} if isinstance(value, Mapping) else value
    return out


def check_local_mitigation(mitigation: Mitigation, what: str) -> None:
    """Refuse to leave out silently what was asked for."""
    if mitigation.is_on:
        raise BackendError(
            f"{what} cannot mitigate errors: resilience_level, readout_mitigation, zne, dynamical_decoupling and "
            "twirling need an IBM backend (or a fake one) and the extra [ibm]: pip install 'qumba[ibm]'"
        )


def as_factors(zne: bool | Sequence[float] | None) -> bool | tuple[float, ...] | None:
    """Noise factors as a tuple."""
    return zne if zne is None or isinstance(zne, bool) else tuple(float(factor) for factor in zne)
