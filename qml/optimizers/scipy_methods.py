"""SciPy's minimisers, which run by themselves and keep their state inside."""

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
"""Method -> whether it uses the gradient."""


@dataclass(frozen=True)
class SciPy:
    """A method of ``scipy.optimize.minimize``; one epoch of training is one of its iterations, on all rows.

    Parameters
    ----------
    method : one of SciPy's names, in any case
    options : the method's own options, as SciPy takes them
    """

    method: str = "l-bfgs-b"
    options: Mapping[str, Any] | None = None

    evaluations_per_step: ClassVar[None] = None
    """Not known beforehand: a line search evaluates the objective as often as it needs to."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "method", choose("SciPy method", self.method, METHODS))

    @property
    def uses_gradient(self) -> bool:
        """Whether the method asks for derivatives."""
        return METHODS[self.method]

    def init(self, weights: np.ndarray) -> dict[str, Any]:
        """No state: SciPy keeps it inside."""
        return {}

    def minimize(
        self,
        function: Callable[[np.ndarray], Any],
        weights: np.ndarray,
        iterations: int,
        after_iteration: Callable[[np.ndarray], None],
    ) -> tuple[bool, str]:
        """Run until SciPy is satisfied or either function raises.

        Parameters
        ----------
        function : weights -> loss, or (loss, gradient) if ``uses_gradient``
        weights : float ndarray, shape (n_weights,)
        iterations : how many the caller will let happen; SciPy's own limits are put where they come later
        after_iteration : called with the weights of each iteration; raises to stop

        Returns
        -------
        bool, str
            Whether SciPy calls it a success, and its message.
        """
        from scipy.optimize import minimize  # here: it would be a third of the time of `import qml`

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
