"""Writing files: whole or not at all, onto regular files only; and locks that end with their process."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from simulator.errors import QumbaError

__all__ = ["NotAFileError", "beside", "check_regular", "locked", "replace_file"]

log = logging.getLogger(__name__)

LONGEST_NAME = 255
"""Bytes in the name of a file, on all common file systems."""

IN_USE = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""What the system says of a lock that somebody else has."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

Name = str | os.PathLike[str]


class NotAFileError(QumbaError, OSError):
    """The path is that of a device, a FIFO, a socket or a folder, where a regular file is needed."""

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def check_regular(path: Name) -> os.stat_result | None:
    """Status of the regular file at ``path``, or where a symbolic link there points; None if there is none.

    Raises
    ------
    NotAFileError
        If there is something else.
    """
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "not a file")
        raise NotAFileError(errno.EINVAL, f"expected the path of a regular file, this is {kind}", os.fspath(path))
    return status


def replace_file(path: Name, chunks: Iterable[bytes], *, previous: Path | None = None) -> None:
    """Write a file; one that is there already is replaced as a whole, or stays as it is if anything goes wrong.

    The bytes go into a temporary file in the same folder, are flushed to the disk, and get the name in one step.
    Mode, owner and group of the file replaced are kept, as far as the system allows; symbolic links are followed.
    Temporary files of earlier writers of the same path that were killed are removed.

    Parameters
    ----------
    path : path of the file
    chunks : contents, in pieces
    previous : path under which the file replaced is kept

    Raises
    ------
    NotAFileError
        If there is a device, FIFO, socket or folder at ``path``.
    OSError
        If the disk is full, or the folder does not exist or cannot be written.
    """
    replaced = check_regular(path)
    target = Path(os.path.realpath(path))
    prefix = f".qumba-{_digest(target.name)}-"
    _remove_stale(target.parent, prefix)
    descriptor, temporary = _new_temporary(target, prefix, replaced)
    try:
        with open(descriptor, "wb") as file:
            if replaced is not None:
                _adopt(file.fileno(), replaced)
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # only a closed file can be renamed there; elsewhere the lock is kept until it is
                file.close()
            if previous is not None and replaced is not None:
                check_regular(previous)
                os.replace(target, previous)
            os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def beside(path: Name, suffix: str) -> Path:
    """Path of a companion of the file at ``path``: its name and ``suffix``, shortened where that is too long."""
    target = Path(os.path.realpath(path))
    name = target.name + suffix
    if len(os.fsencode(name)) > LONGEST_NAME:
        name = f".qumba-{_digest(target.name)}{suffix}"
    return target.with_name(name)


@contextlib.contextmanager
def locked(path: Name) -> Iterator[None]:
    """Hold the lock file at ``path``; the lock goes with the process, however that ends, and the file at the end.

    On file systems without locks, nothing is held.

    Raises
    ------
    BlockingIOError
        If somebody else holds it.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            current = _is_at(descriptor, path)
        except BaseException:
            os.close(descriptor)
            raise
        if current:
            break
        os.close(descriptor)  # its last holder removed it in the meantime
    try:
        yield
    finally:
        if os.name != "nt":  # while it is held, so that nobody can hold a file that has no name; Windows refuses
            with contextlib.suppress(OSError):
                os.unlink(path)
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock an open file; False on a file system without locks, a BlockingIOError if somebody else has it."""
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in IN_USE:
            raise BlockingIOError(errno.EAGAIN, "in use by another process") from None
        log.info("this file system has no locks: %s", error)
        return False
    return True


def _is_at(descriptor: int, path: Name) -> bool:
    """Whether an open file still has this name."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


def _new_temporary(target: Path, prefix: str, replaced: os.stat_result | None) -> tuple[int, Path]:
    """A new file beside the target, locked so that nobody takes it for stale: descriptor and path."""
    mode = 0o666 if replaced is None else stat.S_IMODE(replaced.st_mode) & 0o777
    binary = getattr(os, "O_BINARY", 0)
    while True:
        path = target.with_name(f"{prefix}{secrets.token_hex(4)}.tmp")
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, mode)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent)) from None
        except OSError as error:  # without the name of the temporary file, which nobody knows
            raise OSError(error.errno, error.strerror, str(target)) from None
        try:
            _lock(descriptor)
            current = _is_at(descriptor, path)
        except BlockingIOError:
            current = False
        if current:
            return descriptor, path
        os.close(descriptor)  # another writer has just removed it as stale


def _remove_stale(folder: Path, prefix: str) -> None:
    """Remove temporary files whose writers are gone: those that nobody has locked."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for name in [entry.name for entry in entries if entry.name.startswith(prefix) and entry.name.endswith(".tmp")]:
            with contextlib.suppress(OSError):
                if os.name == "nt":  # which refuses to remove what is open
                    os.unlink(folder / name)
                    continue
                descriptor = os.open(folder / name, os.O_RDONLY)
                try:
                    if _lock(descriptor):
                        os.unlink(folder / name)
                finally:
                    os.close(descriptor)


def _adopt(descriptor: int, replaced: os.stat_result) -> None:
    """Give an open file the owner, group and mode of another."""
    if os.name == "nt":
        return
    mode = stat.S_IMODE(replaced.st_mode)
    own = os.fstat(descriptor)
    if (own.st_uid, own.st_gid) != (replaced.st_uid, replaced.st_gid):
        try:
            os.fchown(descriptor, replaced.st_uid, replaced.st_gid)
        except OSError:  # only root gives files away; a group that the user is in is allowed
            try:
                os.fchown(descriptor, -1, replaced.st_gid)
            except OSError:
                mode &= ~stat.S_IRWXG  # what its group was allowed is not for ours
    os.fchmod(descriptor, mode)


def _flush_folder(folder: Path) -> None:
    """Make a rename reach the disk."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder may be one that can be written and not read
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
