"""Parameters of circuits, and affine expressions of them."""

from simulator.lazy import only_public
from simulator.parameters.expressions import VECTOR_ELEMENT, Expression, Parameter, as_angle
from simulator.parameters.vector import ParameterVector

__all__ = ["VECTOR_ELEMENT", "Expression", "Parameter", "ParameterVector", "as_angle"]

__dir__ = only_public(__name__)
