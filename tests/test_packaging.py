"""The wheel holds both packages with their type markers, and the version is written once."""

import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

import qml
import qumba
import simulator
from simulator.version import installed_version

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel `pip` builds from this checkout; skipped where the build tool cannot be fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip(f"the build tool could not be fetched: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("qumba-*.whl")
    return path


@pytest.mark.slow
def test_wheel_holds_what_the_checkout_holds(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in ("simulator", "qml", "qumba")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == sources
    assert {"simulator/py.typed", "qml/py.typed", "qumba/py.typed"} <= packed


@pytest.mark.slow
def test_wheel_installs_and_imports_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, capture_output=True)
    code = f"import sys; sys.path.insert(0, {str(target)!r}); import simulator, qml, qumba; print(simulator.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(target))


def test_version_is_written_once() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert metadata.version("qumba") == written
    assert {package.__version__ for package in (simulator, qml, qumba)} == {written}
    elsewhere = [path for package in ("simulator", "qml", "qumba") for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in elsewhere if f'"{written}"' in path.read_text()]


def test_versions_of_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    installed_version.cache_clear()
    try:
        assert installed_version("numpy") is None
        assert qumba.__version__ == "unknown"
    finally:
        installed_version.cache_clear()


def test_console_script() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="qumba")
    assert callable(script.load())


def test_changelog_tells_this_version() -> None:
    assert f"## [{metadata.version('qumba')}]" in (ROOT / "CHANGELOG.md").read_text()
