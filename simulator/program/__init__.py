"""Machine-independent representation of a circuit: levels of rotations and dense matrices."""
