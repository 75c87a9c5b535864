"""Engines, which run programs."""
