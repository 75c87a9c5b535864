"""Circuits as rotations of a state, one after the other: the form with the fewest numbers for circuits of many qubits.

A rotation is stored as two masks and its angle, an observable as masks and coefficients. Only the work grows with the
number of amplitudes, so this form takes over where matrices on the states become large.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from qml.deploy.graph import Graph
from qml.deploy.states import affine_angles, initial_state
from simulator.program.levels import Dense, Rotation
from simulator.program.program import Program

__all__ = ["rotation_sequence"]

Array = NDArray[np.float64]


def rotation_sequence(program: Program, weights: Array, readout: tuple[Array, Array] | None = None) -> Graph | None:
    """Return the graph from the inputs to the expectation values, as output ``"values"``.

    Parameters are as in `fourier_sum`.

    Returns
    -------
    Graph or None
        None if the circuit contains a matrix that is not written as rotations.
    """
    chains, levels = program.schedule
    members = [member for chain in chains for member in chain]
    for level in levels:
        if any(isinstance(member, Dense) for member in level.members):
            return None
        members += level.members
    graph = Graph(len(program.inputs))
    state = initial_state(graph, 0, program, weights)
    if members:
        cosines, sines, places = _half_angles(graph, members, weights)
        table = [(member.x, member.z, place) for member, place in zip(members, places, strict=True)]
        state = graph.rotations(state, cosines, sines, table)
    graph.outputs["values"] = _expectations(graph, state, program, readout)
    return graph.pruned()


def _half_angles(graph: Graph, members: list[Rotation], weights: Array) -> tuple[int, int, list[int]]:
    """Add cosines and sines of half of the angles; return them, and the place of each rotation's.

    Those that depend on the inputs come first.
    """
    factors, offsets = affine_angles([member.angle for member in members], graph.num_features, weights)
    dependent = factors.any(axis=0)
    order = np.argsort(~dependent, kind="stable")
    constant = 0.5 * offsets[~dependent]
    parts = {"cos": [graph.constant(np.cos(constant))], "sin": [graph.constant(np.sin(constant))]}
    if dependent.any():
        angles = graph.affine(0, 0.5 * factors[:, dependent], 0.5 * offsets[dependent])
        for name, part in parts.items():
            part.insert(0, graph.function(name, angles))
    if dependent.all():
        parts = {name: part[:1] for name, part in parts.items()}
    return graph.concat(parts["cos"]), graph.concat(parts["sin"]), np.argsort(order).tolist()


def _expectations(graph: Graph, state: int, program: Program, readout: tuple[Array, Array] | None) -> int:
    """Add the observables' expectation values, or what the readout makes of them."""
    masks = sorted({(x, z) for x, z, _, _ in program.strings} - {(0, 0)})
    matrix, offset = np.zeros((len(masks), len(program.observables))), np.zeros(len(program.observables))
    for x, z, observable, coefficient in program.strings:
        if (x, z) == (0, 0):
            offset[observable] += coefficient
        else:
            matrix[masks.index((x, z)), observable] += coefficient
    if readout is not None:
        matrix, offset = matrix @ readout[0], offset @ readout[0] + readout[1]
    return graph.affine(graph.expectations(state, masks), matrix, offset) if masks else graph.constant(offset)
