"""Counters that the threads of a kernel share."""

# Of the kernels of tiles
NEXT = 0  # number of claimed tiles
DONE = 1  # number of finished tiles
READY = 2  # PREPARED and more once the shared coefficients are there
PREPARED = 1 << 32
ARRIVED = 3  # number of threads that have begun
ENDS = 4  # numbers of tiles claimed from the front and from the back

# Of the kernels that take pieces of one state
NEXT_PIECE = 0
LAST_PIECE = 1  # where to end: lowered to stop early

# Of all queues
LEAD = 7  # address of the bridge that a shared kernel calls; followed by that one's arguments
QUEUE_WORDS = 15

# Of a helper thread's mailbox
STATE = 0
EXPECTING = 1  # whether a call is about to come, so that the helper should not fall asleep
SCRATCH = 8  # address of the helper's scratch, in another cache line than the state, which the helper polls
BRIDGE = 9  # address of the bridge of the posted call
PREVIOUS = 10  # the mailbox to which the same caller posted before; below 0 if to none
BARRED = 11  # time in cycles until which the helper gets no calls
BLOCK = 16  # the block of the posted call
BLOCK_WORDS = 240
MAILBOX_WORDS = BLOCK + BLOCK_WORDS

# Values of a mailbox's state
FREE = 0  # open to calls; the only state in which a helper falls asleep
CLAIMED = 1  # by a caller that is about to post
POSTED = 2
TAKEN = 3  # the helper makes the call
RETURNED = 4  # the call has returned; its caller frees the mailbox
ASLEEP = 5  # the helper waits for Python to wake it
