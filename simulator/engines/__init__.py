"""Engines: what runs a program."""
