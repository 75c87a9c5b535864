"""Parameters, vectors and affine expressions: algebra, identity, copies, errors."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Expression, Parameter, ParameterError, ParameterVector
from simulator.parameters import as_angle

a, b, c = Parameter("a"), Parameter("b"), Parameter("c")
VALUES = {a: 0.3, b: -1.7, c: 2.9}
property_test = settings(derandomize=True, deadline=None, max_examples=200)

numbers = st.floats(-100, 100)
leaves = numbers | st.sampled_from([a, b, c])
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-"), inner, inner),
        st.tuples(st.just("*"), inner, numbers),
        st.tuples(st.just("r*"), inner, numbers),
        st.tuples(st.just("/"), inner, st.floats(0.1, 10)),
        st.tuples(st.just("neg"), inner),
    ),
    max_leaves=8,
)


def evaluate(tree, leaf):
    if not isinstance(tree, tuple):
        return leaf(tree)
    operator, *inner = tree
    left, *right = (evaluate(part, leaf) for part in inner)
    operations = {
        "+": lambda: left + right[0],
        "-": lambda: left - right[0],
        "*": lambda: left * right[0],
        "r*": lambda: right[0] * left,
        "/": lambda: left / right[0],
        "neg": lambda: -left,
    }
    return operations[operator]()


@property_test
@given(trees)
def test_arithmetic_equals_that_of_the_bound_numbers(tree):
    expression = evaluate(tree, lambda leaf: leaf)
    expected = evaluate(tree, lambda leaf: VALUES.get(leaf, leaf))
    bound = expression.bind(VALUES) if isinstance(expression, Expression) else expression
    assert isinstance(bound, float)
    assert math.isclose(bound, expected, rel_tol=1e-9, abs_tol=1e-8)


@property_test
@given(trees)
def test_pickled_and_copied_expressions_are_equal(tree):
    expression = evaluate(tree, lambda leaf: leaf) + a
    for other in (pickle.loads(pickle.dumps(expression)), copy.deepcopy(expression), copy.copy(expression)):
        assert other == expression
        assert hash(other) == hash(expression)


def test_constant_and_terms():
    expression = 2 * a + 0.1 - b / 4
    assert expression.constant == 0.1
    assert dict(expression.terms) == {a: 2.0, b: -0.25}
    with pytest.raises(TypeError):
        expression.terms[a] = 1.0


def test_a_parameter_is_an_expression_of_itself():
    assert (a.constant, dict(a.terms)) == (0.0, {a: 1.0})
    assert a + b - b == a
    assert hash(a + b - b) == hash(a)
    assert 1.0 * a == a
    assert type(2 * a / 2) is Parameter
    assert +a is a


def test_what_cancels_is_a_number():
    assert a - a == 0
    assert (a - a).bind({}) == 0.0
    assert hash(a - a + 0.5) == hash(0.5)
    assert float(a - a + 0.5) == 0.5
    assert 2 * a != a
    assert a + 1 != 1


def test_equality_is_identity_not_name():
    assert Parameter("a") != Parameter("a")
    assert pickle.loads(pickle.dumps(a)) == a
    assert copy.deepcopy(a) == a
    assert len({a, pickle.loads(pickle.dumps(a)), copy.copy(a), b}) == 2
    assert a != "a"


def test_partial_binding_and_substitution():
    assert (2 * a + b).bind({a: 0.5}) == b + 1
    assert (2 * a + b).bind({a: b + c}) == 3 * b + 2 * c
    assert a.bind({b: 1.0}) is a


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (a, "a"),
        (2 * a + 0.1, "2*a + 0.1"),
        (-a / 2 - b, "-0.5*a - b"),
        (3 - a, "-a + 3"),
        (a - a, "0"),
        (-b - 1, "-b - 1"),
    ],
)
def test_text(expression, text):
    assert str(expression) == text
    assert repr(expression) == f"{type(expression).__name__}({text})"


def test_numpy_numbers_and_arrays():
    assert np.float64(2) * a == 2 * a
    assert a * np.float32(0.5) == a / 2
    assert np.int64(3) - a == 3 - a
    assert list(np.array([1.0, 2.0]) * a) == [a, 2 * a]
    assert list(a + np.array([1.0, 2.0])) == [a + 1, a + 2]
    assert Fraction(1, 2) * a == a / 2


def test_vector():
    x = ParameterVector("x", 3)
    assert [p.name for p in x] == ["x[0]", "x[1]", "x[2]"]
    assert len(x) == 3
    assert x[-1] == x[2]
    assert x[:2] == (x[0], x[1])
    assert x[1] in x
    assert repr(x) == "ParameterVector('x', 3)"
    assert x != ParameterVector("x", 3)
    twin = pickle.loads(pickle.dumps(x))
    assert twin == x
    assert hash(twin) == hash(x)
    assert list(np.array(x) * 2)[1] == 2 * x[1]
    assert len(ParameterVector("empty", 0)) == 0
    with pytest.raises(IndexError, match="x has 3 elements, got index 3"):
        x[3]


@pytest.mark.parametrize(
    "operation",
    [
        lambda: a * b,
        lambda: a * a,
        lambda: 1 / a,
        lambda: a / b,
        lambda: a**2,
        lambda: (a + 1) * (b + 1),
    ],
)
def test_what_is_not_affine_is_refused(operation):
    with pytest.raises(ParameterError, match="affine"):
        operation()


@pytest.mark.parametrize("number", [math.nan, math.inf, 1j, np.complex128(1), "1", None, True, 10**400])
@pytest.mark.parametrize(
    "operation", [lambda n: a + n, lambda n: a - n, lambda n: a * n, lambda n: a / n], ids=["+", "-", "*", "/"]
)
def test_numbers_that_are_not_finite_and_real_are_refused(operation, number):
    with pytest.raises(ParameterError, match="finite real number"):
        operation(number)


def test_other_errors():
    with pytest.raises(ParameterError, match="by zero"):
        a / 0
    with pytest.raises(ParameterError, match="overflowed"):
        a * 1e308 * 10
    with pytest.raises(ParameterError, match="no value for a"):
        float(2 * a)
    with pytest.raises(ParameterError, match="the value of parameter a must be .* got nan"):
        a.bind({a: math.nan})
    for name in ("", 3, None):
        with pytest.raises(ParameterError, match="non-empty string"):
            Parameter(name)
        with pytest.raises(ParameterError, match="non-empty string"):
            ParameterVector(name, 2)
    for length in (-1, 1.5, True, "2"):
        with pytest.raises(ParameterError, match="length of parameter vector x"):
            ParameterVector("x", length)


@pytest.mark.parametrize("value", [0.5, np.float64(0.5), np.float32(0.5), Fraction(1, 2), np.array(0.5), a - a + 0.5])
def test_angles_that_are_numbers(value):
    assert as_angle(value) == 0.5
    assert type(as_angle(value)) is float


def test_angles_that_are_expressions():
    assert as_angle(a) is a
    assert as_angle(2 * a) == 2 * a
    assert as_angle(np.array(a)) is a
    assert as_angle(3) == 3.0


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 1j, "0.5", None, True, np.bool_(True), [0.5], np.array([0.5])]
)
def test_angles_that_are_refused(value):
    with pytest.raises(ParameterError, match="angle 0 of rx must be a finite real number or an expression"):
        as_angle(value, "angle 0 of rx")


@pytest.mark.parametrize("function", [np.sin, np.exp, np.sqrt, np.arctan, np.log1p])
def test_a_function_of_a_parameter_is_refused_with_what_to_do(function):
    for argument in (a, 2 * a + 0.1, np.array([a, b])):
        with pytest.raises(
            ParameterError, match=r"affine in its parameters, got \w+\(.*a.*pass the result as a separate"
        ):
            function(argument)


def test_other_attributes_are_missing_as_usual():
    assert not hasattr(a, "shape")
    with pytest.raises(AttributeError, match="'Parameter' object has no attribute 'sine'"):
        a.sine  # noqa: B018
