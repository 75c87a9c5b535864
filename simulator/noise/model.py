"""Noise models: the channels that follow gates on qubits, and readout errors of bits.

>>> from simulator.noise import depolarizing
>>> noisy = NoiseModel(after_1q=depolarizing(0.001), after_2q=depolarizing(0.01), readout=0.02)
>>> [(channel.name, qubits) for channel, qubits in noisy.channels_after(gates.CX(2, 0))]
[('depolarizing', (2,)), ('depolarizing', (0,))]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator import gates
from simulator.errors import NoiseError, counted
from simulator.gates.names import OTHER_NAMES
from simulator.noise.channels import Channel, probability

Key = str | tuple[str, tuple[int, ...]]
EVERYWHERE = None


class NoiseModel:
    """Immutable noise model by gate and qubit, compared by value.

    A channel on one qubit acts on *each* qubit of the gate it follows. A channel on as many qubits as the gate acts on
    them jointly, its first qubit being the gate's first. The most specific entry for a gate applies: its name and
    qubits, then its name, then its number of qubits.

    Parameters
    ----------
    after_1q : Channel, or mapping from qubit to Channel, optional
        Channel after every gate on one qubit.
    after_2q : Channel, or mapping from pair of qubits to Channel, optional
        Channel after every gate on two or more qubits. A pair applies to gates in both orders; a channel on two
        qubits acts on them in the order of the pair.
    after : mapping, optional
        Mapping from a gate's name, or ``(name, qubits)``, to a Channel, or to None for no noise. Names of standard
        gates are read in any case.
    readout : optional
        Readout error of measured bits: a flip probability; ``(P(1|0), P(0|1))``; a matrix
        ``[[P(0|0), P(1|0)], [P(0|1), P(1|1)]]`` as in Qiskit; or a mapping from qubit to one of these.

    Raises
    ------
    NoiseError
        If a value is not a channel, a probability is outside [0, 1], or a key is not a gate, qubit or pair.
    """

    __slots__ = ("_after", "_after_1q", "_after_2q", "_readout")

    def __init__(
        self,
        after_1q: Channel | Mapping[int, Channel] | None = None,
        after_2q: Channel | Mapping[tuple[int, int], Channel] | None = None,
        after: Mapping[Any, Channel | None] | None = None,
        readout: Any = None,
    ) -> None:
        self._after_1q = _by_place("after_1q", after_1q, 1)
        self._after_2q = _by_place("after_2q", after_2q, 2)
        self._after: dict[Key, Channel | None] = {}
        for key, channel in (after or {}).items():
            if channel is not None and not isinstance(channel, Channel):
                raise NoiseError(f"after: a Channel is expected for {key!r}, got {channel!r}")
            self._after[_gate_key(_with_standard_name(key))] = channel
        entries = readout.items() if isinstance(readout, Mapping) else [(EVERYWHERE, readout)]
        self._readout = {
            qubit if qubit is EVERYWHERE else _qubit("readout", qubit): _flips(value)
            for qubit, value in entries
            if value is not None
        }

    def channels_after(self, operation: gates.Operation) -> list[tuple[Channel, tuple[int, ...]]]:
        """Return the channels that follow an operation, with their qubits.

        Raises
        ------
        NoiseError
            If the number of qubits of a channel is neither one nor that of the gate.
        """
        qubits, name = operation.qubits, operation.gate.name
        if not qubits or not operation.gate.is_reversible:
            return []
        if (name, qubits) in self._after:
            channel = self._after[name, qubits]
        elif name in self._after:
            channel = self._after[name]
        else:
            entries = self._after_1q if len(qubits) == 1 else self._after_2q
            matching = next((place for place in entries if set(place) == set(qubits)), ())
            channel, qubits = entries.get(matching), matching or qubits
        if channel is None:
            return []
        if channel.num_qubits == len(qubits):
            return [(channel, qubits)]
        if channel.num_qubits == 1:
            return [(channel, (qubit,)) for qubit in qubits]
        raise NoiseError(
            f"{channel.name} acts on {channel.num_qubits} qubits and does not fit {name} on {len(qubits)}; "
            f"give a channel that fits in after={{{name!r}: ...}}"
        )

    @property
    def has_gate_noise(self) -> bool:
        """Whether any gate is followed by a channel."""
        channels = [*self._after_1q.values(), *self._after_2q.values(), *self._after.values()]
        return any(channel is not None for channel in channels)

    def readout_flips(self, num_qubits: int) -> NDArray[np.float64]:
        """Return the readout error probabilities ``P(1|0), P(0|1)`` of each qubit, shape (num_qubits, 2)."""
        everywhere = self._readout.get(EVERYWHERE, (0.0, 0.0))
        return np.array([self._readout.get(q, everywhere) for q in range(num_qubits)])

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain lists, strings and numbers for a file; `from_dict` reads them."""
        places = {"after_1q": self._after_1q, "after_2q": self._after_2q}
        out: dict[str, Any] = {
            name: [[list(place), _channel_data(channel)] for place, channel in entries.items()]
            for name, entries in places.items()
        }
        out["after"] = [
            [key if isinstance(key, str) else [key[0], list(key[1])], None if c is None else _channel_data(c)]
            for key, c in self._after.items()
        ]
        out["readout"] = [[qubit, list(flips)] for qubit, flips in self._readout.items()]
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NoiseModel:
        """Create a model from the output of `to_dict`."""
        model = cls()
        model._after_1q = {tuple(place): _read_channel(channel) for place, channel in data["after_1q"]}
        model._after_2q = {tuple(place): _read_channel(channel) for place, channel in data["after_2q"]}
        model._after = {
            _gate_key(key if isinstance(key, str) else tuple(key)): None if c is None else _read_channel(c)
            for key, c in data["after"]
        }
        model._readout = {
            qubit if qubit is EVERYWHERE else _qubit("readout", qubit): _flips(tuple(flips))
            for qubit, flips in data["readout"]
        }
        return model

    def _identity(self) -> tuple[Any, ...]:
        return tuple(frozenset(part.items()) for part in (self._after_1q, self._after_2q, self._after, self._readout))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NoiseModel) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        def shown(entries: Mapping[Any, Any]) -> Any:
            return entries[()] if list(entries) == [()] else entries

        parts = [
            f"{name}={shown(entries)!r}"
            for name, entries in (("after_1q", self._after_1q), ("after_2q", self._after_2q), ("after", self._after))
            if entries
        ]
        if self._readout:
            everywhere = list(self._readout) == [EVERYWHERE]
            parts.append(f"readout={self._readout[EVERYWHERE] if everywhere else self._readout}")
        return f"NoiseModel({', '.join(parts)})"


def _by_place(name: str, channels: Any, num_qubits: int) -> dict[tuple[int, ...], Channel]:
    """Index channels by the qubits of the gate; the empty tuple is the default for all other qubits."""
    if channels is None:
        return {}
    entries = channels.items() if isinstance(channels, Mapping) else [((), channels)]
    out = {}
    for place, channel in entries:
        if not isinstance(channel, Channel):
            raise NoiseError(f"{name}: a Channel such as depolarizing(0.01) is expected, got {channel!r}")
        if channel.num_qubits > num_qubits:
            raise NoiseError(
                f"{name}: a channel on {channel.num_qubits} qubits does not fit gates on {num_qubits}: {channel!r}"
            )
        qubits = place if isinstance(place, Sequence) else (place,)
        place = tuple(_qubit(name, q) for q in qubits)
        if place and len(set(place)) != num_qubits:
            raise NoiseError(f"{name}: {counted(num_qubits, 'distinct qubit')} expected, got {place}")
        out[place] = channel
    return out


def _with_standard_name(key: Any) -> Any:
    """Return the key with the name of a standard gate in lower case; a noise that no gate matches would be lost."""
    if isinstance(key, tuple):
        return (_with_standard_name(key[0]), *key[1:]) if key else key
    if isinstance(key, str) and (key.lower() in gates.STANDARD or key.lower() in OTHER_NAMES):
        return key.lower()
    return key


def _gate_key(key: Any) -> Key:
    if isinstance(key, str):
        if key in OTHER_NAMES:
            raise NoiseError(f"after: no gate is called {key!r}; did you mean {OTHER_NAMES[key]!r}?")
        return key
    if not (isinstance(key, tuple) and len(key) == 2 and isinstance(key[0], str)):
        raise NoiseError(f"after: a key is a gate's name or (name, qubits), got {key!r}")
    name, qubits = key
    places = qubits if isinstance(qubits, Sequence) else (qubits,)
    return str(_gate_key(name)), tuple(_qubit("after", q) for q in places)


def checked_noise(noise: Any) -> NoiseModel:
    """Return a noise model, without noise for None; raise a NoiseError for anything else."""
    if noise is None:
        return NoiseModel()
    if not isinstance(noise, NoiseModel):
        raise NoiseError(f"noise is a NoiseModel, such as NoiseModel(after_2q=depolarizing(0.01)), got {noise!r}")
    return noise


def _qubit(owner: str, qubit: Any) -> int:
    if isinstance(qubit, bool) or not isinstance(qubit, int | np.integer) or qubit < 0:
        raise NoiseError(f"{owner}: a qubit is an integer from 0, got {qubit!r}")
    return int(qubit)


def _flips(value: Any) -> tuple[float, float]:
    """Convert a readout error in any accepted form to ``P(1|0), P(0|1)``."""
    array = np.asarray(value)
    if array.ndim == 0:
        p = probability("readout", "the probability of a flip", value)
        return p, p
    if array.shape == (2,):
        a, b = (probability("readout", name, v) for name, v in zip(("P(1|0)", "P(0|1)"), value, strict=True))
        return a, b
    if array.shape == (2, 2):
        rows = [[probability("readout", f"P({j}|{i})", array[i, j].item()) for j in range(2)] for i in range(2)]
        for i, row in enumerate(rows):
            if abs(sum(row) - 1) > 1e-8:
                raise NoiseError(f"readout: P(0|{i}) and P(1|{i}) sum to {sum(row):.9g}, expected 1")
        return rows[0][1], rows[1][0]
    raise NoiseError(f"readout: a probability, (P(1|0), P(0|1)) or a 2x2 matrix expected, got {value!r}")


def _channel_data(channel: Channel) -> dict[str, Any]:
    return {"name": channel.name, "real": channel.kraus.real.tolist(), "imag": channel.kraus.imag.tolist()}


def _read_channel(data: Mapping[str, Any]) -> Channel:
    return Channel(data["name"], np.asarray(data["real"], float) + 1j * np.asarray(data["imag"], float))
