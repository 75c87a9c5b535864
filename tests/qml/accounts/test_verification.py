"""Verification: every way of changing a log is found."""

import hashlib
import json

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from qml.accounts import DecisionLog, DecisionLogError, verify

LINES = 24


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The bytes of a log, and its head."""
    path = tmp_path_factory.mktemp("log") / "decisions.jsonl"
    X = np.random.default_rng(1).normal(size=(30, 3))
    model = LogisticRegression().fit(X, X[:, 0] > 0)
    with DecisionLog(path, model) as log:
        for row in range(LINES - 1):
            log.wrap().predict(X[row : row + 1])
        head = log.head
    return path.read_bytes(), head


@pytest.fixture
def check(written, tmp_path):
    """A function that verifies changed bytes, with the head kept elsewhere unless it is None."""

    def verified(data, head=written[1]):
        path = tmp_path / "changed.jsonl"
        path.write_bytes(data)
        return verify(path, head)

    return verified


def chained(lines):
    """A log rewritten so that every hash fits, as somebody would who knows how it works."""
    out, previous = [], "0" * 64
    for number, line in enumerate(lines, 1):
        entry = json.loads(line) | {"line": number, "previous": previous}
        out.append(json.dumps(entry, separators=(",", ":")).encode())
        previous = hashlib.sha256(out[-1]).hexdigest()
    return b"\n".join(out) + b"\n"


def test_the_untouched_log(written, check):
    data, head = written
    result = check(data)
    assert result.intact
    assert (result.lines, result.decisions, result.head, result.head_line) == (LINES, LINES - 1, head, LINES)
    assert "Intact: every line up to the head that was kept, line 24, is as it was written." in str(result)
    assert "Intact as far as the log itself can show" in str(check(data, None))
    assert result.as_dict()["intact"] is True
    json.dumps(result.as_dict())


@pytest.mark.parametrize("seed", range(8))
def test_any_changed_byte_is_found(written, check, seed):
    data, _ = written
    rng = np.random.default_rng(seed)
    for position in rng.integers(len(data), size=40):
        changed = bytearray(data)
        changed[position] ^= int(rng.integers(1, 256))
        assert not check(bytes(changed)).intact, position


def test_each_changed_line_but_the_last_is_found_and_named_without_a_head(written, check):
    lines = written[0].splitlines(keepends=True)
    for number in range(1, LINES):
        changed = [*lines]
        changed[number - 1] = changed[number - 1].replace(b'"kind"', b'"Kind"').replace(b'"Kind"', b'"kind" ')
        findings = check(b"".join(changed), None).findings
        assert findings == (f"line {number} was changed after line {number + 1} was written",)


def test_each_deleted_line_is_found_and_named(written, check):
    lines = written[0].splitlines(keepends=True)
    for number in range(1, LINES):
        result = check(b"".join(lines[: number - 1] + lines[number:]), None)
        assert result.findings[0] == f"line {number} is missing"
    assert check(b"".join(lines[:5] + lines[8:]), None).findings == ("lines 6 to 8 are missing",)


def test_any_two_lines_that_change_places_are_found(written, check):
    lines = written[0].splitlines(keepends=True)
    rng = np.random.default_rng(0)
    for _ in range(30):
        one, two = rng.choice(LINES, size=2, replace=False)
        swapped = [*lines]
        swapped[one], swapped[two] = swapped[two], swapped[one]
        assert not check(b"".join(swapped), None).intact
    repeated = check(b"".join([*lines[:9], lines[8], *lines[9:]]), None)
    assert "lines were put in another order, or repeated" in repeated.findings[0]


def test_any_cut_is_found_with_the_head_kept_elsewhere(written, check):
    lines = written[0].splitlines(keepends=True)
    for count in range(1, LINES):
        data = b"".join(lines[:count])
        assert check(data, None).intact
        assert "lines were cut from its end, or changed" in check(data).findings[-1]


def test_a_rewritten_log_is_found_with_the_head_kept_elsewhere(written, check):
    lines = written[0].splitlines()
    forged = json.loads(lines[9])
    forged["prediction"] = not forged["prediction"]
    data = chained([*lines[:9], json.dumps(forged).encode(), *lines[10:]])
    assert check(data, None).intact, "the log alone cannot show this"
    assert "the head kept elsewhere is not that of any line" in check(data).findings[0]
    inserted = chained([*lines[:9], lines[9], *lines[9:]])
    assert not check(inserted).intact


def test_an_earlier_head_vouches_for_what_was_there_then(written, check):
    lines = written[0].splitlines(keepends=True)
    early = hashlib.sha256(lines[11].rstrip(b"\n")).hexdigest()
    result = check(written[0], early)
    assert result.intact
    assert result.head_line == 12
    assert "12 lines follow the head that was kept" in result.notes[0]
    assert not check(chained(lines[:5] + lines[6:]), early).intact


def test_the_head_is_read_from_a_file(written, check, tmp_path):
    file = tmp_path / "head"
    file.write_text(f"00000000000000000024 {written[1]}\n")
    assert check(written[0], file).intact
    cut = check(b"".join(written[0].splitlines(keepends=True)[:20]), file)
    assert (
        "the head kept elsewhere, that of line 24, is not that of any line; the log ends with line 20"
        in cut.findings[0]
    )
    for wrong in ("abc", tmp_path / "missing"):
        with pytest.raises(DecisionLogError, match="expected a head, 64 hexadecimal digits, or a file that holds one"):
            check(written[0], wrong)


def test_a_line_of_another_model(written, check):
    lines = written[0].splitlines()
    other = json.loads(lines[4]) | {"model": "sha256:other"}
    data = chained([*lines[:4], json.dumps(other).encode(), *lines[5:]])
    assert check(data, None).findings == ("line 5 is of another model, sha256:other",)


def test_a_wrong_number(written, check):
    lines = written[0].splitlines()
    entry = json.loads(chained(lines).splitlines()[-1]) | {"line": 30}
    data = b"\n".join([*chained(lines).splitlines()[:-1], json.dumps(entry).encode()]) + b"\n"
    assert check(data, None).findings == ("line 24 is numbered 30",)


def test_no_log(tmp_path):
    with pytest.raises(DecisionLogError, match="there is no log"):
        verify(tmp_path / "missing")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DecisionLogError, match="is not a decision log: it has no whole line"):
        verify(tmp_path / "empty")


def test_many_findings_are_cut_short(written, check):
    lines = written[0].splitlines(keepends=True)
    text = str(check(b"".join(line for pair in zip(lines[1::2], lines[::2], strict=True) for line in pair), None))
    assert "CHANGED: " in text
    assert sum(line.startswith("* ") for line in text.splitlines()) == 21
    assert "* and 4 more" in text
