"""Atomic writing of regular files, and locks that end with their process."""

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
from typing import IO

from simulator.errors import QumbaError

__all__ = ["NotAFileError", "beside", "check_regular", "locked", "replace_file", "replacing", "waiting_lock"]

log = logging.getLogger(__name__)

MAX_NAME_BYTES = 255
"""Maximum number of bytes of a file name, on all common file systems."""

LOCK_HELD_ERRORS = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)
"""Error numbers of the system for a lock that another process holds."""

WORTH_SAYING = 1 << 26
"""Size in bytes from which the removal of an unfinished file is logged as a warning, of smaller ones as information."""

WINDOWS_LOCK_POSITION = 1 << 30
"""Byte that is locked on Windows, where others cannot read what is locked: beyond the contents of most files."""

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

Name = str | os.PathLike[str]


class NotAFileError(QumbaError, OSError):
    """The path is that of a device, a FIFO, a socket or a folder instead of a regular file."""

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


def check_regular(path: Name) -> os.stat_result | None:
    """Return the status of the regular file at ``path``, following symbolic links; None if it does not exist.

    Raises
    ------
    NotAFileError
        If ``path`` is not a regular file.
    """
    try:
        status = os.stat(os.fspath(path))  # an int would be an open file
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "not a file")
        raise NotAFileError(errno.EINVAL, f"expected the path of a regular file, this is {kind}", os.fspath(path))
    return status


def replace_file(path: Name, chunks: Iterable[bytes], *, previous: Path | None = None) -> None:
    """Write a file atomically from its contents in pieces; see `replacing`."""
    with replacing(path, previous=previous) as file:
        file.writelines(chunks)


@contextlib.contextmanager
def replacing(path: Name, *, previous: Path | None = None) -> Iterator[IO[bytes]]:
    """Write a file atomically: an existing file is replaced as a whole, or does not change if anything goes wrong.

    Yields a temporary file in the same folder, open for reading and writing. At the end of the block, it is flushed
    to disk and renamed; an exception removes it. Mode, owner and group of the replaced file are kept, as far as the
    system allows; symbolic links are followed. Temporary files of killed writers of the same path are removed.

    Parameters
    ----------
    path : path of the file
    previous : path under which the replaced file is kept

    Raises
    ------
    NotAFileError
        If ``path`` is a device, FIFO, socket or folder.
    OSError
        If the disk is full, or the folder does not exist or cannot be written.
    """
    replaced = check_regular(path)
    target = Path(os.path.realpath(path))
    prefix = f".qumba-{_digest(target.name)}-"
    _remove_stale(target, prefix)
    descriptor, temporary = _new_temporary(target, prefix, replaced)
    try:
        with open(descriptor, "w+b") as file:
            if replaced is not None:
                _copy_ownership(file.fileno(), replaced)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.name == "nt":  # Windows renames only closed files; elsewhere the lock is held until the renaming
                file.close()
            if previous is not None and replaced is not None:
                check_regular(previous)
                os.replace(target, previous)
            os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk: writing does not know where
            error.filename = os.fspath(path)
        raise
    _flush_folder(target.parent)


def beside(path: Name, suffix: str) -> Path:
    """Return the path of a companion of a file: its name plus ``suffix``, or a digest if that is too long."""
    target = Path(os.path.realpath(path))
    name = target.name + suffix
    if len(os.fsencode(name)) > MAX_NAME_BYTES:
        name = f".qumba-{_digest(target.name)}{suffix}"
    return target.with_name(name)


@contextlib.contextmanager
def locked(path: Name) -> Iterator[None]:
    """Hold a lock file, which is removed at the end. The lock ends with the process, however that ends.

    On file systems without locks, this does nothing.

    Raises
    ------
    BlockingIOError
        If another process holds the lock.
    OSError
        If the folder does not exist or cannot be written.
    """
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(Path(path).parent)) from None
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
        if os.name != "nt":  # removed while locked, so that nobody locks a removed file; Windows cannot do this
            with contextlib.suppress(OSError):
                os.unlink(path)
        os.close(descriptor)


@contextlib.contextmanager
def waiting_lock(descriptor: int) -> Iterator[None]:
    """Hold the lock of an open file, after waiting for whoever holds it; it ends with the process, however that ends.

    On file systems without locks, this does nothing.

    Parameters
    ----------
    descriptor : int
        Descriptor of a file that was opened by this process: a process and its forks do not exclude each other.
    """
    while True:
        try:
            held = _lock(descriptor, wait=True)
        except BlockingIOError:  # Windows gives up after ten seconds
            continue
        break
    try:
        yield
    finally:
        if held:
            _unlock(descriptor)


def _lock(descriptor: int, *, wait: bool = False) -> bool:
    """Lock an open file; return False if the file system has no locks. BlockingIOError if another process has it."""
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            os.lseek(descriptor, WINDOWS_LOCK_POSITION, os.SEEK_SET)
            mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
            msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno in LOCK_HELD_ERRORS:
            raise BlockingIOError(errno.EAGAIN, "in use by another process") from None
        log.info("this file system has no locks: %s", error)
        return False
    return True


def _unlock(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        os.lseek(descriptor, WINDOWS_LOCK_POSITION, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined]
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_at(descriptor: int, path: Name) -> bool:
    """Whether an open file still has this name."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    return False


def _new_temporary(target: Path, prefix: str, replaced: os.stat_result | None) -> tuple[int, Path]:
    """Create a file next to the target, locked so that no other writer removes it, and return descriptor and path."""
    mode = 0o666 if replaced is None else stat.S_IMODE(replaced.st_mode) & 0o777
    binary = getattr(os, "O_BINARY", 0)
    while True:
        path = target.with_name(f"{prefix}{secrets.token_hex(4)}.tmp")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | binary, mode)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise FileNotFoundError(errno.ENOENT, "no such folder", str(target.parent)) from None
        except OSError as error:  # the error names the target, because users do not know the temporary file
            raise OSError(error.errno, error.strerror, str(target)) from None
        try:
            _lock(descriptor)
            current = _is_at(descriptor, path)
        except BlockingIOError:
            current = False
        if current:
            return descriptor, path
        os.close(descriptor)  # another writer has just removed it as stale


def _remove_stale(target: Path, prefix: str) -> None:
    """Remove temporary files of writers of the target that were killed, which are the unlocked ones."""
    for stale in list(target.parent.glob(f"{prefix}*.tmp")):
        with contextlib.suppress(OSError):
            if os.name == "nt":  # Windows refuses to remove open files
                _remove_unfinished(stale, target)
                continue
            descriptor = os.open(stale, os.O_RDONLY)
            try:
                if _lock(descriptor):
                    _remove_unfinished(stale, target)
            finally:
                os.close(descriptor)


def _remove_unfinished(stale: Path, target: Path) -> None:
    size = os.stat(stale).st_size
    os.unlink(stale)
    level = logging.WARNING if size >= WORTH_SAYING else logging.INFO
    log.log(level, "removed %s (%.3g MB), left by a process that ended while writing %s", stale, size / 1e6, target)


def _copy_ownership(descriptor: int, replaced: os.stat_result) -> None:
    """Give an open file the owner, group and mode of another."""
    if os.name == "nt":
        return
    mode = stat.S_IMODE(replaced.st_mode)
    status = os.fstat(descriptor)
    if (status.st_uid, status.st_gid) != (replaced.st_uid, replaced.st_gid):
        try:
            os.fchown(descriptor, replaced.st_uid, replaced.st_gid)
        except OSError:  # only root may change the owner; users may set a group that they belong to
            try:
                os.fchown(descriptor, -1, replaced.st_gid)
            except OSError:
                mode &= ~stat.S_IRWXG  # the permissions of the old group are not for the new one
    os.fchmod(descriptor, mode)


def _flush_folder(folder: Path) -> None:
    """Flush a renaming to disk."""
    if os.name != "posix":  # other systems cannot open a folder
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder may be writable but not readable
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digest(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
