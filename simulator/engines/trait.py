"""Interface of engines: the calculations on programs, independent of the hardware.

A `Program` describes a computation independent of any machine. An engine runs programs and stores the data it derives
from them (tables, device arrays). A new engine is a class with these methods; `simulator.engines.choice` selects the
engine, and the tests of `tests/simulator/engines/test_engine.py` run on every engine listed there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.observables import PauliSum
from simulator.program.program import Program
from simulator.program.superoperators import SuperoperatorProgram
from simulator.program.trajectories import TrajectoryProgram

__all__ = ["Cotangent", "Engine", "NoisyEngine", "PreparedSweep", "StateCotangent"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Cotangent = Callable[[FloatArray, slice], FloatArray]
PreparedSweep = Callable[[FloatArray, slice], FloatArray | None]
StateCotangent = Callable[[NDArray[Any]], NDArray[Any]]


class NoisyEngine(Protocol):
    """Interface of the part of an engine that runs noisy programs.

    Results are in double precision, and bit-identical for any number of threads.

    The methods on density matrices take the number of ``samples``; ``matrices``, the transfer matrices of each group
    of the program, shape (members, n_samples, s, s), or (members, 1, s, s) for a group that does not vary, which may be
    computed on demand; and ``start``, the initial coefficients, shape (n_samples or 1, 4**n), of a program with an
    explicit start, and None otherwise.
    """

    def trajectories(
        self, program: TrajectoryProgram, observables: Sequence[PauliSum], uniforms: FloatArray, final: FloatArray
    ) -> tuple[FloatArray, IntArray, IntArray]:
        """Run trajectories whose random numbers are given.

        Parameters
        ----------
        program : TrajectoryProgram
        observables : sequence of PauliSum
        uniforms : float64 ndarray, shape (n_trajectories, program.draws)
            Uniform random numbers in [0, 1): one for each jump with several matrices, in order.
        final : float64 ndarray, shape (n_trajectories,) or (0,)
            Uniform random numbers that measure all qubits at the end, if they are given.

        Returns
        -------
        values : float64 ndarray, shape (n_trajectories, n_observables)
            Expectations in each trajectory's final state.
        bits : int64 ndarray, shape (n_trajectories, num_clbits)
        outcomes : int64 ndarray, shape of ``final``

        Raises
        ------
        StateTooLargeError
            If the states do not fit in memory.
        """

    def density_expectations(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        start: FloatArray | None = None,
    ) -> FloatArray:
        """Expectations of the program's strings, shape (n_samples, n_strings)."""

    def density_states(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        start: FloatArray | None = None,
    ) -> FloatArray:
        """Coefficients of all strings in the final states, shape (n_samples, 4**n)."""

    def density_sweep(
        self,
        program: SuperoperatorProgram,
        samples: int,
        matrices: Iterable[FloatArray],
        cotangent: Callable[[FloatArray], FloatArray],
        start: FloatArray | None = None,
    ) -> tuple[Sequence[FloatArray], FloatArray | None]:
        """Derivatives of any function of the strings' expectations.

        Parameters
        ----------
        program : SuperoperatorProgram
        samples : int
        matrices : iterable of float64 ndarray
        cotangent : callable
            Function that maps the expectations, shape (n_samples, n_strings), to the derivatives with respect to them.
        start : float64 ndarray, optional

        Returns
        -------
        by_matrices : sequence of float64 ndarray
            For each group, the derivatives with respect to the matrices of its differentiated members, shape (members,
            n_samples, s, s); summed over the samples, (members, 1, s, s), for a group that does not vary.
        by_start : float64 ndarray, shape (n_samples, 4**n), or None
            Derivatives with respect to the initial coefficients of a program with a differentiable start.
        """


class Engine(Protocol):
    """Interface of an engine, which runs programs.

    ``X``, shape (n_samples, n_inputs), and ``weights``, shape (n_weights,), are float64 ndarrays that are contiguous
    and writable, as `simulator.program.values` returns them; an engine need not check them again. Results are
    bit-identical for any number of threads, and states are little-endian: bit q of an index is qubit q.
    """

    @property
    def noisy(self) -> NoisyEngine:
        """The part that runs noisy programs."""

    def check(self, program: Program, samples: int) -> None:
        """Raise an error if ``samples`` states of a program do not fit in memory at once.

        Raises
        ------
        StateTooLargeError
            States the required and the available memory; raised before allocation.
        """

    def states(self, program: Program, X: FloatArray, weights: FloatArray) -> NDArray[Any]:
        """Final states, shape (n_samples, 2**n): complex128, or complex64 in single precision.

        Raises
        ------
        StateTooLargeError
            If they do not fit in memory.
        """

    def expectations(self, program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
        """Expectations of the program's observables, shape (n_samples, n_observables)."""

    def probabilities(
        self, program: Program, X: FloatArray, weights: FloatArray, qubits: tuple[int, ...]
    ) -> FloatArray:
        """Probabilities of the outcomes on some qubits, shape (n_samples, 2**k), as `sweep` computes them."""

    def sweep(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        cotangent: FloatArray | Cotangent,
        inputs: bool = False,
        qubits: tuple[int, ...] | None = None,
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Expectations, or probabilities of outcomes, and derivatives of any function of them.

        Parameters
        ----------
        program : Program
        X, weights : float64 ndarray
        cotangent : float64 ndarray, shape (n_samples, n_observables), or callable
            Derivative of the function with respect to each expectation; or a callable that returns it for the
            expectations of consecutive rows, shape (n, n_observables), and their slice. It is called once per chunk
            of rows.
        inputs : bool
            Whether to differentiate with respect to X as well.
        qubits : tuple of k int, optional
            Qubits whose probabilities, shape (n_samples, 2**k), take the place of expectations, in double precision
            also of states in single precision; bit j of an outcome is ``qubits[j]``. The program has no observables.

        Returns
        -------
        values : float64 ndarray, shape (n_samples, n_observables)
        by_weights : float64 ndarray, shape (n_weights,)
            Summed over the samples.
        by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None
        """

    def prepared_sweep(
        self,
        program: Program,
        weights: FloatArray,
        by_weights: FloatArray,
        cotangent: Cotangent,
        inputs: bool = False,
        qubits: tuple[int, ...] | None = None,
    ) -> PreparedSweep:
        """Prepare `sweep` for many batches at weights that change in place, as in the steps of a training run.

        Parameters
        ----------
        program : Program
        weights : float64 ndarray, shape (n_weights,)
            Read anew in every call.
        by_weights : float64 ndarray, shape (n_weights,)
            Every call adds its derivatives with respect to the weights.
        cotangent : callable
            As for `sweep`; it is called with the slices of the call's rows.
        inputs : bool
            Whether to differentiate with respect to X as well.
        qubits : tuple of int, optional
            As for `sweep`.

        Returns
        -------
        callable
            Function of X and the slice of the rows that X is part of, which returns ``by_inputs``, shape (n_samples,
            n_inputs), or None. One thread at a time may call it.
        """

    def sweep_calls(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        values: FloatArray,
        cotangent: FloatArray,
        by_weights: FloatArray,
        by_inputs: FloatArray | None,
        qubits: tuple[int, ...] | None,
        between: list[Any],
    ) -> list[Any] | None:
        """Prepare `sweep` as calls that a compiled loop makes, see `simulator.engines.host.loops`.

        Parameters
        ----------
        program : Program
        X, weights, cotangent : float64 ndarray
            Read anew by every call; their contents may change.
        values, by_weights, by_inputs : float64 ndarray
            Overwritten with the results of `sweep`, up to rounding; ``by_inputs`` is None if it is not wanted.
        qubits : tuple of int, or None
            As for `sweep`.
        between : list of `simulator.engines.host.loops.Call`
            Calls that compute the cotangent from ``values``. If all of them can be made on some rows, see ``rows`` of
            `Call`, the engine may make them on the rows of a few samples at a time.

        Returns
        -------
        list or None
            All calls of the sweep, those between included; None if it needs Python, as one in several chunks does.
        """

    def expectation_calls(
        self, program: Program, X: FloatArray, weights: FloatArray, values: FloatArray
    ) -> list[Any] | None:
        """Prepare `expectations`, which overwrite ``values``, as calls like those of `sweep_calls`."""

    def state_sweep(
        self, program: Program, X: FloatArray, weights: FloatArray, cotangent: StateCotangent, inputs: bool = False
    ) -> tuple[FloatArray, FloatArray | None]:
        """Derivatives of any function of all samples' final states; the program has no observables.

        Parameters
        ----------
        program : Program
        X, weights : float64 ndarray
        cotangent : callable
            Function that maps all final states ``psi``, shape (n_samples, 2**n), to ``v`` of the same shape with
            ``df = Re sum(conj(v) * d psi)``.
        inputs : bool
            Whether to differentiate with respect to X as well.

        Returns
        -------
        by_weights : float64 ndarray, shape (n_weights,)
        by_inputs : float64 ndarray, shape (n_samples, n_inputs), or None
        """

    def tangents(self, program: Program, X: FloatArray, weights: FloatArray) -> FloatArray:
        """Derivatives of the final states with respect to the weights, without their parts along the state.

        Computed in double precision, with all gates, whatever the program's precision and observables.

        Returns
        -------
        float64 ndarray, shape (n_samples, 2 * 2**n, n_weights)
            ``T`` such that ``T[s].T @ T[s]`` is the Fubini-Study metric of sample s: real and imaginary parts of
            ``(1 - |psi><psi|) d_k psi``, up to an order of the amplitudes that all samples share.

        Raises
        ------
        StateTooLargeError
            If they do not fit in memory.
        QumbaError
            If an initial amplitude depends on a weight.
        """

    def fidelities(
        self,
        program: Program,
        X: FloatArray,
        weights: FloatArray,
        Y: FloatArray | None = None,
        out: NDArray[Any] | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> NDArray[Any]:
        """Fidelities between the final states of the samples X and Y; Y is X by default.

        Parameters
        ----------
        program : Program
        X, weights : float64 ndarray
        Y : float64 ndarray, shape (n_others, n_inputs), optional
        out : C-contiguous ndarray or memmap, shape (n_samples, n_others), optional
            float64, or float32 in single precision.
        progress : callable, optional
            Function called with the number of finished entries.

        Returns
        -------
        ndarray, shape (n_samples, n_others)
            Each entry is bit-identical for any number of samples; symmetric without ``Y``.
        """

    def fidelities_of_states(
        self, a: NDArray[Any], b: NDArray[Any] | None = None, out: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """Squared overlaps of the rows of ``a`` with those of ``b``, or among the rows of ``a``.

        Parameters
        ----------
        a, b : complex ndarray, shapes (n_samples, 2**n) and (n_others, 2**n)
            States of the same precision.
        out : C-contiguous ndarray, shape (n_samples, n_others), optional

        Returns
        -------
        ndarray, shape (n_samples, n_others)
            float64, or float32 for complex64 states.
        """

    def draw(self, values: NDArray[Any], shots: int, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
        """Draw ``shots`` measurement outcomes.

        Parameters
        ----------
        values : ndarray, shape (m,)
            Amplitudes, complex64 or complex128, or probabilities, float64. Neither need be normalised.
        shots : int
        rng : numpy.random.Generator

        Returns
        -------
        outcomes : int64 ndarray
            Distinct outcomes in ascending order.
        counts : int64 ndarray
            Count of each outcome; the sum is ``shots``.

        Raises
        ------
        ValueError
            If no outcome has a finite, positive probability.
        """

    def marginal(self, amplitudes: NDArray[Any], qubits: tuple[int, ...]) -> FloatArray:
        """Probabilities of the outcomes on some qubits of a state, shape (2**k,); bit j is ``qubits[j]``."""
