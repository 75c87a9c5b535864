"""Every public template and estimator has a drawing of its circuit, in its docstring or in that of a class it names."""

import inspect
import re

import pytest

import qml
from qml.ansatze import ANSATZE
from qml.feature_maps import FEATURE_MAPS

WITHOUT_CIRCUIT = {"BoltzmannClassifier", "NetworkClassifier", "NetworkRegressor", "ReservoirForecaster"}
"""A thermal state, networks of any layers, and a mixed state under a Hamiltonian."""


def has_drawing(thing):
    return bool(re.search(r"^ *q(_0)?: [┤─]", inspect.getdoc(thing) or "", re.MULTILINE))


def class_of(entry):
    return getattr(entry, "func", entry)  # settings are given by functools.partial


@pytest.mark.parametrize("name", [*ANSATZE, *FEATURE_MAPS])
def test_templates(name):
    assert has_drawing(class_of(ANSATZE.get(name) or FEATURE_MAPS[name]))


ESTIMATORS = [
    name
    for name in dir(qml)
    if inspect.isclass(getattr(qml, name)) and getattr(qml, name).__module__.startswith("qml.estimators")
]


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - WITHOUT_CIRCUIT))
def test_estimators(name):
    documented = {name}
    while not any(has_drawing(getattr(qml, each)) for each in documented):
        named = {
            word
            for each in documented
            for word in re.findall(r"(?<!`)`(\w+)`", inspect.getdoc(getattr(qml, each)))
            if inspect.isclass(getattr(qml, word, None))
        }
        assert named - documented, f"none of {sorted(documented)} has a drawing"
        documented |= named
