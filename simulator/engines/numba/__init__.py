"""The engine that numba compiles: vectors, threads, tables and kernels."""
