"""All public names of `simulator` and `qml` under one name, imported when they are first used.

>>> import qumba
>>> qumba.Circuit(2).h(0).cx(0, 1).sample(shots=10, seed=0)
{'00': 9, '11': 1}
>>> qumba.VariationalClassifier(n_layers=2).get_params()["n_layers"]
2

Modules of both packages can be imported from here too, and are the same modules:

>>> from qumba.deploy import collapse
>>> import qml.deploy
>>> qumba.deploy is qml.deploy
True
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import qml
import simulator

__all__ = sorted({*simulator.__all__, *qml.__all__})


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return simulator.__version__
    for package in (simulator, qml):
        if name in package.__all__:
            value = globals()[name] = getattr(package, name)
            return value
    raise AttributeError(f"module 'qumba' has no attribute {name!r}", name=name, obj=sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | {*__all__})


class _Modules:
    """Finder and loader of ``qumba.x`` as the module ``simulator.x`` or ``qml.x``; type checkers read ``x.pyi``."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        parent, _, module = name.rpartition(".")
        if not f"{parent}.".startswith(f"{__name__}.") or module == "__main__":
            return None
        from importlib.util import find_spec

        parents = (simulator, qml) if parent == __name__ else (sys.modules[parent],)
        for origin in (f"{package.__name__}.{module}" for package in parents):
            if find_spec(origin) is not None:
                return ModuleSpec(name, self, origin=origin)  # type: ignore[arg-type]
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Let the import system create an empty module, which `exec_module` replaces."""

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        assert module.__spec__.origin is not None
        sys.modules[module.__spec__.name] = import_module(module.__spec__.origin)


if not any(type(finder).__qualname__ == _Modules.__qualname__ for finder in sys.meta_path):
    sys.meta_path.insert(0, _Modules())  # type: ignore[arg-type]
