"""Selection of the engine for a calculation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.trait import Engine, NoisyEngine
from simulator.program.program import Program
from simulator.program.superoperators import SuperoperatorProgram
from simulator.program.trajectories import TrajectoryProgram

_engine: Engine = NumbaEngine()


def engine_for(program: Program, samples: int) -> Engine:
    """Return the engine that runs ``samples`` samples of a program."""
    return _engine


def engine_for_arrays() -> Engine:
    """Return the engine for states and probabilities in the memory of this process."""
    return _engine


def engine_for_noise(program: TrajectoryProgram | SuperoperatorProgram) -> NoisyEngine:
    """Return the engine that runs a noisy program."""
    return _engine.noisy


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Use ``engine`` for all calculations inside the context, in all threads of this process."""
    global _engine
    previous, _engine = _engine, engine
    try:
        yield
    finally:
        _engine = previous
