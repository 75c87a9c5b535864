"""PennyLane `lightning.qubit` with its adjoint method, through a broadcast QNode."""

from functools import partial

from benchmarks.peers import pennylane_adjoint

train = partial(pennylane_adjoint.train, variant="lightning.qubit")
predict = partial(pennylane_adjoint.predict, variant="lightning.qubit")
