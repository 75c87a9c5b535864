"""numba's type inference without repetitions.

numba infers the types of a function's variables by evaluating the constraints that its statements put on them, all of
them again and again until no type changes. Most functions need one round, so that half of the time is spent on finding
out that the second one changes nothing.
"""

from __future__ import annotations

from typing import Any

from numba.core import typeinfer
from numba.core.errors import TypingError

__all__ = ["Inference"]


class Inference(typeinfer.TypeInferer):  # type: ignore[misc]
    """numba's inference of the types of a function's variables."""

    def __init__(self, context: Any, func_ir: Any, warnings: Any) -> None:
        super().__init__(context, func_ir, warnings)
        self.typevars, self.constraints = _Variables(), _Constraints()
        self.typevars.set_context(context)


class _Variables(typeinfer.TypeVarMap):  # type: ignore[misc]
    """Variables by name, and a list of those that were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[Any] = []

    def __getitem__(self, name: str) -> Any:
        variable = super().__getitem__(name)
        self.read.append(variable)
        return variable


class _Constraints(typeinfer.ConstraintNetwork):  # type: ignore[misc]
    """Constraints that are evaluated again only if there is a reason to."""

    def append(self, constraint: Any) -> None:
        super().append(_Constraint(constraint))

    def propagate(self, inference: Any) -> list[Any]:
        """Evaluate the constraints that are due; return the errors, which more types may mend."""
        errors = []
        for constraint in self.constraints:
            if constraint.is_due():
                try:
                    constraint(inference)
                except TypingError as error:
                    errors.append(error)
        return errors


class _Constraint:
    """A constraint that knows the variables that it read."""

    def __init__(self, constraint: Any) -> None:
        self.constraint = constraint
        self.known: list[tuple[Any, Any]] | None = None  # variables and their types after the last evaluation

    def is_due(self) -> bool:
        """Whether the last evaluation failed or the type of a variable has changed that it read."""
        return self.known is None or any(variable.type is not known for variable, known in self.known)

    def __call__(self, inference: Any) -> None:
        self.known, inference.typevars.read = None, []
        self.constraint(inference)
        self.known = [(variable, variable.type) for variable in inference.typevars.read]
