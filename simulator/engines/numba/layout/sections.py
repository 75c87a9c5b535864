"""Sections of a program's constants.

The constants come to the kernels as ``packed = (integers, floats, matrices)``. The integers begin with the layout of
the scratch memory (`layout.scratch`) and a directory: for each section, where it begins and its length. Sections of
floats are numbered together with those of integers.
"""

(
    PASSES,  # table, columns in `layout.passes`
    TERMS,  # table: the Z strings of the phase passes
    SLOT_KINDS,  # table: one row per slot
    IS_LOCAL,  # per slot, whether its angle differs from sample to sample
    LOCAL_SLOTS,  # the slots whose angles do
    LOCAL_NEEDED,  # numbers of the local slots in this order whose derivatives are wanted
    LOCAL_STARTS,  # their angles as sparse rows of the inputs: where each row begins,
    LOCAL_COLUMNS,  # the inputs,
    LOCAL_FACTORS,  # floats: and their factors
    CHAIN_STARTS,  # per stored qubit, where its gates of the product state begin
    CHAIN,  # table: the gates of the product state
    GROUPS,  # table: observables' strings that share an x mask
    STRINGS,  # table: the strings of the groups
    STRING_WEIGHTS,  # floats: the factor of each string
    DENSE_SPECS,  # the integers of the dense passes, see `layout.passes`
    CONSTANTS,  # floats: the constant part of each slot's angle
    WEIGHT_STARTS,  # all slots' angles as sparse rows of the weights: where each row begins,
    WEIGHT_COLUMNS,  # the weights,
    WEIGHT_FACTORS,  # floats: and their factors
    LOCAL_LIMIT,  # one float: see `kernels.angles.limit`
    CHAIN_SPLITS,  # per stored qubit, the first of its gates behind all whose angles differ from sample to sample
    OCTETS,  # the first members of the fused passes' cosets, see `kernels.fused`
    SEGMENTS,  # table: consecutive passes that a tile's state takes block by block
) = range(23)

SEGMENT_FIRST, SEGMENT_LAST = 0, 1  # its passes
SEGMENT_BITS = 2  # bits of the number of octets of a block; of segments of one fused pass the whole state is a block
SEGMENT_GROUP = 3  # the segment that begins its group: fused passes that commute, only the first one with phases
SEGMENT_COLUMNS = 4

TERM_Z, TERM_SLOT, TERM_COLUMNS = 0, 1, 2

SLOT_KAPPA = 0  # sign of the sine: 1 or -1
SLOT_LANE_Z = 1  # the z mask's bits on lanes
SLOT_IS_ROTATION = 2  # whether coefficients are made of the angle
SLOT_COLUMNS = 3

CHAIN_SLOT, CHAIN_AXIS, CHAIN_COLUMNS = 0, 1, 2
AXIS_Z, AXIS_Y, AXIS_X = range(3)

GROUP_X, GROUP_LANE_X = 0, 1  # the x mask's bits on vectors, and on lanes
GROUP_PLANE = 2  # 0 if popcount(x & z) is even, 1 if it is odd
GROUP_FIRST, GROUP_LAST = 3, 4  # the group's strings
GROUP_COLUMNS = 5

STRING_Z, STRING_OBSERVABLE, STRING_COLUMNS = 0, 1, 2

# The coefficients of a rotation, one vector each; see `kernels.passes`
COSINE, SINE, MINUS_SINE, SIGN, MINUS_SIGN = range(5)
COEFFICIENTS = 5
