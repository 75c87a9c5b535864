"""The layout of a thread's scratch memory: the first entries of a program's packed integers."""

# Sizes and choices
QUBITS = 0
BITS = 1  # of a block of phases
OBSERVABLES = 2
SLOTS = 3  # number of angles
START = 4  # PRODUCT_STATE or GIVEN_STATE
FIRST_NEEDED = 5  # the first pass whose derivative is wanted
CHAIN_NEEDED = 6  # whether a derivative of the product state's gates is wanted: 0, 1 or ENCODING_NEEDED
STATE = 7  # floats of a state
FOLD = 8  # mask of the bits by which `tables.swizzle` moves amplitudes of a tile; 0 if it moves none
DOUBLED = 9  # the first pass of the doubled layer, see `kernels.doubled`; the number of passes if there is none
DOUBLED_Z = 10  # the observable's mask z in the order of that layer's table
STREAMED = 11  # whether each segment reads the states of a tile from memory

# Where each section of the scratch begins, in floats; a section ends where the next one begins
(
    PSI,  # the states of a tile
    LAM,  # their adjoint states
    ROTATIONS,  # coefficients that differ from sample to sample
    THETA,  # angles, a vector per slot
    TABLES,  # phase tables that differ from tile to tile
    BUFFER,  # a block's Walsh-Hadamard transform
    GRADIENT,  # derivatives, a vector per slot
    PAIRS,  # amplitudes of the product state's qubits
    DUALS,  # and their adjoints, see kernels.encoding
    VALUES,  # expectations, a vector per observable
    SCRATCH,  # a coset of a dense matrix
    BLOCK,  # a block's phases
    END,
) = range(12, 25)

SKEW = 33  # vectors: half a page and a line, by which two states are shifted, to keep them in different cache sets
FOLD_BITS = 5  # of the number of a vector within a way of the first-level cache, of 4096 bytes
PRODUCT_STATE, GIVEN_STATE = 0, 1
ENCODING_NEEDED = 2  # also one of a gate up to the last one whose angle differs from sample to sample
