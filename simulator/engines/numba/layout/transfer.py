"""Columns of the passes over a density matrix of Pauli coefficients: one row per pass."""

(
    KIND,  # TRANSFER or EXCHANGE
    PLACES,  # number of places (qubits) that the pass acts on
    SIZE,  # 4**PLACES, the coefficients of a coset
    PIVOTS,  # where the pivots begin in the list of indices,
    MEMBERS,  # and the members of the first coset
    MATRIX,  # where the transfer matrix begins
    LOCAL,  # whether it differs from sample to sample
    GRADIENT,  # where its derivative goes; -1 if it is not wanted
) = range(8)
COLUMNS = 8
TRANSFER, EXCHANGE = 0, 1
ROW = 16  # coefficients of places 0 and 1
