"""Counters that the threads of a kernel share."""

# Of the kernels of tiles
NEXT = 0  # number of tiles claimed from the front, and `FROM_BACK` for each tile claimed from the back
FROM_BACK = 1 << 32
DONE = 1  # number of finished tiles
READY = 2  # number of threads that have begun, and PREPARED once the shared coefficients are there
PREPARED = 1 << 32
ARRIVED = 3  # number of threads that have begun
REFUSED = 4  # number of calls on rows of a tile that were refused

# Of the kernels that take pieces of one state
NEXT_PIECE = 0
LAST_PIECE = 1  # where to end: lowered to stop early
FINISHED_PIECES = 2  # number of finished pieces, where some wait for others
WAITED = 5  # cycles for which a thread has waited for others' pieces; the most of all threads

# Of all queues
LEAD = 8  # address of the bridge that a shared kernel calls; followed by that one's arguments
MOST, BOARD, HELPERS = LEAD + 2, LEAD + 3, LEAD + 4  # of these arguments, those that do not depend on the kernel
RECORD = LEAD + 5  # the record of the kernel's call
QUEUE_WORDS = 16

# Of a record of a call, which helpers read: addresses
BRIDGE = 0
BLOCK = 1
RECORD_WORDS = 2

# Of a row of a loop's table of calls, which begins with the record. The times lie in another cache line.
MOST_HELPERS = 2  # number of helpers that may take part
ALONE = 8  # recent average duration in cycles of the call without helpers, 0 if unknown
SHARED = 9  # and with helpers
TRIAL = 10  # number of calls that were made to know these times
UNTAKEN = 11  # number of calls in a row that were posted, but that no helper has taken
PAYS = 12  # in the first row: number of calls that pay with helpers
ROW_WORDS = 16

# Of a helper thread's mailbox. What the helper polls, what it reads and what only callers use are in three cache lines.
STATE = 0
EXPECTING = 1  # whether a call is about to come, so that the helper should not fall asleep
SCRATCH = 8  # address of the helper's scratch
PREVIOUS = 16  # the mailbox to which the same caller posted before; below 0 if to none
BARRED = 17  # time in cycles until which the helper gets no calls
MAILBOX_WORDS = 24

# Values of a mailbox's state; any larger one is the address of the record of a posted call
FREE = 0  # open to calls; the only state in which a helper falls asleep
TAKEN = 1  # the helper makes the call
RETURNED = 2  # the call has returned; its caller frees the mailbox
ASLEEP = 3  # the helper waits for Python to wake it
LAST_STATE = ASLEEP
