"""Which module imports which, by reading the files: imports in functions and under ``TYPE_CHECKING`` count as well."""

import ast
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components


class Import(NamedTuple):
    """An import of one module of the packages by another, with the line it is on and where it stands."""

    source: str
    target: str
    line: int
    place: str  # "at the top", "in a function" or "for type checking"


def module_files(root: Path, packages: tuple[str, ...]) -> dict[str, Path]:
    """Files of all modules by their dotted names; a package's name stands for its ``__init__.py``."""
    files = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


def imports(root: Path, packages: tuple[str, ...]) -> list[Import]:
    """Every import between modules of the packages.

    ``from package import name`` is an import of the module ``package.name`` if there is one, otherwise of ``package``.
    The packages above an imported module are not counted.
    """
    files = module_files(root, packages)
    return [
        Import(source, target, line, place)
        for source, path in files.items()
        for name, line, place in _statements(ast.parse(path.read_text()), source, path.name == "__init__.py")
        if (target := _module(name, files)) is not None and target != source
    ]


def circles(root: Path, packages: tuple[str, ...]) -> list[list[Import]]:
    """The imports within each set of modules that all reach each other, the largest set first."""
    edges = imports(root, packages)
    names = sorted({name for edge in edges for name in (edge.source, edge.target)})
    number = {name: index for index, name in enumerate(names)}
    pairs = np.array([(number[edge.source], number[edge.target]) for edge in edges]).reshape(-1, 2)
    graph = csr_array((np.ones(len(pairs)), pairs.T), shape=(len(names), len(names)))
    component = dict(zip(names, connected_components(graph, connection="strong")[1].tolist(), strict=True))
    inside = defaultdict(list)
    for edge in edges:
        if component[edge.source] == component[edge.target]:
            inside[component[edge.source]].append(edge)
    return sorted(inside.values(), key=lambda edges: (-len(members(edges)), edges))


def members(edges: list[Import]) -> list[str]:
    """Names of all modules that the imports connect."""
    return sorted({name for edge in edges for name in (edge.source, edge.target)})


def shortest_circle(edges: list[Import]) -> list[Import]:
    """The fewest of these imports that lead from a module back to itself."""
    outgoing = defaultdict(list)
    for edge in edges:
        outgoing[edge.source].append(edge)
    found = [path for start in outgoing if (path := _path_back(start, outgoing))]
    return min(found, key=len, default=[])


def report(edges: list[Import]) -> str:
    """Describe one circle: its members, a shortest way round, and what each member imports of the others."""
    names = members(edges)
    lines = [f"{len(names)} modules import each other in a circle, for example:"]
    lines += [f"    {edge.source}:{edge.line} imports {edge.target} ({edge.place})" for edge in shortest_circle(edges)]
    lines.append("Its members, and what they import of each other:")
    for name in names:
        targets = sorted({edge.target for edge in edges if edge.source == name})
        lines.append(f"    {name}: {', '.join(targets)}")
    return "\n".join(lines)


def _path_back(start: str, outgoing: dict[str, list[Import]]) -> list[Import]:
    """Return a shortest way from a module back to itself, by a breadth-first search."""
    paths, seen = deque([[edge] for edge in outgoing[start]]), {start}
    while paths:
        path = paths.popleft()
        here = path[-1].target
        if here == start:
            return path
        if here not in seen:
            seen.add(here)
            paths.extend([*path, edge] for edge in outgoing.get(here, ()))
    return []


def _module(name: str, files: dict[str, Path]) -> str | None:
    """Return the longest beginning of a dotted name that is a module."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None


def _statements(
    node: ast.AST, source: str, is_package: bool, place: str = "at the top"
) -> Iterator[tuple[str, int, str]]:
    """Dotted names that a module imports, with line and place."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield alias.name, child.lineno, place
        elif isinstance(child, ast.ImportFrom):
            base = _base(child, source, is_package)
            for alias in child.names:
                yield f"{base}.{alias.name}", child.lineno, place
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _statements(child, source, is_package, "in a function")
        elif isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for each in child.body:
                yield from _statements(ast.Module([each], []), source, is_package, "for type checking")
            for each in child.orelse:
                yield from _statements(ast.Module([each], []), source, is_package, place)
        else:
            yield from _statements(child, source, is_package, place)


def _base(statement: ast.ImportFrom, source: str, is_package: bool) -> str:
    """Return the module that names are imported from, relative imports included."""
    if not statement.level:
        return statement.module or ""
    parts = source.split(".")
    parts = parts[: len(parts) - statement.level + is_package]
    return ".".join([*parts, *([statement.module] if statement.module else [])])
