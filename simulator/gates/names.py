"""Names of gates in other libraries."""

__all__ = ["OTHER_NAMES"]

OTHER_NAMES = {
    "ccnot": "ccx",
    "cnot": "cx",
    "cphase": "cp",
    "fredkin": "cswap",
    "hadamard": "h",
    "i": "id",
    "identity": "id",
    "measurement": "measure",
    "phase": "p",
    "toffoli": "ccx",
    "u1": "p",
    "u3": "u",
}
"""Names in other libraries that a search for similar names would not find, and the gate they stand for."""
