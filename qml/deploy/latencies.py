"""Latencies of a stream, in memory that does not grow."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.display import Preformatted

__all__ = ["Latencies", "StreamReport"]

SHORTEST, DECADES, BINS_PER_DECADE = 1e-7, 9, 50
"""Bins of latencies: from 100 ns to 100 s, each 4.7 % wide."""


class Latencies:
    """Histogram of durations whose memory does not grow; percentiles are exact to 5 %."""

    def __init__(self) -> None:
        self._counts = [0] * (DECADES * BINS_PER_DECADE)

    def add(self, seconds: float) -> None:
        """Count a duration."""
        place = int(math.log10(max(seconds, SHORTEST) / SHORTEST) * BINS_PER_DECADE)
        self._counts[min(place, len(self._counts) - 1)] += 1

    def percentile(self, percent: float) -> float:
        """Return the duration in seconds below which this percentage lies; NaN if there are none."""
        total = sum(self._counts)
        seen = 0
        for place, count in enumerate(self._counts):
            seen += count
            if count and seen >= total * percent / 100:
                return float(SHORTEST * 10 ** ((place + 0.5) / BINS_PER_DECADE))
        return math.nan


@dataclass(frozen=True)
class StreamReport(Preformatted):
    """What a stream has done so far.

    Parameters
    ----------
    predicted, dropped : int
        Number of frames.
    seconds : float
        Time since the first frame was asked for.
    p50_ms, p99_ms, p999_ms : float
        Percentiles of the latency, from the arrival of a frame to its prediction.
    """

    predicted: int
    dropped: int
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float

    def __str__(self) -> str:
        rate = self.predicted / self.seconds if self.seconds > 0 else 0.0
        return (
            f"{self.predicted:,} predicted, {self.dropped:,} dropped, {rate:,.0f} a second; latency p50 "
            f"{self.p50_ms:.3f} ms, p99 {self.p99_ms:.3f} ms, p99.9 {self.p999_ms:.3f} ms"
        )
