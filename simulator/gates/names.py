"""Names that other libraries give to gates."""

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
"""What other libraries call it, too far from our name for a search of similar words."""
