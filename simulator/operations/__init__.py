"""Sequences of operations and the functions that build and transform them."""
