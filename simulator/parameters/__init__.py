"""Parameters of circuits, and affine expressions of them."""

from simulator.parameters.expressions import VECTOR_ELEMENT, Expression, Parameter, ParameterVector, as_angle

__all__ = ["VECTOR_ELEMENT", "Expression", "Parameter", "ParameterVector", "as_angle"]
