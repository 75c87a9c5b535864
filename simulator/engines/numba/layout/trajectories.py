"""Columns of the jumps of a trajectory: one row per jump."""

(
    QUBITS,  # number of qubits that the jump acts on
    OPERATORS,  # number of its matrices
    PIVOTS,  # where the pivots begin in the list of indices,
    MEMBERS,  # and the members of the first coset
    MATRICES,  # where the first matrix begins
    WEIGHTS,  # where the given probabilities begin, or DRAWN_BY_STATE
    DRAW,  # number of its random number
    CLBIT,  # classical bit that receives the outcome, or -1
    TESTS,  # its conditions: the first,
    LAST_TEST,  # and the last
) = range(10)
COLUMNS = 10
DRAWN_BY_STATE = -1  # probabilities come from the state
