"""Versions of this library and of other installed packages."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

__all__ = ["installed_version", "installed_versions", "library_version"]


def library_version() -> str:
    """Return the version of this library, or ``"unknown"`` if it runs from a folder that is not installed."""
    return installed_version("qumba") or "unknown"


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    return {package: version for package in packages if (version := installed_version(package))}


@cache
def installed_version(package: str) -> str | None:
    """Return the version of a package from its metadata, or None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version  # imported here because it takes a while

    try:
        return version(package)
    except PackageNotFoundError:
        return None
