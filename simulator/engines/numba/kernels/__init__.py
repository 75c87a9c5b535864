"""Compiled kernels, which map arrays and integers to arrays. They handle matrices and masks but not gates.

A state is an array of vectors (`simulator.engines.numba.simd`), each a block ``[re x W][im x W]``. What the lanes of a
vector hold is the ``lanes`` argument of every kernel:

* ``None``: lanes are W samples, and vector I is amplitude I of each of them.
* an integer L: lanes are the lowest L qubits of one sample, and amplitude i is lane ``i & (W - 1)`` of
  vector ``i >> L``.

numba compiles one version of each kernel for each use of the lanes from the same source.
"""
