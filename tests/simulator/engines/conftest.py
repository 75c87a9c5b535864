"""The fixture of the conformance suite."""

import pytest

from simulator.engines.choice import using
from tests.simulator.engines.engines import ENGINES


@pytest.fixture(params=ENGINES)
def engine(request):
    """Every engine in turn, asked for everything inside."""
    with using(ENGINES[request.param]):
        yield ENGINES[request.param]
