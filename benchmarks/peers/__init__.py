"""One adapter for each library.

An adapter is a module with `train(workload)` and `predict(workload)`. Each returns a function without arguments that
does the work once, from NumPy arrays to a NumPy array: `train` gives the loss followed by its gradient with respect to
the weights, `predict` gives <Z0> of each sample. A keyword argument picks a variant. What a library cannot do raises
`NotImplementedError`.
"""

import os

THREADS = int(os.environ.get("BENCHMARK_THREADS", "0")) or os.cpu_count() or 1
