"""The file format: what goes in comes out; whatever is not whole is refused and named; old files survive failures."""

import errno
import hashlib
import json
import os
import stat
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from qml.files.container import ModelFileError, previous_path, read_container, write_container
from simulator.errors import QumbaError

HEADER = {"name": "zz", "layers": 4, "nested": {"rates": [0.1, 1e-300, 2**127], "none": None, "text": 'ä "\n'}}
ARRAYS = {
    "weights": np.linspace(-1, 1, 7),
    "table": np.arange(6, dtype=np.int64).reshape(2, 3),
    "labels": np.array(["ja", "nein", "ä"]),
    "scalar": np.float32(0.1),
    "flags": np.array([True, False]),
    "state": np.array([1 + 2j, -0.0j]),
    "nothing": np.zeros((0, 3)),
    "limits": np.array([np.nan, np.inf, -np.inf, -0.0]),
}


def write(path, header=HEADER, arrays=ARRAYS, kind="model", version=1, **options):
    write_container(path, header, arrays, kind=kind, version=version, **options)


def read(path, kind="model", version=1, **options):
    return read_container(path, kind=kind, version=version, **options)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "m.qumba"
    write(path)
    return path


def test_everything_comes_back_bit_equal(path):
    header, arrays = read(path)
    assert header == HEADER
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        expected = np.asarray(ARRAYS[name])
        assert (array.dtype, array.shape, array.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
        assert array.flags.writeable
        assert array.flags.owndata or array.base.flags.owndata


def test_other_layouts_of_memory_are_stored_in_one(tmp_path):
    table = np.arange(12.0).reshape(3, 4)
    write(tmp_path / "f", {}, {"f": np.asfortranarray(table), "big": table.astype(">f8"), "strided": table[::2, ::3]})
    _, arrays = read(tmp_path / "f")
    np.testing.assert_array_equal(arrays["f"], table)
    np.testing.assert_array_equal(arrays["big"], table)
    np.testing.assert_array_equal(arrays["strided"], table[::2, ::3])
    assert arrays["big"].dtype.str == "<f8"


def test_the_same_content_gives_the_same_bytes(path, tmp_path):
    write(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


def test_the_header_can_be_read_by_eye(path):
    first, second, third = path.read_bytes().split(b"\n")[:3]
    assert first.startswith(b"qumba model 1 written by ")
    assert second.startswith(b"sha256 ")
    assert json.loads(third)["header"] == HEADER


def test_truncation_at_every_length(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelFileError, match=r"m\.qumba: .*(empty|truncated|not a qumba file)"):
            read(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(ModelFileError, match="expected"):
        read(path)


def test_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "m.qumba"
    write(path, {"n": 1}, {"w": np.array([0.25, 3.0])})
    whole = path.read_bytes()
    for position in range(len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[position] ^= 1 << bit
            path.write_bytes(damaged)
            with pytest.raises(ModelFileError, match=r"m\.qumba: "):
                read(path)


@pytest.mark.parametrize("content", [b"\x80\x04K\x01.", b"PK\x03\x04", b"hello\nworld\n\n", b"\n" * 9, b"qumba \n\n\n"])
def test_files_of_others_are_refused(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ModelFileError, match="not a qumba file"):
        read(tmp_path / "x")


def forge(path, third_line: bytes, content: bytes = b""):
    """A file with a right checksum over content of an attacker's choice."""
    first, body = b"qumba model 1 written by 0", third_line + b"\n" + content
    second = f"sha256 {hashlib.sha256(first + body).hexdigest()} bytes {len(body)}".encode()
    path.write_bytes(first + b"\n" + second + b"\n" + body)


@pytest.mark.parametrize(
    "third_line",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b"[]",
        b'{"header": {}}',
        b'{"header": [], "arrays": []}',
        b'{"header": {}, "arrays": 3}',
        b'{"header": {}, "arrays": [["w", "|O", [1]]]}',
        b'{"header": {}, "arrays": [["w", "<M8[s]", [1]]]}',
        b'{"header": {}, "arrays": [["w", "<f8", [3]]]}',
        b'{"header": {}, "arrays": [["w", "<f8", [-1]]]}',
        b'{"header": {}, "arrays": [["w", "<f8", [1.0]]]}',
        b'{"header": {}, "arrays": [["w", "<f8", [1000000000000000]]]}',
        b'{"header": {}, "arrays": [["w", "<f8", [0, 1000000000000000000000]]]}',
        b'{"header": {}, "arrays": [["w", "<f8"]]}',
        b'{"header": {}, "arrays": [[[], "<f8", [1]]]}',
        b'{"header": {}, "arrays": []}',
    ],
)
def test_forged_headers_give_an_error_and_nothing_else(tmp_path, third_line):
    path = tmp_path / "x"
    forge(path, b'{"header": {}, "arrays": [["w", "<f8", [1]]]}', bytes(8))
    assert read(path)[1]["w"] == 0.0  # the forger works
    forge(path, third_line, bytes(8))
    with pytest.raises(ModelFileError, match="malformed header"):
        read(path)


def test_another_kind_of_file(path):
    with pytest.raises(ModelFileError, match="this is a model file, expected a checkpoint file"):
        read(path, kind="checkpoint")


def test_a_newer_file_names_both_versions(tmp_path):
    write(tmp_path / "new", version=3)
    with pytest.raises(ModelFileError, match=r"version 3, written by qumba .*; this is qumba .*up to version 1"):
        read(tmp_path / "new", version=1)


def test_an_older_file_is_migrated_step_by_step(path):
    def to_2(header, arrays):
        return header | {"n_layers": header["layers"]}, arrays

    def to_3(header, arrays):
        return header, arrays | {"weights": 2 * arrays["weights"]}

    header, arrays = read(path, version=3, migrations={1: to_2, 2: to_3})
    assert header["n_layers"] == 4
    np.testing.assert_array_equal(arrays["weights"], 2 * ARRAYS["weights"])
    with pytest.raises(ModelFileError, match="version 2 can no longer be read; this is version 3"):
        read(path, version=3, migrations={1: to_2})


@pytest.mark.parametrize(
    ("header", "arrays"),
    [
        ({"f": len}, {}),
        ({"n": np.int64(3)}, {}),
        ({0: 1.0}, {}),
        ({"class_weight": [{0: 1.0}]}, {}),
        ({}, {"o": np.array([None])}),
        ({}, {"o": np.array(["a", 1], dtype=object)}),
        ({}, {"t": np.array(["2020-01-01"], dtype="M8[D]")}),
    ],
)
def test_what_is_not_data_is_not_written(path, header, arrays):
    before = path.read_bytes()
    with pytest.raises(TypeError):
        write(path, header, arrays)
    assert path.read_bytes() == before


def test_nan_in_the_header_is_refused(path):
    with pytest.raises(ValueError, match="JSON compliant"):
        write(path, {"x": float("nan")})


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none" / "m.qumba")


def test_the_error_is_ours_and_a_value_error(path):
    path.write_bytes(b"")
    with pytest.raises(ModelFileError) as caught:
        read(path)
    assert isinstance(caught.value, QumbaError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_disk_full_leaves_the_old_file_and_no_litter(path, monkeypatch, failing):
    before = path.read_bytes()

    def no_space(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, no_space)
    with pytest.raises(OSError, match="No space left"):
        write(path, {"new": True})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.skipif(sys.platform == "win32", reason="folders cannot be flushed there")
def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_return(path, monkeypatch):
    calls = []
    rename = os.replace

    def fsync(file):
        calls.append("folder" if stat.S_ISDIR(os.fstat(file).st_mode) else "file")

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *names: calls.append("rename") or rename(*names))
    write(path)
    assert calls == ["file", "rename", "folder"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes are POSIX")
def test_a_write_the_system_cuts_short_leaves_the_old_file(path):
    """A real partial write: the system allows the process files of 1000 bytes only."""
    before = path.read_bytes()
    script = f"""
        import resource, signal
        import numpy as np
        from qml.files.container import write_container
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_container({str(path)!r}, {{}}, {{"w": np.zeros(100_000)}}, kind="model", version=1)
        except OSError:
            print("OSError")
    """
    output = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True, timeout=120
    )
    assert output.stdout == "OSError\n", output.stderr
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_an_interrupt_while_writing_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write(path, {"new": True})
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_the_previous_file_is_kept_when_asked(path):
    write(path, {"n": 2}, keep_previous=True)
    write(path, {"n": 3}, keep_previous=True)
    assert read(path)[0] == {"n": 3}
    assert read(previous_path(path))[0] == {"n": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_a_symbolic_link_stays_one(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    write(link, {"n": 2})
    assert link.is_symlink()
    assert read(path)[0] == {"n": 2}
