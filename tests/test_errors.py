"""What bad input does, word for word: a lock that cannot serve, a wheel or sdist that is not sound, a missing backend."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, built, nix, run
from flakes import SYSTEM, cloche, copy, words
from packages import PythonSet, Wheel, digest, log, sdist

# What is built from an sdist is offered the compilers.
pytestmark = pytest.mark.usefixtures("compilers")

# --- the lock -------------------------------------------------------------------------------------------------------


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    """Return a function of a lock's text that makes one change of its data."""

    def edit(text: str) -> str:
        data = json.loads(text)
        change(data)
        return json.dumps(data, indent=1, sort_keys=True) + "\n"

    return edit


def environment(data: dict[str, Any]) -> dict[str, Any]:
    """Return a lock's part for this system."""
    part: dict[str, Any] = data["environments"][SYSTEM]["3.11"]
    return part


def numpy_is(file: str) -> Callable[[str], str]:
    """Return the edit that gives NumPy's wheel this name."""
    return edited(lambda data: environment(data)["packages"]["numpy"].update(file=file))


LOCK = "make the lock again with 'nix run .#lock'"
AGAIN = "make it again with 'nix run .#lock'"
LOCKS: dict[str, tuple[Callable[[str], str], str]] = {
    "stale": (
        edited(lambda data: data["made-from"].update({"pyproject.toml": "0" * 64})),
        "cloche.lock: the lock is stale: pyproject.toml changed since it was made; run 'nix run .#lock'",
    ),
    "made from a file that is gone": (
        edited(lambda data: data["made-from"].update({"uv.lock": "0" * 64})),
        "cloche.lock: the lock is stale: uv.lock changed since it was made; run 'nix run .#lock'",
    ),
    "another version": (
        edited(lambda data: data.update(version=2)),
        f"cloche.lock: the lock has format version 2, this Cloche reads 1; {AGAIN}, or use the Cloche that wrote it",
    ),
    "another tool's file": (
        lambda _: "[1]\n",
        f'cloche.lock: this is not a Cloche lock (it has no "version"); {AGAIN}',
    ),
    "another Python": (
        edited(lambda data: data["environments"].update({SYSTEM: {"3.13": environment(data)}})),
        f"cloche.lock: nothing is locked for Python 3.11 on {SYSTEM}, only for 3.13; run 'nix run .#lock -- --python 3.11'",
    ),
    "another system": (
        edited(lambda data: data.update(environments={"riscv64-linux": {}})),
        f"cloche.lock: nothing is locked for {SYSTEM}, only for riscv64-linux; run 'nix run .#lock -- --system {SYSTEM}'",
    ),
    "a group that is not locked": (
        edited(lambda data: environment(data)["groups"].pop("test")),
        'cloche.lock: there is no dependency group "test"; the groups are default, dev, lint, types',
    ),
    **{
        f"a file called {file!r}": (
            numpy_is(file),
            f"cloche.lock: {json.dumps(file)} (of numpy) is not a plain file name and could lead out of the environment; {LOCK}",
        )
        for file in ("../x.whl", "/x", "a/b", "..", "", ".x.whl", "a\\b.whl", "a\nb.whl")
    },
}


@pytest.mark.parametrize("case", LOCKS)
def test_lock_that_cannot_serve(case: str, growth: Path, tmp_path: Path) -> None:
    change, text = LOCKS[case]
    folder = copy(growth, tmp_path / "project", {"cloche.lock": change((growth / "cloche.lock").read_text())})
    # Every output that takes something from the lock says the same.
    for output in ("checks", "devShells"):
        ended = nix("eval", "--json", f".#{output}.{SYSTEM}", cwd=folder)
        assert (ended.code, words(ended)) == (1, text)
    # The app that mends it still works.
    assert nix("eval", f".#apps.{SYSTEM}.lock.program", cwd=folder).code == 0


def test_missing_lock(growth: Path, tmp_path: Path) -> None:
    folder = copy(growth, tmp_path / "project")
    assert run("git", "rm", "-qf", "cloche.lock", cwd=folder).code == 0
    ended = nix("build", cwd=folder)
    text = "cloche.lock: there is no such file beside pyproject.toml; make it with 'nix run .#lock' and 'git add' it"
    assert (ended.code, words(ended)) == (1, text)


def test_malformed_lock_names_file_and_line(growth: Path, tmp_path: Path) -> None:
    lines = (growth / "cloche.lock").read_text().splitlines()
    merged = "\n".join([*lines[:4], "<<<<<<< HEAD", *lines[4:]])
    ended = nix("build", cwd=copy(growth, tmp_path / "project", {"cloche.lock": merged}))
    assert ended.code == 1
    assert f"while reading cloche.lock as JSON; where it was edited, merged or cut off, {AGAIN}" in ended.err
    assert "parse error at line 5, column 1" in words(ended)


def test_malformed_pyproject_names_file_and_line(growth: Path, tmp_path: Path) -> None:
    lines = (growth / "pyproject.toml").read_text().splitlines()
    broken = "\n".join([*lines[:4], "name = growth", *lines[4:]])
    ended = nix("build", cwd=copy(growth, tmp_path / "project", {"pyproject.toml": broken}))
    assert ended.code == 1
    assert "while reading pyproject.toml as TOML" in ended.err
    assert " 5 | name = growth" in words(ended)


def test_configuration_that_the_lock_has_not(growth: Path, tmp_path: Path) -> None:
    configuration = '{ cloche = { src = ./.; python.sdists = [ "numpy" ]; }; }'
    ended = nix("build", cwd=copy(growth, tmp_path / "project", {"cloche.nix": configuration}))
    text = "cloche.lock: the configuration wants numpy from source, but the lock has a wheel; run 'nix run .#lock'"
    assert (ended.code, words(ended)) == (1, text)


def test_requires_python_that_is_not_met(growth: Path, tmp_path: Path) -> None:
    project = (growth / "pyproject.toml").read_text().replace('">=3.11"', '">=3.12,<4"')
    folder = copy(growth, tmp_path / "project", {"pyproject.toml": project})
    ended = cloche("run", ".#lock", cwd=folder)
    assert ended.code == 2
    assert "requires-python" in ended.err
    assert ">=3.12" in ended.err
    assert "3.11" in ended.err


# --- sources --------------------------------------------------------------------------------------------------------


def other_hash(growth: Path, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """Return a project whose lock has another hash for iniconfig, and that package's entry."""
    data = json.loads((growth / "cloche.lock").read_text())
    entry: dict[str, Any] = environment(data)["packages"]["iniconfig"]
    entry["sha256"] = hashlib.sha256(b"another file").hexdigest()
    return copy(growth, tmp_path / "project", {"cloche.lock": json.dumps(data)}), entry


def test_source_that_is_not_in_the_store_names_the_command(growth: Path, tmp_path: Path) -> None:
    folder, entry = other_hash(growth, tmp_path)
    ended = nix("build", "--no-link", "-L", f".#checks.{SYSTEM}.tests", cwd=folder)
    assert ended.code == 1
    assert f"{entry['file']} is not in the store; bring all sources of the lock with" in log(ended)
    assert "  nix run .#fetch\n" in log(ended)


def test_source_that_is_not_what_the_lock_says_does_not_enter_the_store(growth: Path, tmp_path: Path) -> None:
    folder, entry = other_hash(growth, tmp_path)
    links = tmp_path / "links"
    links.mkdir()
    # Of the size that the lock says, so that the hash alone tells.
    published = b"what somebody else published".ljust(entry["size"])
    (links / entry["file"]).write_bytes(published)
    is_there = hashlib.sha256(published).hexdigest()
    pip = {"PIP_FIND_LINKS": str(links), "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null"}
    ended = run(ROOT / "ci/nix", "run", ".#fetch", cwd=folder, env=pip)
    assert ended.code == 1
    assert (
        f"{entry['file']}: the index gave a file of {len(published)} bytes with sha256 {is_there},\nbut the lock says {entry['sha256']};"
        " it was not added." in ended.err
    )


# --- wheels ---------------------------------------------------------------------------------------------------------

UNSOUND = {
    "RECORD lies": (
        Wheel("lie", [("lie.py", "x = 1\n")], record={"lie.py": "lie.py,sha256=AAAA,6"}),
        "lie.py: RECORD says sha256=AAAA, the file has " + digest(b"x = 1\n"),
    ),
    "RECORD lacks a file": (Wheel("lack", [("lack.py", "")], record={"lack.py": None}), "lack.py: not in RECORD"),
    "a file of RECORD is missing": (
        Wheel("gone", [], record={"gone.py": "gone.py,sha256=AAAA,6"}),
        "gone.py: in RECORD, but not in the archive",
    ),
    "RECORD without a hash": (
        Wheel("bare", [("bare.py", "")], record={"bare.py": "bare.py,,"}),
        "bare.py: RECORD has no hash of it",
    ),
    "a script that RECORD lies about": (
        Wheel(
            "script",
            [("script-1.0.data/scripts/run", "#!python\n")],
            record={"script-1.0.data/scripts/run": "script-1.0.data/scripts/run,sha256=AAAA,9"},
        ),
        "script-1.0.data/scripts/run: RECORD says sha256=AAAA, the file has sha256=",
    ),
    "a member above": (
        Wheel("above", [("../above.py", "")]),
        "'../above.py': it would be written outside of the environment",
    ),
    "a member above its scheme": (
        Wheel("scheme", [("scheme-1.0.data/data/../../x", "")]),
        "'scheme-1.0.data/data/../../x': it would be written outside of the environment",
    ),
    "an absolute member": (
        Wheel("absolute", [("/absolute.py", "")]),
        "'/absolute.py': it would be written outside of the environment",
    ),
    "a member twice": (
        Wheel("twice", [("twice.py", "x = 1\n"), ("twice.py", "x = 2\n")]),
        "twice.py: the archive has it 2 times",
    ),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_wheel_that_is_not_sound(case: str, tmp_path: Path) -> None:
    wheel, problem = UNSOUND[case]
    files = PythonSet(tmp_path)
    files.add(wheel.write(tmp_path), wheel.name)
    ended = files.build(f"packages.{wheel.name}")
    assert ended.code == 1
    assert f"{wheel.file} is not a sound wheel:\n  {problem}" in log(ended)
    assert "The file is as the lock names it, so it was published like this; choose another version." in log(ended)


def test_file_that_is_no_wheel(tmp_path: Path) -> None:
    path = tmp_path / "text-1.0-py3-none-any.whl"
    path.write_text("not an archive")
    files = PythonSet(tmp_path)
    files.add(path, "text")
    ended = files.build("packages.text")
    assert ended.code == 1
    assert f"{path.name} is not a sound wheel:\n  it is no zip archive: 14 bytes are too few" in log(ended)


def two(folder: Path, texts: tuple[str, str]) -> PythonSet:
    """Return a set of two wheels that both have shared/data.py and a script, with these contents."""
    files = PythonSet(folder)
    for name, text in zip(("first", "second"), texts, strict=True):
        members = [("shared/data.py", text), (f"{name}-1.0.data/scripts/tool", f"#!python\n{text}")]
        files.add(Wheel(name, members).write(folder), name)
    return files


def test_two_wheels_that_write_the_same_file(tmp_path: Path) -> None:
    files = two(tmp_path, ("x = 1\n", "x = 2\n"))
    ended = files.environment()
    assert ended.code == 1
    assert (
        "two wheels write the same file with different contents:\n"
        "  lib/python3.11/site-packages/shared/data.py: first-1.0, second-1.0\n"
        "  bin/tool: first-1.0, second-1.0\n"
        "Only one of them can be in an environment: leave one out of the group, or set\n"
        "cloche.python.overrides.<package>.exclude to the files that should give way." in log(ended)
    )
    files.overrides = {"first": {"exclude": ["shared/data.py", "bin/tool"]}}
    path = built(files.environment())
    assert nix("shell", path, "--command", "python", "-c", "import shared.data; print(shared.data.x)").out == "2\n"
    # What was left out is in no RECORD any more, and nothing of its byte code is left.
    first = built(files.build("packages.first"))
    assert "data" not in nix("store", "ls", "--recursive", first).out.replace("METADATA", "")
    record = nix("store", "cat", f"{first}/lib/python3.11/site-packages/first-1.0.dist-info/RECORD").out
    assert "data.py" not in record
    assert "bin/tool" not in record
    assert "METADATA" in record


def test_two_wheels_with_the_same_bytes_agree(tmp_path: Path) -> None:
    path = built(two(tmp_path, ("x = 1\n", "x = 1\n")).environment())
    assert nix("shell", path, "--command", "python", "-c", "import shared.data; print(shared.data.x)").out == "1\n"


def test_exclude_that_matches_nothing(tmp_path: Path) -> None:
    files = two(tmp_path, ("x = 1\n", "x = 1\n"))
    files.overrides = {"first": {"exclude": ["shraed/data.py"]}}
    ended = files.build("packages.first")
    assert ended.code == 1
    assert (
        "first-1.0-py3-none-any.whl: overrides.exclude has 'shraed/data.py', which matches nothing in this wheel"
        in log(ended)
    )


# --- sdists ---------------------------------------------------------------------------------------------------------

BACKEND = """
import zipfile
def get_requires_for_build_wheel(config_settings=None):
    return ["absent-tool>=2"]
def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "%s"
    if name == "fails":
        raise SystemExit("the backend's own words")
    info = name + "-%s.dist-info/"
    file = info.replace(".dist-info/", "-py3-none-any.whl")
    with zipfile.ZipFile(wheel_directory + "/" + file, "w") as wheel:
        wheel.writestr(zipfile.ZipInfo(info + "WHEEL"), "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n")
        digest = "sha256=pOC2U1k6hCf_vkZe7h2snGRWx-C20Xjuc3a02KQn2OY"
        wheel.writestr(zipfile.ZipInfo(info + "RECORD"), info + "RECORD,,\\n" + info + "WHEEL," + digest + ",41\\n")
    return file
"""
OWN = '[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n'


def from_source(folder: Path, files: dict[str, str], strange: list[tarfile.TarInfo] | None = None) -> PythonSet:
    """Return a set of one sdist, source 1.0, whose locked build environment is empty."""
    made = PythonSet(folder)
    made.add(sdist(folder, "source", files, strange), "source", build="source==1.0")
    made.builds = {"source==1.0": {"backend": "own", "requires": [], "packages": {}}}
    return made


def test_sdist_whose_backend_is_missing(tmp_path: Path) -> None:
    project = '[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'
    ended = from_source(tmp_path, {"pyproject.toml": project}).build("packages.source")
    assert ended.code == 1
    assert (
        "source==1.0: its build backend 'flit_core.buildapi' cannot be imported (ModuleNotFoundError: No module named 'flit_core').\n"
        "The locked build environment has been made from [build-system] requires = ['flit_core>=3'].\n"
        "Add it to your pyproject.toml and run 'nix run .#lock':\n"
        "  [tool.cloche.build-requires]\n"
        '  source = ["flit-core"]' in log(ended)
    )


def test_sdist_whose_backend_asks_for_more(tmp_path: Path) -> None:
    ended = from_source(tmp_path, {"pyproject.toml": OWN, "own.py": BACKEND % ("fails", "1.0")}).build(
        "packages.source"
    )
    assert ended.code == 1
    assert "the backend's own words" in log(ended)
    assert (
        "source==1.0: the build backend 'own' failed (its words are above, exit code 1).\n"
        "It asks for absent-tool>=2, which the locked build environment lacks. Add it to your pyproject.toml and run 'nix run .#lock':\n"
        "  [tool.cloche.build-requires]\n"
        '  source = ["absent-tool>=2"]' in log(ended)
    )


@pytest.mark.parametrize(
    ("name", "version", "problem"),
    [
        ("other", "1.0", "other-1.0-py3-none-any.whl: it was built from source, but is a wheel of other"),
        ("source", "0.0", "source-0.0-py3-none-any.whl: it was built from source 1.0, but says that it is 0.0"),
    ],
)
def test_sdist_that_makes_another_wheel(name: str, version: str, problem: str, tmp_path: Path) -> None:
    ended = from_source(tmp_path, {"pyproject.toml": OWN, "own.py": BACKEND % (name, version)}).build("packages.source")
    assert ended.code == 1
    assert f"is not a sound wheel:\n  {problem}" in log(ended)


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Return a member of a tar archive."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


OUTSIDE = "it would be written outside of the build folder"
DEVICE = "neither a file nor a folder; an sdist holds no devices"
STRANGE = {
    "above": ([member("../evil")], f"'../evil': {OUTSIDE}"),
    "above, from below": ([member("source-1.0/../../evil")], f"'source-1.0/../../evil': {OUTSIDE}"),
    "absolute": ([member("/tmp/evil")], f"'/tmp/evil': {OUTSIDE}"),  # noqa: S108 - nothing is written there
    "link above": (
        [member("source-1.0/l", tarfile.SYMTYPE, "../..")],
        "'source-1.0/l': a symbolic link to '../..', outside of the build folder",
    ),
    "absolute link": (
        [member("source-1.0/l", tarfile.SYMTYPE, "/etc/passwd")],
        "'source-1.0/l': a symbolic link to '/etc/passwd', outside of the build folder",
    ),
    # Each link alone stays inside by its words; the second leaves by way of the first.
    "link through a link": (
        [
            member("source-1.0/d/e", tarfile.DIRTYPE),
            member("source-1.0/d/e/a", tarfile.SYMTYPE, "../../.."),
            member("source-1.0/d/e/b", tarfile.SYMTYPE, "a/.."),
        ],
        "'source-1.0/d/e/b': a symbolic link to 'a/..', outside of the build folder",
    ),
    "hard link": (
        [member("source-1.0/h", tarfile.LNKTYPE, "../../etc/passwd")],
        "'source-1.0/h': a hard link to '../../etc/passwd', which is no file before it",
    ),
    "twice": ([member("source-1.0/own.py")], "source-1.0/own.py: the archive has it 2 times"),
    "twice but for the case": (
        [member("source-1.0/OWN.py")],
        "'source-1.0/OWN.py' and 'source-1.0/own.py' differ only by upper and lower case or by composed letters",
    ),
    "device": ([member("source-1.0/null", tarfile.CHRTYPE)], f"'source-1.0/null': {DEVICE}"),
    "named pipe": ([member("source-1.0/pipe", tarfile.FIFOTYPE)], f"'source-1.0/pipe': {DEVICE}"),
    "two tops": (
        [member("other/x")],
        "source-1.0.tar.gz: an sdist has one folder at its top, this one has ['other', 'source-1.0']",
    ),
}


@pytest.mark.parametrize("case", STRANGE)
def test_sdist_with_a_strange_member(case: str, tmp_path: Path) -> None:
    members, problem = STRANGE[case]
    good = {"pyproject.toml": OWN, "own.py": BACKEND % ("source", "1.0")}
    ended = from_source(tmp_path, good, members).build("packages.source")
    assert ended.code == 1
    assert problem in log(ended)
    assert "source-1.0.tar.gz" in log(ended)


def test_control_the_same_sdist_without_strange_members_is_built(tmp_path: Path) -> None:
    inside = [
        member("source-1.0/l", tarfile.SYMTYPE, "own.py"),
        member("source-1.0/h", tarfile.LNKTYPE, "source-1.0/own.py"),
    ]
    good = {"pyproject.toml": OWN, "own.py": BACKEND % ("source", "1.0")}
    assert built(from_source(tmp_path, good, inside).build("packages.source")).endswith("-source-1.0")
