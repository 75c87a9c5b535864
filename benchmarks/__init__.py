"""Measurements against the fastest peers; see README.md in this folder. Not part of the installed packages."""
