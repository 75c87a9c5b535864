"""Secure aggregation: the server learns the sum of the clients' vectors, and nothing else about them.

`SecureAggregation` runs a round within one process. Across machines, each client has a `SecureClient` and the server a
`SecureServer`, which exchange the values of `messages`.
"""
