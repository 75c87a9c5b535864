"""``python -m qml`` is the command ``qumba``."""

import sys

from qml.cli import main

sys.exit(main())
