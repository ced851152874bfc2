"""Tests recorded in batches by cloche-tests.json: what an edit runs again, and what is refused.

The project tests/growth with two packages of modules, and a record made by its own `trace-tests`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import Ended, built, nix
from flakes import SYSTEM, cloche, copy, write

FILES = {
    "docs/index.md": "# growth\n",
    "src/growth/shape.py": "def area(side: float) -> float:\n    return side * side\n",
    "tests/test_shape.py": (
        "from pathlib import Path\n\nfrom growth.shape import area\n\n\ndef test_area() -> None:\n    assert area(2) == 4\n\n\n"
        "def test_extra() -> None:\n    assert not Path('tests/extra.json').exists()\n"
    ),
}


def record_of(folder: Path) -> dict[str, Any]:
    """Return the record."""
    data: dict[str, Any] = json.loads((folder / "cloche-tests.json").read_text())
    return data


def trace(folder: Path) -> Ended:
    """Make the record of a project, with durations by which each test file has a batch, on a machine of any speed."""
    ended = cloche("run", ".#trace-tests", cwd=folder)
    assert ended.code == 0, ended.err
    data = record_of(folder) | {"start-up": 0.1}
    for part in data["files"].values():
        part["seconds"] = 1.0
    write(folder, {"cloche-tests.json": json.dumps(data, indent=1, sort_keys=True) + "\n"})
    return ended


@pytest.fixture(scope="module")
def traced(growth: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project with its record."""
    folder = copy(growth, tmp_path_factory.mktemp("batches") / "project", FILES)
    ended = trace(folder)
    assert "cloche-tests.json: 2 test files, " in ended.err
    assert ended.err.rstrip().endswith("the tests are the same in batches as in the whole tree")
    return folder


@pytest.fixture
def project(traced: Path, tmp_path: Path) -> Path:
    """Return a copy."""
    return copy(traced, tmp_path / "project")


def batches(folder: Path) -> dict[str, str]:
    """Return the derivations of the batches."""
    expression = "batches: builtins.mapAttrs (_: each: each.drvPath) batches"
    ended = nix("eval", "--json", f".#legacyPackages.{SYSTEM}.tests", "--apply", expression, cwd=folder)
    assert ended.code == 0, ended.err
    found: dict[str, str] = json.loads(ended.out)
    return found


def run_again(folder: Path, files: dict[str, str]) -> set[str]:
    """Return the batches that an edit runs again, or for the first time."""
    before = batches(folder)
    return {name for name, path in batches(write(folder, files)).items() if before.get(name) != path}


def checked(folder: Path) -> Ended:
    """Build the verdict."""
    return nix("build", "--no-link", "-L", f".#checks.{SYSTEM}.tests", cwd=folder)


def test_the_record_says_what_each_file_needs(traced: Path) -> None:
    data = record_of(traced)
    assert data["modules"] == {"src/growth": "growth"}
    shape, rate = data["files"]["tests/test_shape.py"], data["files"]["tests/test_rate.py"]
    assert "src/growth/shape.py" in shape["needs"]
    assert "tests/extra.json" in shape["absent"]
    assert "src/growth/rate.py" in rate["needs"]
    assert "src/growth/shape.py" not in rate["needs"]
    # The same again is the same, but for durations.
    assert sorted(data) == [
        "build",
        "collection",
        "every",
        "files",
        "modules",
        "packages",
        "paths",
        "start-up",
        "unused",
        "version",
    ]


def test_an_edit_runs_again_what_can_see_it(project: Path) -> None:
    both = {"tests-test_rate", "tests-test_shape"}
    assert set(batches(project)) == both
    assert run_again(project, {"docs/index.md": "# more\n"}) == set()
    shape = (project / "src/growth/shape.py").read_text()
    assert run_again(project, {"src/growth/shape.py": f"{shape}# more\n"}) == {"tests-test_shape"}
    assert run_again(project, {"tests/test_rate.py": (project / "tests/test_rate.py").read_text() + "# more\n"}) == {
        "tests-test_rate"
    }
    # What was looked for in vain has come to be; besides, it could be a test.
    assert run_again(project, {"tests/extra.json": "{}"}) == {"tests-test_shape", "unrecorded"}
    (project / "tests/extra.json").unlink()
    # The metadata of the project holds its README.
    assert run_again(project, {"README.md": "# more\n"}) == both
    assert run_again(project, {"tests/conftest.py": "# more\n"}) == {*both, "unrecorded"}


def test_a_new_test_is_run_in_the_whole_tree(project: Path) -> None:
    write(
        project,
        {"tests/test_new.py": "from growth import rate, shape\n\n\ndef test_new():\n    assert rate and not shape\n"},
    )
    ended = checked(project)
    assert ended.code == 1
    assert "failed tests.test_new::test_new: assert (" in ended.err
    results = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=project))
    tests = [entry["test"] for entry in json.loads(nix("store", "cat", f"{results}/outcomes.json").out)["tests"]]
    assert {"tests.test_new::test_new", "tests.test_shape::test_area"} <= set(tests)
    assert len(tests) == len(set(tests))


OPTIONAL = (
    "try:\n    from growth import shape\nexcept BaseException:\n    shape = None\n\n\ndef test_optional():\n    pass\n"
)


def test_a_recording_that_looks_for_what_was_left_out_fails(project: Path) -> None:
    """It would pass: the record is of a test that did not ask for the module."""
    write(project, {"tests/test_rate.py": OPTIONAL})
    ended = checked(project)
    assert ended.code == 1
    assert "closure incomplete: tests looked for what cloche-tests.json does not say that they need. Run" in ended.err
    assert (
        'tests/test_rate.py imported src/growth/shape.*; the line to add to its "needs" in cloche-tests.json:'
        in ended.err
    )
    assert '    "src/growth/shape.py",' in ended.err
    # Added by hand, it is enough.
    data = record_of(project)
    data["files"]["tests/test_rate.py"]["needs"].append("src/growth/shape.py")
    write(project, {"cloche-tests.json": json.dumps(data)})
    assert checked(project).code == 0


DIFFERENT = (
    "import ctypes\n\n\ndef test_c():\n    libc = ctypes.CDLL(None)\n    assert libc.access(b'README.md', 4) == 0\n"
)


def test_what_no_hook_sees_is_found_by_comparing(project: Path) -> None:
    """A library in C that looks for a file by itself."""
    write(project, {"tests/test_rate.py": DIFFERENT})
    ended = nix("build", "--no-link", "-L", f".#legacyPackages.{SYSTEM}.tests-compared", cwd=project)
    assert ended.code == 1
    assert "1 differences between the whole tree and the batches of cloche-tests.json:" in ended.err
    assert "tests.test_rate::test_c: passed in the whole tree, failed in its batch" in ended.err


def test_a_child_without_environment_is_traced(project: Path) -> None:
    code = "import subprocess, sys\n\n\ndef test_child():\n"
    code += "    subprocess.run([sys.executable, '-I', '-c', 'import growth.shape'], env={}, check=False)\n"
    write(project, {"tests/test_rate.py": code})
    ended = checked(project)
    assert ended.code == 1
    assert 'imported src/growth/shape.*; the line to add to its "needs" in cloche-tests.json:' in ended.err


@pytest.fixture
def narrowed(project: Path) -> Path:
    """Return a copy whose batches are given the locked packages that they need."""
    text = (project / "cloche.nix").read_text()
    return write(
        project,
        {"cloche.nix": text.replace("tests.enable = true;", 'tests = { enable = true; narrow = "packages"; };')},
    )


def test_lines_that_tests_ran_become_the_map_of_select_tests(narrowed: Path) -> None:
    assert "impact-map" not in nix("eval", f".#packages.{SYSTEM}", "--apply", "builtins.attrNames", cwd=narrowed).out
    text = (narrowed / "cloche.nix").read_text()
    write(narrowed, {"cloche.nix": text.replace("enable = true;", "enable = true; coverage = true;", 1)})
    made = built(nix("build", "--no-link", "--print-out-paths", ".#impact-map", cwd=narrowed))
    functions = json.loads(nix("store", "cat", made).out)["functions"]
    tests = [name for name, _ in json.loads(nix("store", "cat", made).out)["tests"]]
    assert [tests[number] for number in functions["src/growth/shape.py::area"]["tests"]] == [
        "tests/test_shape.py::test_area"
    ]
    results = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=narrowed))
    assert "src/growth/rate.py" in json.loads(nix("store", "cat", f"{results}/coverage.json").out)["lines"]
    # The same again, but for durations: of the two outputs Nix compares the outcomes first, and stops at the first that differs.
    ended = nix(
        "build", "--no-link", "--rebuild", f".#legacyPackages.{SYSTEM}.tests.tests-test_shape^out", cwd=narrowed
    )
    assert ended.code == 0 or "-growth-tests-test_shape-log' differs" in ended.err, ended.err


def another(folder: Path, package: str) -> dict[str, str]:
    """Return the lock with another file of one package; nothing is built of it."""
    lock = json.loads((folder / "cloche.lock").read_text())
    for pythons in lock["environments"].values():
        for environment in pythons.values():
            environment["packages"][package]["sha256"] = "0" * 64
    return {"cloche.lock": json.dumps(lock)}


def test_another_version_of_a_package_runs_again_what_can_see_it(project: Path) -> None:
    both = {"tests-test_rate", "tests-test_shape"}
    assert run_again(project, another(project, "ruff")) == set()
    assert run_again(project, another(project, "numpy")) == both


def test_with_narrow_packages_fewer_are_run_again(narrowed: Path) -> None:
    assert run_again(narrowed, another(narrowed, "numpy")) == {"tests-test_rate"}
    assert run_again(narrowed, another(narrowed, "pytest")) == {"tests-test_rate", "tests-test_shape"}


PROBES = {
    "an optional import": ("try:\n        import numpy\n    except BaseException:\n        pass", "imported numpy"),
    "importorskip": ("import pytest\n    pytest.importorskip('numpy')", "imported numpy"),
    "its version": (
        "import importlib.metadata\n    try:\n        importlib.metadata.version('numpy')\n    except BaseException:\n        pass",
        "asked for the metadata of numpy",
    ),
}


def test_a_package_that_was_left_out_is_refused(narrowed: Path) -> None:
    assert checked(narrowed).code == 0
    text = (narrowed / "tests/test_shape.py").read_text()
    for code, words in PROBES.values():
        write(narrowed, {"tests/test_shape.py": f"{text}\n\ndef test_probe() -> None:\n    {code}\n"})
        ended = checked(narrowed)
        assert ended.code == 1
        line = f'tests/test_shape.py {words}; the line to add to its "packages" in cloche-tests.json:'
        assert line in ended.err
        assert '    "numpy",' in ended.err
