"""What every test of the suite gets: a plotting backend without a window, and reproducible Hypothesis runs."""

import os

from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")

# A first call compiles, so a time limit per example would fail at random. `ci` draws the same examples every time.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")
