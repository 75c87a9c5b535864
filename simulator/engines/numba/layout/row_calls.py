"""Table of calls that can be made on some of the rows of a batch; see `kernels.row_calls`."""

# Of a row of the table
BRIDGE = 0
BLOCK = 1
WORDS = 2  # number of words of the block
ARRAYS = 3  # number of arrays with rows of the batch
FIRST_ARRAY = 4  # where the first of these arrays begins

# Of each of these arrays
PLACE = 0  # of its first word in the block
ROW_BYTES = 1
ROW_ENTRIES = 2  # number of its entries that belong to a row of the batch
ROW_LENGTH = 3  # length of its first axis that belongs to a row of the batch, usually 1
ARRAY_WORDS = 4

# Of the words of an array in a block, in the order in which numba passes them
SIZE = 2
ADDRESS = 4
LENGTH = 5  # of the first axis
