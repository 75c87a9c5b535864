"""No circle of imports between the modules of `simulator` and `qml`, wherever an import stands."""

from pathlib import Path

import pytest

from tests.import_graph import Import, circles, imports, members, report, shortest_circle

ROOT = Path(__file__).parents[1]


def test_no_module_imports_itself_by_way_of_others():
    if found := circles(ROOT, ("simulator", "qml", "qumba")):
        pytest.fail("\n\n".join(report(edges) for edges in found), pytrace=False)


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


IN_A_FUNCTION = {
    "pack/__init__.py": "from pack.face import draw\n",
    "pack/face.py": "from pack.value import Value\n\ndef draw(): ...\n",
    "pack/value.py": "class Value:\n    def show(self):\n        from pack import face\n        face.draw()\n",
}
FOR_TYPES = {
    "pack/__init__.py": "",
    "pack/engine.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack.circuit import Circuit\n",
    "pack/circuit.py": "import pack.engine\nclass Circuit: ...\n",
}
BY_THE_PACKAGE = {
    "pack/__init__.py": "from .low import number\n",
    "pack/low.py": "import pack\nnumber = 1\n",
}
OF_THREE_IN_TWO_PACKAGES = {
    "pack/__init__.py": "",
    "pack/a.py": "async def f():\n    from other.b import x\n",
    "pack/sub/__init__.py": "from .. import a\n",
    "other/__init__.py": "",
    "other/b.py": "try:\n    import pack.sub\nexcept ImportError:\n    x = 1\n",
}


@pytest.mark.parametrize(
    ("files", "expected", "line"),
    [
        (IN_A_FUNCTION, ["pack.face", "pack.value"], "pack.value:3 imports pack.face (in a function)"),
        (FOR_TYPES, ["pack.circuit", "pack.engine"], "pack.engine:3 imports pack.circuit (for type checking)"),
        (BY_THE_PACKAGE, ["pack", "pack.low"], "pack.low:1 imports pack (at the top)"),
        (OF_THREE_IN_TWO_PACKAGES, ["other.b", "pack.a", "pack.sub"], "pack.a:2 imports other.b (in a function)"),
    ],
)
def test_a_circle_is_found_and_named(tmp_path, files, expected, line):
    write(tmp_path, files)
    (edges,) = circles(tmp_path, ("pack", "other"))
    assert members(edges) == expected
    text = report(edges)
    assert text.startswith(f"{len(expected)} modules import each other in a circle")
    assert line in text


def test_circles_are_told_apart_and_the_shortest_way_round_is_shown(tmp_path):
    chain = {f"pack/c{k}.py": f"import pack.c{(k + 1) % 5}\n" for k in range(5)}
    shortcut = {"pack/c3.py": "import pack.c4, pack.c1\n"}
    pair = {"pack/p.py": "import pack.q, pack.c0\n", "pack/q.py": "from pack.p import x\n"}
    write(tmp_path, {"pack/__init__.py": ""} | chain | shortcut | pair)
    large, small = circles(tmp_path, ("pack",))
    assert members(large) == ["pack.c0", "pack.c1", "pack.c2", "pack.c3", "pack.c4"]
    assert members(small) == ["pack.p", "pack.q"]
    assert [edge.source for edge in shortest_circle(large)] == ["pack.c1", "pack.c2", "pack.c3"]


def test_without_a_circle_nothing_is_found(tmp_path):
    files = {
        "pack/__init__.py": "from pack.top import draw\nfrom pack import low\nimport pack\n",
        "pack/top.py": "from pack import low\nimport numpy\n\ndef draw():\n    from pack.low import number\n",
        "pack/low.py": "number = 1\n",
    }
    write(tmp_path, files)
    assert circles(tmp_path, ("pack",)) == []
    assert imports(tmp_path, ("pack",)) == [
        Import("pack", "pack.top", 1, "at the top"),
        Import("pack", "pack.low", 2, "at the top"),
        Import("pack.top", "pack.low", 1, "at the top"),
        Import("pack.top", "pack.low", 5, "in a function"),
    ]
