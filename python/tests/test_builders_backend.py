"""Unpacking sdists and calling build backends.

Whole derivations: tests/test_errors.py.
"""

import contextlib
import io
import os
import stat
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloche.environment import backend

BACKEND = """
import os, pathlib
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    pathlib.Path(wheel_directory, "x-1-py3-none-any.whl").write_text(repr((config_settings, os.environ.get("MARK"))))
    return "x-1-py3-none-any.whl"
"""


@pytest.fixture(autouse=True)
def _date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "315532800")


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def environment(folder: Path) -> Path:
    """Return a build environment with nothing but this Python."""
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -I "$@"\n')
    python.chmod(0o755)
    return folder


def test_zip_keeps_modes_and_dates_begin_in_1980(tmp_path: Path) -> None:
    path = tmp_path / "x-1.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("x-1/configure")
        info.external_attr = (stat.S_IFREG | 0o755) << 16
        archive.writestr(info, "#!/bin/sh\n")
        archive.writestr("x-1/data", "")
    root = backend.unpack_sdist(path, path.name, tmp_path / "out")
    assert root == tmp_path / "out/x-1"
    assert (root / "configure").stat().st_mode & 0o777 == 0o755
    assert (root / "data").stat().st_mode & 0o777 == 0o644
    assert (root / "data").stat().st_mtime == 315532800


def test_tar_keeps_the_order_of_dates(tmp_path: Path) -> None:
    path = tmp_path / "x-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, date in (("x-1/a.pyx", 1_600_000_000), ("x-1/a.c", 1_600_000_001), ("x-1/old", 0)):
            member = tarfile.TarInfo(name)
            member.mtime = date
            archive.addfile(member, io.BytesIO())
    root = backend.unpack_sdist(path, path.name, tmp_path / "out")
    assert [(root / name).stat().st_mtime for name in ("a.pyx", "a.c", "old")] == [
        1_600_000_000,
        1_600_000_001,
        315532800,
    ]


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("x-1.tar.gz", b"nothing", "x-1.tar.gz is not an sdist that can be unpacked: truncated header"),
        ("x-1.tar.gz", b"\x1f\x8bnothing", "x-1.tar.gz is not an sdist that can be unpacked: "),
        ("x-1.tar.bz2", b"BZhnothing", "x-1.tar.bz2 is not an sdist that can be unpacked: "),
        ("x-1.tar.xz", b"\xfd7zXZ\0nothing", "x-1.tar.xz is not an sdist that can be unpacked: "),
        ("x-1.zip", b"nothing", "x-1.zip is not a sound sdist, and nothing of it is unpacked:\n  it is no zip archive"),
    ],
)
def test_archive_that_is_none(name: str, data: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SystemExit) as ended:
        backend.unpack_sdist(tmp_path / name, name, tmp_path / "out")
    assert str(ended.value).startswith(text)


def test_nothing_of_an_unsound_sdist_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x-1.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name in ("x-1/a.py", "x-1/A.py", "../evil"):
            archive.addfile(tarfile.TarInfo(name))
    with pytest.raises(SystemExit) as ended:
        backend.unpack_sdist(path, path.name, tmp_path / "out")
    assert str(ended.value) == (
        "x-1.tar.gz is not a sound sdist, and nothing of it is unpacked:\n"
        "  'x-1/A.py' and 'x-1/a.py' differ only by upper and lower case or by composed letters, so some file systems "
        "hold only one of them\n"
        "  '../evil': it would be written outside of the build folder"
    )
    assert list(tmp_path.iterdir()) == [path]


NAMES = st.text(alphabet="ab./", min_size=1, max_size=12)


@given(st.lists(st.tuples(st.sampled_from(["file", "link", "hard", "folder"]), NAMES, NAMES), max_size=8))
def test_nothing_is_written_outside_whatever_members_say(
    tmp_path_factory: pytest.TempPathFactory, members: list[tuple[str, str, str]]
) -> None:
    top = tmp_path_factory.mktemp("sdist")
    path = top / "x.tar"
    kinds = {"file": tarfile.REGTYPE, "link": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE, "folder": tarfile.DIRTYPE}
    with tarfile.open(path, "w") as archive:
        for kind, name, link in members:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kinds[kind], link
            archive.addfile(member)
    (top / "work").mkdir()
    unpacked = False
    # The unpacker must not lean on what was looked at before.
    with pytest.MonkeyPatch.context() as patch, contextlib.suppress(SystemExit):
        patch.setattr(backend, "check_tar", lambda _: [])
        backend.unpack_sdist(path, path.name, top / "work/out")
        unpacked = True
    left = {entry.name for entry in top.iterdir()} | {entry.name for entry in (top / "work").glob("*")}
    assert left <= {"x.tar", "work", "out"}
    for folder, folders, files in os.walk(top / "work/out") if unpacked else ():
        for name in (*folders, *files):
            assert Path(folder, name).resolve().is_relative_to((top / "work/out").resolve())


def test_build_system(tmp_path: Path) -> None:
    assert backend.build_system(tmp_path) == backend.LEGACY
    tree(tmp_path, {"pyproject.toml": "[tool.x]\n"})
    assert backend.build_system(tmp_path) == backend.LEGACY
    tree(
        tmp_path, {"pyproject.toml": '[build-system]\nrequires = ["flit_core"]\nbuild-backend = "flit_core.buildapi"\n'}
    )
    assert backend.build_system(tmp_path) == {"requires": ["flit_core"], "build-backend": "flit_core.buildapi"}


def test_backend_in_the_tree_gets_settings_and_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["tools"]\n'
    source = tree(tmp_path / "source", {"pyproject.toml": project, "tools/own.py": BACKEND})
    for name in ("top", "tools/bin"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("NIX_BUILD_TOP", str(tmp_path / "top"))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.delenv("MARK", raising=False)
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    backend.main(
        {
            "outputs": {"out": str(out)},
            "source": str(source),
            "environment": str(environment(tmp_path / "environment")),
            "programs": [str(tmp_path / "tools")],
            "variables": {"MARK": "seen"},
            "settings": {"a": ["b"]},
            "project": "x",
            "what": "wheel",
        }
    )
    assert (out / "x-1-py3-none-any.whl").read_text() == "({'a': ['b']}, 'seen')"
    assert os.environ["PATH"].split(":")[:2] == [str(tmp_path / "environment/bin"), str(tmp_path / "tools/bin")]
    os.environ.pop("MARK")


@pytest.mark.parametrize(
    ("name", "package"),
    [("flit_core.buildapi", "flit-core"), ("mesonpy", "meson-python"), ("some_backend:api", "some-backend")],
)
def test_missing_backend_of_the_project_itself(name: str, package: str, tmp_path: Path) -> None:
    source = tree(
        tmp_path / "s", {"pyproject.toml": f'[build-system]\nrequires = []\nbuild-backend = "absent_{name}"\n'}
    )
    build = backend.Build(source, environment(tmp_path / "environment"), tmp_path, "x")
    with pytest.raises(SystemExit) as ended:
        build.run("wheel")
    assert f"x: its build backend 'absent_{name}' cannot be imported" in str(ended.value)
    assert '[build-system]\n  requires = ["absent-' in str(ended.value)
    module = name.partition(".")[0].partition(":")[0]
    assert backend.PROVIDERS.get(module, module.replace("_", "-")) == package


def test_backend_without_an_sdist(tmp_path: Path) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    source = tree(tmp_path / "s", {"pyproject.toml": project, "own.py": BACKEND})
    with pytest.raises(SystemExit, match="x: the build backend 'own' failed"):
        backend.Build(source, environment(tmp_path / "environment"), tmp_path, "x").run("sdist")


def test_failure_says_where_to_look(tmp_path: Path) -> None:
    project = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'
    source = tree(
        tmp_path / "s", {"pyproject.toml": project, "own.py": "def build_wheel(*a, **k):\n    raise ValueError\n"}
    )
    with pytest.raises(SystemExit) as ended:
        backend.Build(source, environment(tmp_path / "environment"), tmp_path, "x").run("wheel")
    assert "x: the build backend 'own' failed (its words are above, exit code 1).\n" in str(ended.value)
    assert "the option cloche.exclude leaves some out" in str(ended.value)
    assert "docs/sdists.md" in str(ended.value)
