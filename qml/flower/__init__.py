"""Federations across machines, by Flower; needs the extra [flower].

Each client runs the app of `client_app` beside its rows, the server that of `server_app`. Flower carries the messages,
and encrypts and authenticates them if it is told to. Its reports about its use are turned off, unless the environment
variable ``FLWR_TELEMETRY_ENABLED`` says otherwise.
"""

from qml.flower.client import client_app
from qml.flower.server import server_app

__all__ = ["client_app", "server_app"]
