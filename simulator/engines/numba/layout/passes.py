"""Passes over a state: a row each, its kind first.

Masks are those of vectors (amplitudes' indices without the lanes' bits) unless a name says lane.
"""

KIND = 0  # first column of every row
KINDS = range(1, 11)
ROTATION, ROTATION_PAIR, LANE_ROTATION, PHASES, DENSE, LIKE_X, LIKE_Y, FACTORED, TWO_QUBIT, FUSED = KINDS
COLUMNS = 20

NEEDED = 7  # whether the pass's derivative is wanted: of ROTATION, LANE_ROTATION, PHASES, FACTORED

# ROTATION, LANE_ROTATION, and the first of a ROTATION_PAIR
SLOT, LOCAL, X, LANE_X, Z, SWAP = range(
    1, 7
)  # LOCAL: the angle differs from sample to sample; SWAP: see kernels.passes
SECOND = 7  # the columns of a pair's second rotation follow the first's by this much
CROSS_A, CROSS_B = 15, 16  # parities of x2 & z1, and of x1 & z2
LOW, HIGH = 17, 18  # pivots: bits of a pair's or quadruple's index that are zero in its first member

# PHASES
OFFSET = 1  # where the table begins
PLACE = 2  # where it is:
STORED, PER_TILE, ON_THE_FLY, REPEATED = 0, 1, 2, 3  # REPEATED: that of an earlier pass with the same phases
FIRST_TERM, LAST_TERM = 3, 4

# DENSE and TWO_QUBIT
SPEC = 1  # where the integers of a DENSE pass begin in their section
MATRIX, UNDO, UNDO_ADJOINT = 2, 3, 4  # where the matrix, its inverse and its adjoint begin

# The integers of a DENSE pass: k, rank, then `rank` pivots, k masks z, 2**rank members of the coset, and for each of
# the 2**k sums of masks x the number of its member and its lane mask
DENSE_STRINGS, DENSE_RANK, DENSE_PIVOTS = 0, 1, 2

# LIKE_X, LIKE_Y: up to three rotations in one trip through a block
COUNT = 1
FIRST, EACH = 2, 4  # where the first rotation's columns begin, and how many each has:
MEMBER_SLOT, MEMBER_LOCAL, MEMBER_X, MEMBER_Z = range(4)  # behind the last rotation: masks x that complete an octet
PIVOTS = 14
MOST = 3  # rotations in a pass: eight amplitudes are all that registers hold

# FACTORED
NUMBER = 2  # which of the stage's factored passes it is

# TWO_QUBIT, behind the columns that it shares with DENSE
HOW = 5  # what its masks move:
VECTORS, MIXED, LANES = 2, 1, 0
MASK, OTHER, ROW_Z, OTHER_Z, FIRST_PIVOT, LAST_PIVOT, FIRST_D, SECOND_D, TWIN = range(6, 15)
WITH_ZEROS = 15  # whether the matrix, but not what undoes it, has zeros for the qubit of MASK, see tables.zeros

# FUSED: two or three rotations, all with shared angles or all with angles that differ from sample to sample. The first
# pass of a layer has the phases before it, too, in the columns FIRST_TERM, LAST_TERM and NEEDED of PHASES, and OFFSET,
# which is negative in the other passes
COSETS = 2  # where the sums of its cosets' first members begin in their section
FUSED_COUNT = 5  # number of rotations; if there are two, the third has the angle 0
NUMBERS = 6  # where its numbers begin in the memory of the tables:
TANGENTS, SHARES, COSINES, BACK = 0, 3, 4, 5  # in vectors, see kernels.fused
EACH_NUMBERS = 2 * BACK  # those of the way back follow the others
FLIP, PHASE_SHARE, SCALE, FLIP_Z = 3, 4, 5, 6  # in the vector of the three shares, behind them
FUSED_SLOT, FUSED_X, FUSED_Z = 8, 11, 14  # three columns each; x as places of floats, z in the order of the table
FUSED_LOCAL = 17  # 0, or, where angles differ from sample to sample, the passes of its run so far, itself included
FUSED_NEEDED = 18  # whether a derivative by one of the angles is wanted
RUN_LEFT = 19  # the passes of its run that follow; a run are consecutive passes with one product of cosines
OCTET_BITS = 3
FUSED_SUMS = 3  # vectors of derivatives
