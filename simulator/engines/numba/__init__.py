"""Engine compiled by numba: vectors, threads, tables and kernels."""
