"""Former place of `qml.training.checkpoints`; the same module, for programs that import it from here."""

import sys

from qml.training import checkpoints

sys.modules[__name__] = checkpoints
