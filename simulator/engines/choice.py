"""Which engine is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.trait import Engine
from simulator.program.program import Program

_engine: Engine = NumbaEngine()


def engine_for(program: Program, samples: int) -> Engine:
    """The engine that runs ``samples`` samples of a program."""
    return _engine


def engine_for_arrays() -> Engine:
    """The engine for states and probabilities that are in this process's memory already."""
    return _engine


@contextmanager
def using(engine: Engine) -> Iterator[None]:
    """Ask ``engine`` for everything inside, in all threads of this process."""
    global _engine
    previous, _engine = _engine, engine
    try:
        yield
    finally:
        _engine = previous
