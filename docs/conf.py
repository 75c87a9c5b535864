"""How Sphinx builds the documentation: `make docs`. Every warning is an error."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from docutils.nodes import Element
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "extensions"))

import simulator.pennylane_device  # noqa: E402, F401  before autodoc replaces JAX, which PennyLane looks for

project = "qumba"
author = copyright = "the qumba maintainers"
release = version = installed_version("qumba")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
    "gallery_figures",  # figures of our own plots, and a text for each thumbnail
    "generated_pages",  # the picture of the architecture, the list of references
    "outside_pages",  # pages that live elsewhere in the repository: notebooks, changelog, contributing, benchmarks
    "site_checks",  # what has no docstring, no alt text, no source or a dead link fails the build
]
templates_path = ["templates"]
exclude_patterns = [
    "extensions",
    "templates",
    "static",
    "**/README.rst",
    "gallery/*.ipynb",
    "**/sg_execution_times.rst",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}

# Pages in Markdown, and notebooks as `make notebooks` executed them
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 4
nb_execution_mode = "off"

nitpick_ignore_regex = [
    ("py:.*", r"DeviceCapabilities|providers\.Backend|BackendV2\..*|integer -- .*")
]  # of base classes

# Reference, from the docstrings
autosummary_generate = True
autosummary_imported_members = False
autodoc_typehints = "none"
autodoc_mock_imports = ["torch", "jax", "flwr"]  # large; their docstrings do not need them
autodoc_member_order = "alphabetical"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
add_module_names = False
toc_object_entries_show_parents = "hide"  # "fit()" beside the page of an estimator, not its class again

sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"^(?!.*(jax_training|torch_hybrid|onnx_server)).*\.py$",  # shown, and run by `make test-heavy`
    "backreferences_dir": "api/backreferences",
    "doc_module": ("qumba", "qml", "simulator"),
    "reference_url": {"qumba": None},
    "image_scrapers": ("matplotlib", "gallery_figures"),
    "reset_modules": ("matplotlib", "gallery_warnings.warnings_are_errors"),
    "reset_modules_order": "both",
    "abort_on_example_error": True,
    "remove_config_comments": True,
    "download_all_examples": False,
    "show_memory": False,
    "min_reported_time": 10_000,
    "within_subsection_order": "FileNameSortKey",
}

html_theme = "pydata_sphinx_theme"
html_title = "qumba"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def _skip_foreign_members(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out what Qiskit's and PennyLane's base classes bring; scikit-learn's methods stay."""
    module = str(getattr(member, "__module__", None) or getattr(getattr(member, "fget", None), "__module__", ""))
    return True if module.partition(".")[0] in {"pennylane", "qiskit", "qiskit_machine_learning", "torch"} else None


def _leave_foreign_references(app: Sphinx, env: object, node: Element, text: Element) -> Element | None:
    """Show references of scikit-learn's inherited docstrings as text: a build asks no other site."""
    target = node.get("reftarget", "")
    return text if target.startswith("sklearn.") or target in SCIKIT_LEARNS_LABELS else None


SCIKIT_LEARNS_LABELS = {
    "accuracy_score",
    "df_output_transform",
    "meta-estimator",
    "metadata_routing",
    "r2_score",
    "sphx_glr_auto_examples_miscellaneous_plot_set_output.py",
}


def setup(app: Sphinx) -> None:
    app.connect("autodoc-skip-member", _skip_foreign_members)
    app.connect("missing-reference", _leave_foreign_references)
