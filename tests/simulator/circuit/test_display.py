"""Drawings: one box for a gate of the user, and HTML for notebooks."""

import html
import io
import re

import numpy as np
import pytest

from simulator import Circuit, Parameter, gates

theta = Parameter("theta")
EXCHANGE = gates.Rotation("w", np.array([[0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 0]]))
FIXED = gates.Fixed("v", np.array([[0, 1], [1j, 0]]))


@pytest.mark.parametrize(
    ("operation", "label"),
    [
        (EXCHANGE(theta, 0, 1), "w(theta)"),
        (EXCHANGE(2 * theta + 0.1, 0, 1), "w(2*theta + 0.1)"),
        (EXCHANGE(1 / 3, 0, 1), "w(0.3333)"),
        (EXCHANGE.controlled()(theta, 0, 1, 2), "cw(theta)"),
        (FIXED(0), "v"),
        (FIXED.controlled()(0, 1), "cv"),
    ],
)
def test_a_gate_of_the_user_is_one_box_with_its_name(operation, label):
    drawing = str(Circuit(3, [operation]))
    assert label in drawing
    assert drawing.count("\u250c") == 1, drawing  # one upper left corner


def test_standard_gates_keep_their_symbols():
    drawing = str(Circuit(2, [gates.RX.controlled()(theta, 0, 1)]))
    assert "Rx(theta)" in drawing
    assert "\u25a0" in drawing


def test_the_simulated_circuit_is_not_the_drawn_one():
    circuit = Circuit(2, [EXCHANGE(0.3, 0, 1)])
    before = circuit.operations
    str(circuit)
    assert circuit.operations is before


def test_a_notebook_shows_the_drawing():
    circuit = Circuit(2, [gates.H(0), EXCHANGE(theta, 0, 1), gates.CX(0, 1)])
    shown = circuit._repr_html_()
    assert html.unescape(re.fullmatch("<pre style=.*?>(.*)</pre>", shown, re.DOTALL)[1]) == str(circuit)


def test_text_is_escaped():
    assert "<b>" not in Circuit(1).rx(Parameter("<b>"), 0)._repr_html_()


def test_a_long_circuit_is_one_line():
    assert "&lt;Circuit of 1 qubit: 501 gates&gt;" in Circuit(1).h([0] * 501)._repr_html_()


def test_parameters_of_the_same_name_are_told_apart():
    other, numbered = Parameter("theta"), Parameter("theta (2)")
    circuit = Circuit(1).rx(theta, 0).ry(2 * other, 0).rz(numbered, 0)
    for drawing in (str(circuit), circuit._repr_html_()):
        assert "Rx(theta)" in drawing
        assert "Ry(2*theta (2))" in drawing
        assert "Rz(theta (2) (2))" in drawing
    assert circuit.parameters == (theta, other, numbered)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp437", "utf-8"])
def test_a_drawing_is_printed_in_any_encoding(encoding, monkeypatch):
    circuit = (
        Circuit(2, num_clbits=1).h(0).cx(0, 1).sx(1).swap(0, 1).rx(Parameter("\u540d"), 0).measure(0, 0).h([0] * 30)
    )
    drawn = str(circuit)
    output = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(output, encoding=encoding, newline="\n"))
    print(circuit, flush=True)
    printed = output.getvalue().decode(encoding).rstrip("\n")
    assert drawn.count("\n") == printed.count("\n")
    if encoding == "utf-8":
        assert printed == drawn
    if encoding == "ascii":
        assert "q_0: + H +--@-" in printed
        assert "Rx(\\u540d)" in printed
        assert "?" not in printed
