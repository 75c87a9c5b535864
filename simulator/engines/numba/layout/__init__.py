"""The packed tables: what the table builders write and the kernels read.

Every section number, kind and column stands here once, by name, in files without numba that the writers (`tables`,
`reordering`, `simulator.noise`) and the readers (`kernels`) import. A table is an integer array; a record is one of its
rows, or a run of entries in a list of integers.

========================  ============================================================================
`layout.sections`         the sections of a program's packed integers and floats, and their columns
`layout.scratch`          the sizes and sections of a thread's scratch memory
`layout.passes`           the kinds of passes over a state, and the columns of each
`layout.stages`           a stage of a large state, and its factored phases
`layout.transfer`         passes over a density matrix
`layout.trajectories`     steps of a trajectory
`layout.reordering`       a pass that moves amplitudes of a large state
`layout.queues`           the counters that threads share
========================  ============================================================================
"""
