"""A pass that moves the amplitudes of a large state to other places: a list of integers with a head."""

(
    BLOCK_BITS,  # bits of a block
    BLOCKS_BITS,  # bits of the number of blocks
    SOURCE,  # index from which block 0 is copied
    OFFSET,  # place of what becomes its first amplitude
    SOURCES,  # where the list of changes of the index of a vector that is copied begins,
    VECTORS,  # of changes of the index of a vector that is written,
    PLACES,  # of changes of the place of what it becomes,
    ORIGINS,  # of the index of what is written by each bit of a block's number,
    SOURCE_ORIGINS,  # of the index of what is copied by each bit of its number,
    BASES,  # of its place by each bit of its number,
    LANES,  # of the places of a vector's lanes
) = range(11)
HEAD = 11
