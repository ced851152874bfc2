"""What Python and Nix both compute must be the same: names in the store, and the digest that tells a stale lock."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from cloche.lock.project import digest
from cloche.store.store_name import store_name
from conftest import ROOT, run

NAMES = ["numpy-2.4.0-cp311-cp311-manylinux_2_27_x86_64.whl", "a~b%3a1.deb", ".hidden", "ü.whl", "x" * 300, "a b!c@d"]
PROJECTS = [
    '[project]\nname = "a"\ndependencies = ["b>=1"]\n[tool.ruff]\nline-length = 1\n',
    '[build-system]\nrequires = ["x"]\n[project]\nname = "Ä"\nrequires-python = ">=3.11"\n[tool.uv]\n[tool.poetry]\npackages = []\n',
    '[dependency-groups]\ntest = ["pytest", {include-group = "x"}]\nx = []\n[tool.cloche.build-requires]\na = ["cython"]\n',
    '[tool.poetry]\nname = "a"\n[tool.poetry.dependencies]\npython = "^3.11"\n[tool.poetry.group.dev.dependencies]\nb = {version = "1", optional = true}\n',
]


def evaluate(expression: str, **arguments: str) -> object:
    words = [word for name, value in arguments.items() for word in ("--argstr", name, value)]
    ended = run("nix-instantiate", "--eval", "--strict", "--json", "--expr", expression, *words)
    assert ended.code == 0, ended.err
    return json.loads(ended.out)


def test_store_names_agree() -> None:
    found = evaluate(
        f"{{ names }}: map (import {ROOT}/lib/lock/store-name.nix) (builtins.fromJSON names)", names=json.dumps(NAMES)
    )
    assert found == [store_name(name) for name in NAMES]


@pytest.mark.parametrize("text", PROJECTS)
def test_digests_agree(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    expression = f"""{{ file }}: builtins.hashString "sha256" (builtins.toJSON
      ((import {ROOT}/lib/lock).relevant (builtins.fromTOML (builtins.readFile file))))"""
    assert evaluate(expression, file=str(tmp_path / "pyproject.toml")) == digest(tomllib.loads(text))
