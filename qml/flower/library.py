"""What is used of Flower, imported after its reports about its use have been turned off."""

from __future__ import annotations

import os
import sys

if os.environ.setdefault("FLWR_TELEMETRY_ENABLED", "0") == "0" and "flwr.supercore.telemetry" in sys.modules:
    # Flower's own process has read the variable by now
    vars(sys.modules["flwr.supercore.telemetry"])["FLWR_TELEMETRY_ENABLED"] = "0"

try:
    from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
    from flwr.clientapp import ClientApp
    from flwr.serverapp import Grid, ServerApp
    from flwr.serverapp.strategy import Strategy
except ImportError:
    raise ImportError("qml.flower needs the extra [flower]: pip install 'qumba[flower]'") from None

__all__ = [
    "Array",
    "ArrayRecord",
    "ClientApp",
    "ConfigRecord",
    "Context",
    "Grid",
    "Message",
    "MetricRecord",
    "RecordDict",
    "ServerApp",
    "Strategy",
]
