"""Secure aggregation: the server learns the sum of the clients' vectors, and nothing else about them.

`qml.federated.SecureAggregation` runs a round within one process. Across machines, each client has a `SecureClient` and
the server a `SecureServer`, which exchange messages that are plain values.
"""

from simulator.lazy import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
