"""Figures in the gallery that pyplot does not know: those that the library's own ``plot`` methods return."""

from collections.abc import Callable

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
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
