"""SciPy's minimisers, which run their own loop and hold their state internally."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np

from simulator.names import choose

METHODS: Mapping[str, bool] = MappingProxyType(
    {
        "l-bfgs-b": True,
        "bfgs": True,
        "cg": True,
        "newton-cg": True,
        "tnc": True,
        "slsqp": True,
        "trust-constr": True,
        "cobyla": False,
        "cobyqa": False,
        "nelder-mead": False,
        "powell": False,
    }
)
"""Methods by name, with whether each uses the gradient."""


@dataclass(frozen=True)
class SciPy:
    """Method of ``scipy.optimize.minimize``; one epoch of training is one of its iterations, on all rows.

    Parameters
    ----------
    method : name in SciPy, in upper or lower case
    options : options of the method, as SciPy takes them
    """

    method: str = "l-bfgs-b"
    options: Mapping[str, Any] | None = None

    evaluations_per_step: ClassVar[None] = None
    """None, because the number of evaluations in a line search is not known in advance."""

    chooses_steps: ClassVar[bool] = True
    """Whether the method determines how far it moves."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", choose("SciPy method", self.method, METHODS))

    @property
    def uses_gradient(self) -> bool:
        """Whether the method uses derivatives."""
        return METHODS[self.method]

    def init(self, weights: np.ndarray) -> dict[str, Any]:
        """Return an empty state: SciPy holds its state internally."""
        return {}

    def minimize(
        self,
        function: Callable[[np.ndarray], Any],
        weights: np.ndarray,
        iterations: int,
        after_iteration: Callable[[np.ndarray], None],
    ) -> tuple[bool, str]:
        """Run until SciPy stops or either function raises.

        Parameters
        ----------
        function : function from weights to loss, or to (loss, gradient) if ``uses_gradient``
        weights : float ndarray, shape (n_weights,)
        iterations : maximum number of iterations that the caller allows; SciPy's limits are set beyond it
        after_iteration : function called with the weights of each iteration; raises to stop

        Returns
        -------
        bool, str
            Whether SciPy reports success, and its message.
        """
        from scipy.optimize import minimize  # imported here because it would take a third of the time of `import qml`

        result = minimize(
            lambda x: function(x.copy()),
            weights,
            method=self.method,
            jac=True if self.uses_gradient else None,
            callback=lambda x, *_: after_iteration(np.array(x)),
            options=self._limits(iterations, weights.size) | dict(self.options or {}),
        )
        return bool(result.success), str(result.message)

    def _limits(self, iterations: int, n_weights: int) -> dict[str, int]:
        """SciPy counts iterations in some methods, evaluations in others; an iteration takes a few evaluations."""
        evaluations = 100 * (iterations + 1) + 10 * n_weights
        if self.method == "tnc":
            return {"maxfun": evaluations}
        if self.method == "cobyla":
            return {"maxiter": evaluations}
        if self.method == "cobyqa":
            return {"maxiter": evaluations, "maxfev": evaluations}
        if self.method == "l-bfgs-b":
            return {"maxiter": iterations + 1, "maxfun": evaluations}
        return {"maxiter": iterations + 1}
