"""Tensors on other devices, in a process of its own: PyTorch takes no new device after the first derivative."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_a_stand_in_for_an_accelerator():
    pytest.importorskip("torch")
    tests = Path(__file__).with_name("torch_devices.py")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips", str(tests)]
    run = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
