"""A build of the documentation fails for each kind of fault: small sites, built by Sphinx with the same checks."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="`make docs-wheel` installs it")

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "docs" / "extensions"
GALLERY = ROOT / "docs" / "gallery"
SETTINGS = """
import sys
from pathlib import Path

sys.path[:0] = [{extensions!r}, str(Path(__file__).parent)]
import site_checks

site_checks.public_names = lambda root: NAMES
extensions = ["sphinx.ext.autodoc", "myst_nb", "sphinx_gallery.gen_gallery", "gallery_figures", "site_checks"]
source_suffix = {{".rst": "restructuredtext", ".md": "myst-nb"}}
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2
exclude_patterns = ["**/README.rst", "**/sg_execution_times.rst", "sg_execution_times.rst", "gallery/*.ipynb"]
sphinx_gallery_conf = {{
    "examples_dirs": ["examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": ".py$",
    "reset_modules": ("gallery_warnings.warnings_are_errors",),
    "reset_modules_order": "both",
    "abort_on_example_error": True,
    "min_reported_time": 1000,
}}


def documented():
    "Return nothing."


def silent():
    return


NAMES = [("qumba.documented", documented)]
"""
PAGE = """# Title

$$E = 1$$

Source: arXiv:2009.02823. ![A square](square.svg) [Another page](other.md#other)

```{toctree}
other
api/index
gallery/index
```
"""
Change = tuple[str, str, str]
"""File, the text to replace, and its replacement."""
FILES = {
    "conf.py": SETTINGS.format(extensions=str(EXTENSIONS)),
    "index.md": PAGE,
    "other.md": "# Other\n",
    "square.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
    "api/index.md": "# Names\n\n```\n   qumba.documented\n   qumba.silent\n```\n",
    "examples/README.rst": "Gallery\n=======\n",
    "examples/short.py": '"""An example\n==========\n\nIt prints.\n"""\n\nprint("text")\n',
}
FAULTS: dict[str, tuple[list[Change], list[str]]] = {
    "names": (
        [("conf.py", '("qumba.documented", documented)', '("qumba.silent", silent), ("qumba.lost", documented)')],
        ["qumba.silent has no docstring", "qumba.lost is on no page"],
    ),
    "an example that warns": (
        [("examples/short.py", 'print("text")', 'import warnings\n\nwarnings.warn("too small")')],
        ["UserWarning: too small"],
    ),
    "a formula without a source": ([("index.md", "Source: arXiv:2009.02823.", "")], ["formulas, but no source"]),
    "dead references": (
        [("index.md", "other.md#other", "gone.md"), ("index.md", "Source:", "{py:func}`qumba.gone`, source:")],
        ["gone.md", "py:func reference target not found: qumba.gone"],
    ),
    "a page of Sphinx's own name": (
        [("search.md", "", "# Search\n")],
        ["search.md: Sphinx writes a page of that name itself"],
    ),
    "a picture without a text": (
        [("index.md", "![A square]", "![]")],
        ["index.html: no text for the picture"],
    ),
}
"""Changes to the files above, and what the build then says."""


def build(folder: Path, changes: list[Change]) -> subprocess.CompletedProcess[str]:
    """Build the site as `make docs` does, with some of its files changed."""
    for name in dict.fromkeys([*FILES, *(change[0] for change in changes)]):
        path, text = folder / name, FILES.get(name, "")
        path.parent.mkdir(parents=True, exist_ok=True)
        for _, old, new in (change for change in changes if change[0] == name):
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "-n",
        "--keep-going",
        "-b",
        "html",
        str(folder),
        str(folder / "out"),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_site_without_faults_is_built(tmp_path: Path) -> None:
    done = build(tmp_path, [])
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "index.html").exists()


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_fails_the_build(fault: str, tmp_path: Path) -> None:
    changes, messages = FAULTS[fault]
    done = build(tmp_path, changes)
    assert done.returncode != 0
    assert [message for message in messages if message not in done.stdout + done.stderr] == []


@pytest.mark.skipif(not GALLERY.exists(), reason="`make docs-wheel` builds it")
def test_every_example_but_those_of_other_frameworks_was_run_and_printed_something() -> None:
    examples = sorted((ROOT / "examples").glob("*.py"))
    pages = {path.stem: (GALLERY / f"{path.stem}.rst").read_text("utf-8") for path in examples}
    silent = [name for name, page in pages.items() if ".. rst-class:: sphx-glr-script-out" not in page]
    assert silent == ["jax_training", "onnx_server", "torch_hybrid"]
