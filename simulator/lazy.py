"""Public names of packages, and lazy imports: a stub ``__init__.pyi`` lists the names, imported on first use.

Type checkers and editors read the stub; at run time `attach_stub` reads the same lines. A public name is one line,
``from package.module import Name as Name``; a public submodule is ``from package import module as module``. A package
that is not part of another one also has a ``__version__``.
"""

from __future__ import annotations

import _ast  # not ast, whose import takes longer than all others together
import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["attach_stub", "only_public"]


def attach_stub(package: str, file: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package, from the stub beside its ``__init__.py``.

    Parameters
    ----------
    package, file : str
        The package's ``__name__`` and ``__file__``.

    Raises
    ------
    ImportError
        If the stub is missing, for example because an application was packed without its data files.
    """
    module = sys.modules[package]
    origins = _origins(module, os.path.splitext(file)[0] + ".pyi")

    def get(name: str) -> Any:
        if name == "__version__" and "." not in package:
            return importlib.import_module("simulator.version").library_version()
        if name not in origins:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=module)
        origin = origins[name]
        value = importlib.import_module(f"{package}.{name}" if origin == package else origin)
        if origin != package:
            value = getattr(value, name)
        setattr(module, name, value)
        return value

    def names() -> list[str]:
        return sorted({name for name in vars(module) if name.startswith("__")} | origins.keys())

    return get, names, sorted(origins)


def only_public(package: str) -> Callable[[], list[str]]:
    """Return ``__dir__`` of a module that is imported at once: its public names, not what it imports itself.

    Parameters
    ----------
    package : str
        The module's ``__name__``; its ``__all__`` lists the public names.
    """
    module = sys.modules[package]
    return lambda: sorted({name for name in vars(module) if name.startswith("__")} | set(module.__all__))


def _origins(module: Any, path: str) -> dict[str, str]:
    """Return the module from which each public name is imported."""
    try:
        text = module.__spec__.loader.get_data(path)  # also from a zip archive
    except OSError as error:
        raise ImportError(
            f"{module.__name__} is installed without its stub {path}, which lists its names: "
            "install the whole package, or tell the tool that packed it to include .pyi files"
        ) from error
    tree: Any = compile(text, path, "exec", _ast.PyCF_ONLY_AST)
    imports = [statement for statement in tree.body if isinstance(statement, _ast.ImportFrom)]
    return {alias.name: str(line.module) for line in imports for alias in line.names if alias.asname}
