"""A stage of a large state: a list of integers with a head."""

(
    BLOCK_BITS,  # bits of the number of a block's vectors
    BLOCKS_BITS,  # bits of the number of blocks
    PART_BITS,  # bits of the number of a part's amplitudes
    SOURCES,  # where the list of changes of a vector's index begins,
    PLACES,  # of changes of its place in the block,
    REST,  # of the basis vectors that tell blocks apart,
    SEGMENTS,  # and of the segments
    SEGMENT_COUNT,  # number of segments
    SPECS,  # where the list of the factored passes' specs begins
    FACTORS,  # number of factored passes
    REACHED,  # how many blocks, from the first on, can differ from zero when the stage begins
) = range(11)
HEAD = 11

# A segment: passes that are done part by part
SEGMENT_BITS = 0  # bits of the number of parts
SEGMENT_FIRST, SEGMENT_LAST = 1, 2  # numbers of its passes
SEGMENT = 3

# The spec of a factored pass: phases as a product of a table of the block and of one table per group of classes
BLOCK_FIRST, BLOCK_LAST = 0, 1  # terms of the block's table
CONSTANT_FIRST, CONSTANT_LAST = 2, 3  # terms that do nothing within a part
GROUPS = 4  # number of groups, at least 1
FACTOR_HEAD = 5  # where the first group begins
CLASSES = 5  # maximum number of classes in a group
MAX_CLASSES = 40  # maximum number of classes in a pass; more strings than that are better transformed

# A group: the number of its classes, where its list of places begins, then its classes
GROUP_CLASSES, GROUP_PLACES, GROUP_HEAD = 0, 1, 2
CLASS_LANES, CLASS_FIRST, CLASS_LAST, CLASS = 0, 1, 2, 3  # lane mask, first and last term
GROUP = GROUP_HEAD + CLASS * CLASSES
