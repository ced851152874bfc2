"""Locks of other tools are obeyed: uv.lock, poetry.lock, pylock.toml, requirements.txt."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cloche.lock.resolve import find_uv
from conftest import Workplace
from local_index import sha256

TABLE = """requires-python = ">=3.11"
dependencies = ["alpha[fast]<2", "omega; sys_platform == 'win32'"]
[project.optional-dependencies]
plot = ["gamma"]
[dependency-groups]
test = ["delta"]
dev = [{ include-group = "test" }]
"""
GROUPS = {
    "default": ["alpha", "beta"],
    "dev": ["delta"],
    "extra:plot": ["gamma"],
    "test": ["delta"],
}
VERSIONS = {"alpha": "1.0", "beta": "1.0", "gamma": "1.0", "delta": "1.0"}


@pytest.fixture
def locked_place(workplace: Workplace) -> Workplace:
    """Return a workplace whose index had versions 1.0 when the foreign lock was made."""
    workplace.index.wheel("alpha", "1.0", "beta; extra == 'fast'", extras=("fast",))
    for name in ("beta", "gamma", "delta", "omega"):
        workplace.index.wheel(name, "1.0")
    workplace.project(TABLE)
    return workplace


def uv(place: Workplace, *arguments: str) -> None:
    environ = {**os.environ, "UV_DEFAULT_INDEX": place.index.url, "UV_PYTHON_DOWNLOADS": "never"}
    command = [find_uv(), *arguments, "--python", sys.executable, "--quiet", "--no-config"]
    subprocess.run(command, cwd=place.directory, env=environ, check=True)


def check_obeyed(place: Workplace, name: str) -> None:
    """Newer versions appear, and the foreign lock's are locked."""
    for package in VERSIONS:
        place.index.wheel(package, "1.9")
    outcome = place.lock()
    assert outcome.code == 0, outcome.err
    assert f"Obeying {name}.\n" in outcome.err
    lock = place.read()
    environment = lock["environments"]["x86_64-linux"]["3.11"]
    assert {package: each["version"] for package, each in environment["packages"].items()} == VERSIONS
    assert environment["groups"] == GROUPS
    assert environment["packages"]["alpha"]["dependencies"] == ["beta"]
    assert lock["made-from"][name] == sha256((place.directory / name).read_bytes())
    assert place.lock("--check").code == 0


def test_uv_lock_is_obeyed(locked_place: Workplace) -> None:
    uv(locked_place, "lock")
    check_obeyed(locked_place, "uv.lock")


def test_pylock_is_obeyed(locked_place: Workplace) -> None:
    uv(locked_place, "lock")
    uv(
        locked_place,
        "export",
        "--format",
        "pylock.toml",
        "--all-groups",
        "--all-extras",
        "--no-emit-project",
        "-o",
        "pylock.toml",
    )
    (locked_place.directory / "uv.lock").unlink()
    check_obeyed(locked_place, "pylock.toml")


def test_requirements_are_obeyed(locked_place: Workplace) -> None:
    options = ["--universal", "--generate-hashes", "--all-extras", "--group", "dev"]
    uv(locked_place, "pip", "compile", *options, "pyproject.toml", "-o", "requirements.txt")
    check_obeyed(locked_place, "requirements.txt")


def test_requirements_are_obeyed_when_the_index_has_no_hashes(locked_place: Workplace) -> None:
    options = ["--universal", "--generate-hashes", "--all-extras", "--group", "dev"]
    uv(locked_place, "pip", "compile", *options, "pyproject.toml", "-o", "requirements.txt")
    locked_place.index.write_page("alpha", hashes=False)
    package = locked_place.environment()["packages"]["alpha"]
    assert package["sha256"] == sha256(locked_place.index.files["alpha"]["alpha-1.0-py3-none-any.whl"])


POETRY_2 = """
[[package]]
name = "alpha"
version = "1.0"
description = ""
optional = false
python-versions = "*"
groups = ["main"]
files = [{{file = "alpha-1.0-py3-none-any.whl", hash = "sha256:{alpha}"}}]

[package.dependencies]
beta = {{version = "*", optional = true, markers = "extra == \\"fast\\""}}

[package.extras]
fast = ["beta"]

[[package]]
name = "beta"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
files = [{{file = "beta-1.0-py3-none-any.whl", hash = "sha256:{beta}"}}]

[[package]]
name = "gamma"
version = "1.0"
optional = true
python-versions = "*"
groups = ["main"]
markers = "extra == \\"plot\\""
files = [{{file = "gamma-1.0-py3-none-any.whl", hash = "sha256:{gamma}"}}]

[[package]]
name = "delta"
version = "1.0"
optional = false
python-versions = "*"
groups = ["dev", "test"]
markers = {{dev = "python_version >= \\"3.11\\"", test = "python_version < \\"3\\""}}
files = [{{file = "delta-1.0-py3-none-any.whl", hash = "sha256:{delta}"}}]

[[package]]
name = "omega"
version = "1.0"
optional = false
python-versions = "*"
groups = ["main"]
markers = "sys_platform == \\"win32\\""
files = [{{file = "omega-1.0-py3-none-any.whl", hash = "sha256:{omega}"}}]

[extras]
plot = ["gamma"]

[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "0"
"""
POETRY_1 = """
[[package]]
name = "alpha"
version = "1.0"
description = ""
category = "main"
optional = false
python-versions = "*"

[package.dependencies]
beta = {{version = ">=1,<2 || >=3", optional = true}}

[package.extras]
fast = ["beta (>=1,<2)"]

[[package]]
name = "beta"
version = "1.0"
category = "main"
optional = false
python-versions = "*"

[[package]]
name = "gamma"
version = "1.0"
category = "main"
optional = true
python-versions = "*"

[[package]]
name = "delta"
version = "1.0"
category = "dev"
optional = false
python-versions = "*"

[metadata]
lock-version = "1.1"
python-versions = ">=3.11"
content-hash = "0"

[metadata.files]
alpha = [{{file = "alpha-1.0-py3-none-any.whl", hash = "sha256:{alpha}"}}]
beta = [{{file = "beta-1.0-py3-none-any.whl", hash = "sha256:{beta}"}}]
gamma = [{{file = "gamma-1.0-py3-none-any.whl", hash = "sha256:{gamma}"}}]
delta = [{{file = "delta-1.0-py3-none-any.whl", hash = "sha256:{delta}"}}]
"""


def write_poetry_lock(place: Workplace, text: str) -> None:
    hashes = {name: sha256(next(iter(files.values()))) for name, files in place.index.files.items()}
    (place.directory / "poetry.lock").write_text(text.format_map(hashes))


@pytest.mark.parametrize("text", [POETRY_2, POETRY_1], ids=["format 2", "format 1"])
def test_poetry_lock_is_obeyed(locked_place: Workplace, text: str) -> None:
    write_poetry_lock(locked_place, text)
    check_obeyed(locked_place, "poetry.lock")


def test_a_project_in_poetry_s_own_tables_is_understood(locked_place: Workplace) -> None:
    write_poetry_lock(locked_place, POETRY_2)
    (locked_place.directory / "pyproject.toml").write_text(
        """[tool.poetry]
name = "demo"
version = "1"
[tool.poetry.dependencies]
python = "^3.11"
alpha = { version = "^1.0", extras = ["fast"] }
gamma = { version = "~1.0", optional = true }
omega = { version = "*", platform = "win32" }
[tool.poetry.extras]
plot = ["gamma"]
[tool.poetry.group.test.dependencies]
delta = "1.*"
[tool.poetry.group.dev]
optional = true
[tool.poetry.group.dev.dependencies]
delta = [{ version = "<2", python = ">=3.11" }, { version = ">=2", python = "<3.11" }]
[build-system]
requires = ["flit_core"]
build-backend = "flit_core.buildapi"
"""
    )
    lock = locked_place.locked()
    assert lock["requires-python"] == ">=3.11,<4.0"
    assert lock["environments"]["x86_64-linux"]["3.11"]["groups"] == GROUPS


def test_a_fork_in_uv_lock_gives_each_python_its_version(workplace: Workplace) -> None:
    for version in ("1.0", "2.0"):
        workplace.index.wheel("alpha", version)
    workplace.index.wheel("beta", "1.0", "alpha")
    workplace.project(
        'requires-python = ">=3.11"\n'
        'dependencies = ["alpha<2; python_version < \'3.12\'", "alpha>=2; python_version >= \'3.12\'", "beta"]'
    )
    uv(workplace, "lock")
    pythons = workplace.locked("--python", "3.11", "--python", "3.13")["environments"]["x86_64-linux"]
    assert {python: each["packages"]["alpha"]["version"] for python, each in pythons.items()} == {
        "3.11": "1.0",
        "3.13": "2.0",
    }


def test_uv_lock_comes_before_the_others(locked_place: Workplace) -> None:
    uv(locked_place, "lock")
    write_poetry_lock(locked_place, POETRY_2)
    (locked_place.directory / "requirements.txt").write_text("alpha\n")
    assert locked_place.lock().err.startswith(
        "requirements.txt has no hashes, so it is not a lock and is not obeyed.\n"
        "uv.lock is obeyed; poetry.lock is not (delete one of them).\n"
        "Obeying uv.lock.\n"
    )


def test_uv_lock_is_never_written(locked_place: Workplace) -> None:
    locked_place.locked()
    assert sorted(path.name for path in locked_place.directory.iterdir()) == ["cloche.lock", "pyproject.toml"]


def test_a_foreign_lock_that_lacks_a_new_dependency_is_refused(locked_place: Workplace) -> None:
    uv(locked_place, "lock")
    locked_place.project(TABLE.replace('"delta"', '"delta", "epsilon>=3"'))
    outcome = locked_place.lock()
    assert outcome.code == 2
    assert outcome.err.endswith(
        "error: uv.lock has no 'epsilon>=3' for x86_64-linux, Python 3.11, which group 'test' needs.\n"
        "The lock is older than what it was made from. Run `uv lock`.\n"
    )


def test_a_foreign_lock_that_breaks_a_new_bound_is_refused(locked_place: Workplace) -> None:
    uv(locked_place, "lock")
    locked_place.project(TABLE.replace('"gamma"', '"gamma>=1.5"'))
    assert locked_place.lock().err.endswith(
        "error: uv.lock has no 'gamma>=1.5' for x86_64-linux, Python 3.11, which group 'extra:plot' needs.\n"
        "The lock is older than what it was made from. Run `uv lock`.\n"
    )


def test_several_versions_in_one_environment_are_refused(workplace: Workplace) -> None:
    lines = []
    for version in ("1.0", "2.0"):
        digest = sha256(workplace.index.wheel("alpha", version))
        lines.append(f"alpha=={version} --hash=sha256:{digest}\n")
    (workplace.directory / "requirements.txt").write_text("".join(lines))
    workplace.project('dependencies = ["alpha"]')
    assert workplace.lock().err.endswith(
        "error: requirements.txt has several versions of alpha for x86_64-linux, Python 3.11: 1.0, 2.0 "
        "(needed by group 'default').\n"
        "One environment holds one version. Make the requirements agree, or split the project.\n"
    )


def test_the_project_itself_and_members_of_its_workspace(workplace: Workplace) -> None:
    member = workplace.directory / "member"
    member.mkdir()
    (member / "pyproject.toml").write_text('[project]\nname = "member"\nversion = "1"\nrequires-python = ">=3.11"\n')
    workplace.project(
        'requires-python = ">=3.11"\ndependencies = ["member"]\n'
        '[tool.uv.workspace]\nmembers = ["member"]\n[tool.uv.sources]\nmember = { workspace = true }\n'
    )
    uv(workplace, "lock")
    outcome = workplace.lock()
    assert outcome.code == 2
    assert outcome.err.endswith(
        "error: uv.lock: member comes from the folder 'member': "
        "unsupported because not addressable by name and hash.\n"
        'Publish it on an index (a folder of wheels will do) and require "member==1".\n'
    )


def test_a_path_in_uv_lock_is_refused(workplace: Workplace, tmp_path: Path) -> None:
    workplace.index.wheel("alpha", "1.0")
    wheel = tmp_path / "index" / "files" / "alpha-1.0-py3-none-any.whl"
    workplace.project(
        f'requires-python = ">=3.11"\ndependencies = ["alpha"]\n[tool.uv.sources]\nalpha = {{ path = "{wheel}" }}\n'
    )
    uv(workplace, "lock")
    outcome = workplace.lock()
    assert "error: uv.lock: alpha comes from a path (" in outcome.err
    assert outcome.err.endswith(
        "unsupported because not addressable by name and hash.\n"
        'Publish it on an index (a folder of wheels will do) and require "alpha==1.0".\n'
    )
