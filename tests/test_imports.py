"""The check of the library's imports is able to fail: each rule has an import that breaks it, and no other."""

import json
import sys
from pathlib import Path

import pytest

from conftest import ROOT, run
from imports import breaches

GOOD = [
    ("report.build", "untrusted.toml"),
    ("store.git", "untrusted.walk"),
    ("selection.command", "selection.learned.session"),
    ("lock.make", "errors"),
]
BAD = {
    "a leaf that knows a capability": (
        [("store.git", "lock.make")],
        ["store.git imports lock.make: store may not know lock"],
    ),
    "the map knows the model": (
        [("selection.impact.verb", "selection.learned.model")],
        ["selection.impact.verb imports selection.learned.model: selection.impact may not know selection.learned"],
    ),
    "sign knows verify": (
        [("sign.run", "verify.policy")],
        ["sign.run imports verify.policy: sign may not know verify"],
    ),
    "a circle": (
        [("image.make", "sbom.build"), ("sbom.build", "audit.feed"), ("audit.feed", "image.layer")],
        [
            "a circle of packages: audit.feed imports image.layer; image.make imports sbom.build; sbom.build imports audit.feed"
        ],
    ),
}


def test_good_imports_pass() -> None:
    assert breaches(GOOD) == []


@pytest.mark.parametrize("name", BAD)
def test_each_rule_can_fail(name: str) -> None:
    imports, expected = BAD[name]
    assert breaches([*GOOD, *imports]) == expected


def test_a_file_that_is_not_current_fails(tmp_path: Path) -> None:
    package = tmp_path / "cloche"
    (package / "store/names").mkdir(parents=True)
    for file, text in {
        "__init__.py": "",
        "errors.py": "",
        "store/__init__.py": "",
        "store/nar.py": "from typing import TYPE_CHECKING\n\nfrom cloche.errors import E\n\nif TYPE_CHECKING:\n    import cloche.store.git\n",
        "store/git.py": "def f() -> None:\n    from cloche.store import nar\n",
        "store/names/known.json": "{}",
    }.items():
        (package / file).write_text(text)
    # Elsewhere, because this process may have the installed library.
    program = "import json, sys, imports; imports.main(json.loads(sys.argv[1]))"
    attributes = json.dumps({"source": str(tmp_path), "outputs": {"out": str(tmp_path / "out")}})
    words = (sys.executable, "-c", program, attributes)
    (package / "imports.json").write_text(
        "{\n"
        ' "__init__.py": [],\n'
        ' "errors.py": ["__init__.py"],\n'
        ' "store/__init__.py": ["__init__.py", "store/names/known.json"],\n'
        ' "store/git.py": ["__init__.py", "store/__init__.py", "store/nar.py"],\n'
        ' "store/nar.py": ["__init__.py", "errors.py", "store/__init__.py"]\n'
        "}\n"
    )
    assert run(*words, env={"PYTHONPATH": str(ROOT / "ci/house")}).err == ""
    assert (tmp_path / "out").read_text() == "5 passed, 0 failed\n"
    (package / "imports.json").write_text("{}\n")
    ended = run(*words, env={"PYTHONPATH": str(ROOT / "ci/house")})
    assert (ended.code, ended.err) == (
        1,
        "cloche/imports.json is not what the modules say: run python ci/house/imports.py\n",
    )
