"""Draw the pictures of the examples that a build does not run: `python docs/extensions/optional_figures.py`.

They need PyTorch, JAX or ONNX Runtime (extras `[torch,jax,onnx]`), so their pictures are kept in `docs/static/gallery`.
"""

import os
import runpy
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parents[2]
EXAMPLES = "jax_training", "onnx_server", "torch_hybrid"


def main() -> None:
    """Run each example in an empty folder and save its figure."""
    plt.show = lambda: None
    folder = ROOT / "docs" / "static" / "gallery"
    folder.mkdir(exist_ok=True)
    for name in EXAMPLES:
        os.chdir(tempfile.mkdtemp())
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
        plt.gcf().savefig(folder / f"{name}.png", dpi=80, bbox_inches="tight", metadata={"Software": None})
        plt.close("all")


if __name__ == "__main__":
    main()
