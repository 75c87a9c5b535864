"""Constant arrays of a program, in the format that the kernels of the numba engine read."""
