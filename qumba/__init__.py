"""All public names of `simulator` and `qml` under one name, imported when they are first used.

>>> import qumba
>>> qumba.Circuit(2).h(0).cx(0, 1).sample(shots=10, seed=0)
{'00': 9, '11': 1}
>>> qumba.VariationalClassifier(n_layers=2).get_params()["n_layers"]
2
"""

import sys
from typing import Any

import qml
import simulator

__all__ = sorted({*simulator.__all__, *qml.__all__})


def __getattr__(name: str) -> Any:
    for package in (simulator, qml):
        if name in package.__all__:
            value = globals()[name] = getattr(package, name)
            return value
    raise AttributeError(f"module 'qumba' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | {*__all__})
