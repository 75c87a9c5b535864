"""``python -m qumba`` is the command ``qumba``."""

import sys

from qml.cli import main

sys.exit(main())
