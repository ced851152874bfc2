"""Locks made to deceive or to exhaust: both readers, that of `lock` and that of `fetch`, refuse them with a reason."""

import json
from pathlib import Path
from typing import Any

import pytest

from cloche.errors import ClocheError
from cloche.fetch.sources import FetchError, roles_of_lock, sources_of_lock
from cloche.lock.model import read_lock
from cloche.untrusted import limits

SYSTEM = "x86_64-linux"
AGAIN = "make it again with 'nix run .#lock'"


def lock(name: str = "alpha", **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of any type, as hostile ones are
    entry = {
        "version": "1.0",
        "file": "alpha-1.0-py3-none-any.whl",
        "sha256": "0" * 64,
        "size": 1,
        "dependencies": [],
        "license": None,
        **changes,
    }
    environment = {"groups": {"default": [name]}, "packages": {name: entry}, "builds": {}}
    return {
        "version": 1,
        "project": "demo",
        "requires-python": ">=3.11",
        "made-from": {},
        "sdists": [],
        "roles": [],
        "environments": {SYSTEM: {"3.11": environment}},
    }


def write(folder: Path, text: str) -> Path:
    path = folder / "cloche.lock"
    path.write_text(text)
    return path


def refused_by_fetch(path: Path) -> str:
    with pytest.raises(FetchError) as ended:
        sources_of_lock(path, [SYSTEM])
    assert ended.value.code == 2
    assert [entry.name for entry in path.parent.iterdir()] == ["cloche.lock"]
    return str(ended.value).removeprefix(str(path))


def refused_by_lock(path: Path) -> str:
    with pytest.raises(ClocheError) as ended:
        read_lock(path)
    return ended.value.message.removeprefix(str(path))


def test_control_an_honest_lock_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(lock()))
    assert [source.file for source in sources_of_lock(path, [SYSTEM])] == ["alpha-1.0-py3-none-any.whl"]
    assert read_lock(path).systems == (SYSTEM,)


@pytest.mark.parametrize(
    ("name", "changes", "fault"),
    [
        ("alpha", {"sha256": "../../../home/user/.profile"}, "'../../../home/user/.profile', the sha256 of alpha, is not 64 hexadecimal digits"),
        ("alpha", {"sha256": "0" * 63}, f"'{'0' * 63}', the sha256 of alpha, is not 64 hexadecimal digits"),
        ("alpha", {"sha256": 7}, "version, file and sha256 of alpha are not all texts"),
        ("alpha", {"file": ["a"]}, "version, file and sha256 of alpha are not all texts"),
        ("alpha", {"version": {}}, "version, file and sha256 of alpha are not all texts"),
        ("alpha", {"size": -1}, "-1, the size of alpha, is no number of bytes"),
        ("alpha", {"size": "1"}, "'1', the size of alpha, is no number of bytes"),
        ("alpha", {"size": True}, "True, the size of alpha, is no number of bytes"),
        ("--index-url=x", {}, "'--index-url=x' is no name of a package"),
        ("../simple", {}, "'../simple' is no name of a package"),
    ],
)  # fmt: skip
def test_words_that_fetch_does_not_use(name: str, changes: dict[str, Any], fault: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(lock(name, **changes)))
    assert refused_by_fetch(path) == f": not a lock of this Cloche ({fault}); {AGAIN}"


@pytest.mark.parametrize(
    "file", ["../evil.whl", "/etc/passwd", "a/b.whl", "a\\b.whl", ".hidden", "", "a\n.whl", "\u202e.whl"]
)
def test_file_names_that_lead_elsewhere(file: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps(lock(file=file)))
    assert refused_by_fetch(path) == f": {file!r} is not a plain file name and could lead out of the environment"
    assert refused_by_lock(path).startswith(f"{file!r} (in cloche.lock) is not a plain file name")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[" * 100_000, "nested more than 16 levels deep"),
        ('{"a": ' * 17 + "1" + "}" * 17, "nested more than 16 levels deep"),
        ('{"version": 1, "version": 2}', "the name 'version' stands twice in one object, which readers understand differently"),
        ('{"version": NaN}', "NaN is no JSON number"),
        ('{"version": ' + "1" * 5000 + "}", "a number of 309 digits or more, which is too large"),
        ("{" + ",".join(f'"{number}": 1' for number in range(limits.LOCK.members + 1)) + "}", f"more than {limits.LOCK.members} members"),
    ],
)  # fmt: skip
def test_texts_that_exhaust_or_deceive_a_reader(text: str, fault: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    assert fault in refused_by_fetch(path)
    assert fault in refused_by_lock(path)


def test_a_lock_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "cloche.lock"
    with path.open("wb") as file:
        file.truncate(limits.LOCK.bytes + 1)
    assert f"it has more than {limits.LOCK.bytes} bytes, and no more are read" in refused_by_fetch(path)
    assert f"it has more than {limits.LOCK.bytes} bytes, and no more are read" in refused_by_lock(path)


@pytest.mark.parametrize(
    ("roles", "fault"), [("cc", "its roles are 'cc'"), (5, "its roles are 5"), (None, "its roles are None")]
)
def test_roles_that_are_no_list(roles: object, fault: str, tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({**lock(), "roles": roles}))
    with pytest.raises(FetchError) as ended:
        roles_of_lock(path, tmp_path)
    assert str(ended.value) == f"{path}: not a lock of this Cloche ({fault}); {AGAIN}"
