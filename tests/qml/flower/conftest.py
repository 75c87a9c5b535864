"""What Flower's processes are told when they start."""

import os

import pytest


@pytest.fixture(autouse=True)
def identity(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flwr")
    os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0")
    from flwr.supercore.task_identity import TaskIdentity

    for name in ("_run_id", "_node_id", "_task_id"):
        monkeypatch.setattr(TaskIdentity, name, 1)
