"""Arguments of the wrong type are refused by the constructors."""

import pytest

from simulator import NoiseError
from simulator.qiskit_provider import Estimator, QumbaBackend, Sampler


@pytest.mark.parametrize(
    ("kind", "arguments", "error", "text"),
    [
        (QumbaBackend, {"noise": "a"}, NoiseError, "noise is a NoiseModel"),
        (Sampler, {"noise": "a"}, NoiseError, "noise is a NoiseModel"),
        (Sampler, {"default_shots": 0}, ValueError, "shots is an integer of at least 1, got 0"),
        (Sampler, {"seed": "a"}, ValueError, "seed is None or an integer"),
        (Estimator, {"noise": "a"}, NoiseError, "noise is a NoiseModel"),
        (Estimator, {"default_precision": "a"}, ValueError, "default_precision is a number of 0 or more, got 'a'"),
        (Estimator, {"default_precision": float("nan")}, ValueError, "got nan"),
        (Estimator, {"seed": -1}, ValueError, "got -1"),
    ],
)
def test_constructors_check_their_arguments(kind, arguments, error, text):
    with pytest.raises(error, match=text):
        kind(**arguments)
