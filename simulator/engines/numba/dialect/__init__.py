"""Types and functions with which kernels work in place of numba's, whose code is many times as long."""
