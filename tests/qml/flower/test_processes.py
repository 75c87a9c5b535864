"""A federation of two client processes and a server on this machine, by Flower's own commands."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_iris

pytest.importorskip("flwr")

import qml
from qml.federated import Federation, SecureAggregation, dirichlet_split

ROOT = Path(__file__).parents[3]
BIN = Path(sys.executable).parent
LIMIT = 600  # seconds for the run; ends a run that hangs

CONNECTION = """
[superlink]
default = "here"

[superlink.here]
address = "127.0.0.1:{port}"
insecure = true
"""

PROJECT = """
[project]
name = "hospitals"
version = "1.0.0"
description = "A test"
license = "Apache-2.0"
dependencies = []

[tool.flwr.app]
publisher = "qumba"

[tool.flwr.app.components]
serverapp = "hospitals.apps:server"
clientapp = "hospitals.apps:client"

[tool.flwr.app.config]
"""

APPS = """
from sklearn.datasets import load_iris

from qml import VariationalClassifier
from qml.federated import SecureAggregation, dirichlet_split
from qml.flower import client_app, server_app

MODEL = VariationalClassifier(n_layers=1, batch_size=16)


def rows(context):
    return dirichlet_split(*load_iris(return_X_y=True), 2, 1.0, 0)[context.node_config["partition-id"]]


client = client_app(MODEL, rows, secure={insists})
server = server_app(MODEL, rounds={rounds}, random_state=3, path={path!r}, timeout={limit}, secure={secure!r})
"""


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def running(log: Path, command: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A command in the background, in a process group that is ended afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(port: int) -> None:
    """Return when something listens on the port."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise TimeoutError(f"nothing listens on port {port}")


@pytest.mark.slow
@pytest.mark.parametrize(("secure", "rounds"), [(None, 2), (SecureAggregation(threshold=2), 1)])
def test_two_client_processes_train_the_model_of_one_process(
    secure: SecureAggregation | None, rounds: int, tmp_path: Path
) -> None:
    app, path = tmp_path / "app", tmp_path / "model.qumba"
    (app / "hospitals").mkdir(parents=True)
    (app / "pyproject.toml").write_text(PROJECT)
    (app / "hospitals" / "__init__.py").touch()
    (app / "hospitals" / "apps.py").write_text(
        APPS.format(path=str(path), limit=LIMIT, secure=secure, rounds=rounds, insists=secure is not None)
    )
    port, *ports = free_ports(3)
    home = tmp_path / "flower"
    home.mkdir()
    (home / "config.toml").write_text(CONNECTION.format(port=port))
    environment = os.environ | {
        "FLWR_HOME": str(home),
        "FLWR_TELEMETRY_ENABLED": "0",
        "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    link = ["flower-superlink", "--insecure", "--port", str(port), "--disable-runtime-dependency-installation"]
    with ExitStack() as stack:
        stack.enter_context(running(tmp_path / "link.log", link, environment))
        wait_for(port)
        for number, own in enumerate(ports):
            node = ["flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{port}", "--port", str(own)]
            node += ["--node-config", f"partition-id={number}"]
            stack.enter_context(running(tmp_path / f"node {number}.log", node, environment))
        command = ["flwr", "run", str(app), "here", "--stream"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT, check=False)
    logs = "".join(f"\n{log.name}:\n{log.read_text()}" for log in sorted(tmp_path.glob("*.log")))
    assert path.exists(), f"{done.stdout}{done.stderr}{logs}"
    X, y = load_iris(return_X_y=True)
    clients = dict(zip("01", dirichlet_split(X, y, 2, 1.0, 0), strict=True))
    model = qml.VariationalClassifier(n_layers=1, batch_size=16)
    here = Federation(clients, rounds=rounds, random_state=3, secure=secure).fit(model)
    np.testing.assert_array_equal(qml.load(path).weights_, here.weights_)
