"""Arguments of the wrong type are refused where they are given, not by the first request."""

import subprocess
import sys

import pytest

from simulator import Circuit, NoiseError, NumbaBackend, ShotBackend, Z


@pytest.mark.parametrize("kind", [NumbaBackend, ShotBackend])
@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"noise": "a"}, NoiseError, "noise is a NoiseModel, such as .*, got 'a'"),
        ({"noise": 0.1}, NoiseError, "got 0.1"),
        ({"seed": "a"}, ValueError, "seed is None or an integer of 0 or more, got 'a'"),
        ({"seed": -1}, ValueError, "got -1"),
        ({"seed": 1.5}, ValueError, "got 1.5"),
        ({"seed": True}, ValueError, "got True"),
    ],
)
def test_backends_check_their_arguments(kind, arguments, error, text):
    with pytest.raises(error, match=text):
        kind(**arguments)


@pytest.mark.parametrize("method", ["expectation", "sample", "density_matrix"])
def test_circuits_name_what_is_expected_as_noise(method):
    arguments = (Z(0),) if method == "expectation" else ()
    with pytest.raises(NoiseError, match="noise is a NoiseModel, such as .*, got 'a'"):
        getattr(Circuit(1).h(0), method)(*arguments, noise="a")


def test_making_a_backend_leaves_the_engine_for_later():
    code = "import sys; from simulator import NumbaBackend; NumbaBackend(seed=1); print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
