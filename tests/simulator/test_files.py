"""Files replaced as a whole, onto regular files only; temporaries of killed writers; locks."""

import errno
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

import simulator.files
from simulator.errors import QumbaError
from simulator.files import NotAFileError, beside, locked, replace_file

ROOT = Path(__file__).parents[2]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes, links, FIFOs and signals are POSIX")

pytestmark = POSIX


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def mode_of(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def process(script, *arguments):
    """A Python process that has printed its first line."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    return child


def end(child):
    child.kill()
    child.wait(timeout=60)
    child.stdout.close()


class TestReplacing:
    def test_the_content_is_that_of_all_chunks(self, path):
        replace_file(path, [b"new ", b"content"])
        assert path.read_bytes() == b"new content"
        assert os.listdir(path.parent) == ["file"]

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o444, 0o666, 0o777])
    def test_the_mode_is_kept(self, path, mode):
        os.chmod(path, mode)
        for _ in range(2):
            replace_file(path, [b"new"])
            assert mode_of(path) == mode

    @pytest.mark.parametrize("umask", [0o022, 0o077])
    def test_a_new_file_has_the_mode_of_any_other(self, tmp_path, umask):
        before = os.umask(umask)
        try:
            replace_file(tmp_path / "new", [b""])
        finally:
            os.umask(before)
        assert mode_of(tmp_path / "new") == 0o666 & ~umask

    def test_a_private_file_is_private_while_it_is_written(self, path):
        os.chmod(path, 0o600)
        seen = []

        def chunks():
            (temporary,) = path.parent.glob(".qumba-*")
            seen.append(mode_of(temporary))
            yield b"secret"

        replace_file(path, chunks())
        assert seen == [0o600]

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
    def test_owner_and_group_are_kept(self, path):
        os.chown(path, 12345, 23456)
        os.chmod(path, 0o640)
        replace_file(path, [b"new"])
        status = os.stat(path)
        assert (status.st_uid, status.st_gid, mode_of(path)) == (12345, 23456, 0o640)

    @pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")
    def test_a_group_that_cannot_be_kept_gives_another_no_rights(self, path, monkeypatch):
        os.chown(path, 12345, 23456)
        os.chmod(path, 0o664)

        def refused(*_):
            raise PermissionError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "fchown", refused)
        replace_file(path, [b"new"])
        assert mode_of(path) == 0o604

    def test_the_previous_file_is_kept_when_asked(self, path):
        previous = beside(path, ".previous")
        for content in (b"1", b"2"):
            replace_file(path, [content], previous=previous)
        assert (previous.read_bytes(), path.read_bytes()) == (b"1", b"2")

    def test_a_failure_in_the_middle_leaves_the_old_file_and_no_litter(self, path):
        def chunks():
            yield b"half"
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            replace_file(path, chunks())
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == ["file"]

    def test_a_name_of_250_bytes(self, tmp_path):
        path = tmp_path / ("ä" * 125)
        for content in (b"1", b"2"):
            replace_file(path, [content], previous=beside(path, ".previous"))
        assert path.read_bytes() == b"2"
        assert beside(path, ".previous").read_bytes() == b"1"
        assert beside(path, ".previous") != beside(path.with_name("b" * 250), ".previous")

    def test_a_folder_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such folder: '.*nowhere'"):
            replace_file(tmp_path / "nowhere" / "file", [b""])

    def test_writers_at_once_leave_one_whole_file(self, path):
        contents = [bytes([number]) * 10_000 for number in range(8)]

        def write(content):
            for _ in range(10):
                replace_file(path, [content[:5000], content[5000:]])

        threads = [threading.Thread(target=write, args=(content,)) for content in contents]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert path.read_bytes() in contents
        assert os.listdir(path.parent) == ["file"]


class TestLinks:
    def test_a_link_stays_and_its_file_is_replaced(self, path, tmp_path):
        link = tmp_path / "link"
        link.symlink_to(path)
        os.chmod(path, 0o600)
        replace_file(link, [b"new"])
        assert link.is_symlink()
        assert path.read_bytes() == b"new"
        assert mode_of(path) == 0o600

    def test_a_link_to_nothing_yet(self, tmp_path):
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "target")
        replace_file(link, [b"new"])
        assert link.is_symlink()
        assert (tmp_path / "target").read_bytes() == b"new"

    def test_links_in_a_circle(self, tmp_path):
        (tmp_path / "a").symlink_to(tmp_path / "b")
        (tmp_path / "b").symlink_to(tmp_path / "a")
        with pytest.raises(OSError, match="symbolic links"):
            replace_file(tmp_path / "a", [b""])


class TestWhatIsNotAFile:
    def test_numbers_of_open_files(self):
        with pytest.raises(TypeError, match="PathLike"):
            replace_file(0, [b""])

    def refused(self, path, kind):
        before = os.lstat(path)
        with pytest.raises(NotAFileError, match=f"expected the path of a regular file, this is {kind}") as caught:
            replace_file(path, [b"new"])
        assert isinstance(caught.value, QumbaError)
        assert isinstance(caught.value, OSError)
        assert str(path) in str(caught.value)
        assert os.path.samestat(os.lstat(path), before)

    def test_a_fifo(self, tmp_path):
        os.mkfifo(tmp_path / "fifo")
        self.refused(tmp_path / "fifo", "a FIFO")

    def test_a_folder(self, tmp_path):
        self.refused(tmp_path, "a folder")

    def test_a_socket(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)  # the names of sockets are short
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("socket")
            self.refused(tmp_path / "socket", "a socket")

    def test_a_device_and_a_link_to_one(self, tmp_path):
        self.refused("/dev/null", "a device")
        (tmp_path / "link").symlink_to("/dev/null")
        self.refused(tmp_path / "link", "a device")

    def test_where_the_previous_file_would_go(self, path):
        beside(path, ".previous").mkdir()
        with pytest.raises(NotAFileError):
            replace_file(path, [b"new"], previous=beside(path, ".previous"))
        assert path.read_bytes() == b"old"


SLOW_WRITER = """
    import sys, time
    from simulator.files import replace_file

    def chunks():
        yield b"half"
        print("ready", flush=True)
        time.sleep(600)

    replace_file(sys.argv[1], chunks())
"""


class TestTemporaryFiles:
    def test_that_of_a_killed_writer_goes_with_the_next_save(self, path):
        other = path.with_name("other")
        child = process(SLOW_WRITER, path)
        os.kill(child.pid, signal.SIGKILL)
        end(child)
        assert len(os.listdir(path.parent)) == 2
        replace_file(other, [b""])
        assert len(os.listdir(path.parent)) == 3  # it is not the other file's
        replace_file(path, [b"new"])
        assert sorted(os.listdir(path.parent)) == ["file", "other"]

    def test_that_of_a_writer_at_work_stays(self, path):
        child = process(SLOW_WRITER, path)
        try:
            replace_file(path, [b"new"])
            assert len(os.listdir(path.parent)) == 2
        finally:
            end(child)


LOCK_HOLDER = """
    import sys, time
    from simulator.files import locked
    with locked(sys.argv[1]):
        print("ready", flush=True)
        time.sleep(600)
"""


class TestLocks:
    def test_a_second_process_is_told(self, tmp_path):
        path = tmp_path / "lock"
        child = process(LOCK_HOLDER, path)
        try:
            with pytest.raises(BlockingIOError, match="in use by another process"), locked(path):
                pass
        finally:
            end(child)
        with locked(path):  # killed: the lock is free, though its file is still there
            assert path.exists()
        assert not path.exists()

    def test_a_second_thread_is_told(self, tmp_path):
        with locked(tmp_path / "lock"):
            found = []

            def attempt():
                try:
                    with locked(tmp_path / "lock"):
                        found.append("held twice")
                except BlockingIOError:
                    found.append("told")

            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
        assert found == ["told"]

    def test_a_file_that_its_last_holder_removes_just_now(self, tmp_path, monkeypatch):
        """Whoever had opened it before holds a file without a name, which keeps nobody off."""
        path, lock, calls = tmp_path / "lock", simulator.files._lock, []

        def late(descriptor):
            calls.append(descriptor)
            if len(calls) == 1:
                path.unlink()
            return lock(descriptor)

        monkeypatch.setattr(simulator.files, "_lock", late)
        with locked(path):
            assert path.exists()
            with pytest.raises(BlockingIOError), locked(path):
                pass
        assert len(calls) == 3

    def test_one_at_a_time(self, tmp_path):
        inside, most = [], []

        def work():
            taken = 0
            while taken < 20:
                try:
                    with locked(tmp_path / "lock"):
                        inside.append(1)
                        most.append(len(inside))
                        inside.pop()
                        taken += 1
                except BlockingIOError:
                    continue

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(most) == 1
        assert len(most) == 80

    def test_without_locks_in_the_file_system_nothing_is_held(self, tmp_path, monkeypatch):
        import fcntl

        def no_locks(*_):
            raise OSError(errno.ENOLCK, "No locks available")

        monkeypatch.setattr(fcntl, "flock", no_locks)
        with locked(tmp_path / "lock"), locked(tmp_path / "lock"):
            pass
        (tmp_path / "file").write_bytes(b"")
        replace_file(tmp_path / "file", [b"new"])
        assert (tmp_path / "file").read_bytes() == b"new"


def test_an_error_of_writing_names_the_file(tmp_path):
    def chunks():
        yield b"beginning"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match=re.escape(f"No space left on device: '{tmp_path / 'model'}'")):
        replace_file(tmp_path / "model", chunks())
    assert list(tmp_path.iterdir()) == []


def test_a_lock_in_a_folder_that_does_not_exist_names_the_folder(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match=f"no such folder: '{tmp_path}/none'"),
        locked(tmp_path / "none" / "lock"),
    ):
        pass
