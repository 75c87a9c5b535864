"""The engines that the conformance suite of `test_engine.py` runs on: a new engine is one line here."""

from simulator.engines.numba.options import Options
from simulator.engines.numba.sweeps import NumbaEngine
from simulator.engines.trait import Engine

NUMBA: dict[str, Options] = {
    "lanes are samples": Options(batch_qubits=99, swizzle_qubits=0),
    "lanes are qubits": Options(batch_qubits=0),
    "pieces of one state": Options(batch_qubits=0, big_qubits=0),
}

ENGINES: dict[str, Engine] = {f"numba, {name}": NumbaEngine(options) for name, options in NUMBA.items()}
