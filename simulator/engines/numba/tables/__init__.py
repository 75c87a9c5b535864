"""The constant arrays of a program, as the kernels of the numba engine read them."""
