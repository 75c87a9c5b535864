"""Backends, which run circuits: their interface, and this engine as a backend."""
