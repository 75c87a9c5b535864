"""Counters that the threads of a kernel share."""

# Of the kernels of tiles
NEXT = 0  # the next tile
DONE = 1  # number of finished tiles
READY = 2  # PREPARED and more once the shared coefficients are there
PREPARED = 1 << 32
TILE_COUNTERS = 3

# Of the kernels that take pieces of one state
NEXT_PIECE = 0
LAST_PIECE = 1  # where to end: lowered to stop early

# Of a loop that shares calls among threads
OPEN = 0
INSIDE = 1
CLOSED = -1
GATE_COUNTERS = 2
