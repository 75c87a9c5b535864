"""Pictures of the gallery: figures that the library's own ``plot`` methods return, and a text for each thumbnail."""

import re
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from docutils import nodes
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx_gallery.scrapers import figure_rst


def save_figures(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Save the figures among the variables of an example, or in its dicts, that no block before has saved."""
    variables = block_vars["example_globals"]
    values = [item for value in variables.values() for item in (value.values() if isinstance(value, dict) else [value])]
    known = {id(plt.figure(number)) for number in plt.get_fignums()}
    paths = []
    for figure in values:
        if isinstance(figure, Figure) and id(figure) not in known and not hasattr(figure, "_in_the_gallery"):
            path = next(block_vars["image_path_iterator"])
            figure.savefig(path, dpi=100)
            figure._in_the_gallery = True
            paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"])


def _get_sg_image_scraper() -> Callable:
    """Return the scraper, as sphinx-gallery asks a module for it."""
    return save_figures


def describe_thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """Give the gallery's thumbnails the title of their example as text."""
    examples = Path(app.srcdir, app.config.sphinx_gallery_conf["examples_dirs"][0])
    for image in doctree.findall(nodes.image):
        thumbnail = re.search(r"sphx_glr_(\w+)_thumb", image["uri"])
        if thumbnail and not image.get("alt"):
            script = examples / f"{thumbnail[1]}.py"
            image["alt"] = script.read_text("utf-8").partition("\n")[0].strip('"')


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", describe_thumbnails)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
