"""A pass that moves the amplitudes of a large state to other places: a list of integers with a head."""

(
    BLOCK_BITS,  # bits of a block
    BLOCKS_BITS,  # bits of the number of blocks
    OFFSET,  # the place of b
    VECTORS,  # where the list of changes of a vector's index begins,
    PLACES,  # of changes of the place of what it becomes,
    ORIGINS,  # of a block's index by each bit of its number,
    BASES,  # of its place by each bit of its number,
    LANES,  # of the places of a vector's lanes
) = range(8)
HEAD = 8
