"""Arrays of a schedule of stages."""

X, Z = 0, 1  # masks of a string

# A member in its stage
(
    MEMBER,  # its number in the levels that are cut into stages
    STRING,  # its first string in the stage's basis
    LEVEL,  # its level, counted over all stages
    MERGED,  # the earlier member of the schedule to whose angle its own is added, or -1
    NEGATED,  # whether its angle changes its sign
) = range(5)
PLACED_COLUMNS = 5

# A level of a stage
ORDERED = 0  # whether some of its members do not commute
DIAGONAL, MOVING, DENSE = 0, 1, 2  # kinds
KIND = 1
LEVEL_COLUMNS = 2

# A stage
LAST_LEVEL, BLOCK_BITS = 0, 1  # one past its last level; number of qubits of its blocks
STAGE_COLUMNS = 2
