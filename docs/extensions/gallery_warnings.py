"""What the gallery does before and after each example."""

import warnings

_filters: list[tuple] = []


def warnings_are_errors(gallery_conf: dict, script: str, when: str) -> None:
    """Let an example that warns fail the build."""
    global _filters
    if when == "before":
        _filters = warnings.filters[:]
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is non-interactive, and thus cannot be shown")
    else:
        warnings.filters[:] = _filters
