"""The code of the section on PyTorch and JAX in docs/models.md runs."""

import re
from pathlib import Path

import pytest

SECTION = (Path(__file__).parents[2] / "docs" / "models.md").read_text().partition("## Inside PyTorch and JAX")[2]
BLOCKS = re.findall(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_the_block_of_this_package_runs(package):
    pytest.importorskip(package)
    (block,) = [block for block in BLOCKS if f"import {package}\n" in block]
    exec(compile(block, "docs/models.md", "exec"), {})
