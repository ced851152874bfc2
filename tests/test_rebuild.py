"""What an edit builds again, and that building again gives the same bytes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import ROOT, Ended, built, nix, run
from flakes import SYSTEM, add, copy, write

DERIVATIONS = """outputs: let
    system = "SYSTEM";
    part = kind: builtins.mapAttrs (_: each: each.drvPath) outputs.${kind}.${system};
  in part "packages" // part "checks" // { shell = outputs.devShells.${system}.default.drvPath; }""".replace(
    "SYSTEM", SYSTEM
)


def derivations(folder: Path) -> dict[str, str]:
    """Return the derivation of every output, by name."""
    expression = f'({DERIVATIONS}) (builtins.getFlake "git+file://{folder}")'
    ended = nix("eval", "--impure", "--json", "--expr", expression, cwd=folder)
    assert ended.code == 0, ended.err
    result: dict[str, str] = json.loads(ended.out)
    return result


def changed(folder: Path, files: dict[str, str]) -> set[str]:
    """Return the outputs whose derivation is another one after an edit."""
    before = derivations(folder)
    after = derivations(write(folder, files))
    return {name for name, path in after.items() if path != before[name]}


@pytest.fixture
def project(growth: Path, tmp_path: Path) -> Path:
    """Return a project with documents."""
    return copy(growth, tmp_path / "project", {"docs/index.md": "# growth\n"})


FROM_WHEEL = {"wheel", "default", "env"}


def test_edit_of_documents_builds_no_wheel_and_runs_no_test(project: Path) -> None:
    assert changed(project, {"docs/index.md": "# growth, explained\n"}) == {"sdist", "lint", "types"}


def test_edit_of_a_test_builds_no_wheel(project: Path) -> None:
    test = (project / "tests/test_rate.py").read_text()
    assert changed(project, {"tests/test_rate.py": f"{test}\n# more\n"}) == {
        "sdist",
        "lint",
        "types",
        "tests",
        "test-results",
    }


def test_edit_of_the_source_builds_the_wheel_and_runs_the_tests(project: Path) -> None:
    source = (project / "src/growth/rate.py").read_text()
    outputs = changed(project, {"src/growth/rate.py": f"{source}\n# more\n"})
    assert outputs == {*FROM_WHEEL, "sdist", "lint", "types", "tests", "test-results"}


def test_edit_of_the_configuration_builds_what_it_is_about(project: Path) -> None:
    text = (project / "cloche.nix").read_text()
    # An sdist holds the whole project, its configuration included.
    assert changed(project, {"cloche.nix": f"{text}# more\n"}) == {"sdist"}
    with_variable = text.replace("tests.enable = true;", 'tests.enable = true; tests.variables.SEED = "2";')
    assert changed(project, {"cloche.nix": with_variable}) == {"sdist", "tests", "test-results"}


def test_trap_5_the_names_of_source_paths_do_not_follow_the_flake(project: Path) -> None:
    """Neither another file in the flake, nor an empty folder, nor the place of the checkout changes a derivation."""
    before = derivations(project)
    write(project, {"NOTES.txt": "not part of the wheel? it could be: only named folders are left out\n"})
    # A new file at the top may go into the wheel, so it counts; but taking it away gives the old derivations again.
    assert derivations(project)["wheel"] != before["wheel"]
    (project / "NOTES.txt").unlink()
    (project / "src/empty").mkdir()
    add(project)
    assert derivations(project) == before
    assert derivations(copy(project, project.parent / "elsewhere")) == before


def test_trap_11_a_file_that_git_does_not_know_is_told(project: Path) -> None:
    (project / "tests/test_new.py").write_text("def test_fails():\n    assert False\n")
    warned = run(ROOT / "ci/nix", "build", "--dry-run", cwd=project)
    assert "tests/test_new.py is not known to git, so the flake does not see it" in warned.err
    assert run("git", "add", "-N", "tests/test_new.py", cwd=project).code == 0
    ended = nix("build", "--no-link", "-L", f".#checks.{SYSTEM}.tests", cwd=project)
    assert ended.code == 1
    assert "failed tests.test_new::test_fails: assert False" in ended.err
    assert "6 passed, 1 failed; the whole record is in /nix/store/" in ended.err
    # The record itself was stored.
    results = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=project))
    counts = json.loads(nix("store", "cat", f"{results}/outcomes.json").out)["counts"]
    assert counts == {"failed": 1, "passed": 6}


SCM = """[build-system]
requires = ["setuptools>=77", "setuptools-scm>=8"]
build-backend = "setuptools.build_meta"
[project]
name = "dated"
dynamic = ["version"]
requires-python = ">=3.11"
[tool.setuptools_scm]
"""


def test_trap_26_a_version_from_git_is_stated(growth: Path, tmp_path: Path) -> None:
    files = {
        "pyproject.toml": SCM,
        "src/dated/__init__.py": "",
        "flake.nix": (growth / "flake.nix").read_text(),
        "cloche.nix": '{ cloche = { src = ./.; version = "2.1.0"; }; }',
    }
    folder = write(tmp_path / "project", files)
    for command in (["run", ".#lock"], ["run", ".#fetch"]):
        ended = run(ROOT / "ci/nix", *command, cwd=folder)
        assert ended.code == 0, ended.err
    wheel = built(nix("build", "--no-link", "--print-out-paths", ".#wheel", cwd=folder))
    assert nix("store", "ls", wheel).out.split() == ["./dated-2.1.0-py3-none-any.whl"]


# --- the same bytes (of outputs in general: test_reproduce.py) -------------------------------------------------------------------------------------------------

# Looks at the clock, finely enough that two runs differ.
PLANTED = f"""
let toolchain = import {ROOT}/pkgs/toolchain {{ system = builtins.currentSystem; }};
in toolchain.runBash {{ name = "planted"; script = "echo $EPOCHREALTIME > $out"; }}
"""


def again(*installables: str, cwd: Path = ROOT) -> Ended:
    """Build what is there once more, and let Nix compare."""
    return nix("build", "--no-link", "--rebuild", "--keep-going", *installables, cwd=cwd)


def test_comparison_can_fail(tmp_path: Path) -> None:
    (tmp_path / "planted.nix").write_text(PLANTED)
    built(nix("build", "--impure", "--no-link", "--print-out-paths", "-f", "planted.nix", cwd=tmp_path))
    ended = nix("build", "--impure", "--no-link", "--rebuild", "-f", "planted.nix", cwd=tmp_path)
    assert ended.code != 0
    assert "planted.drv' may not be deterministic: output '" in ended.err


def test_outcomes_are_the_same_again_and_durations_are_apart(project: Path, tmp_path: Path) -> None:
    """Principle 3: `out` has what the tests did, `log` what differs from run to run.

    Nix compares the outputs of a derivation in turn, the log last since it refers to the outcomes, and stops at the
    first that differs. So where it names the log, the outcomes were the same. And another attempt gives the same.
    """
    sleeper = "import os\nimport time\n\n\ndef test_sleep():\n    time.sleep(os.urandom(1)[0] / 300 + os.urandom(1)[0] / 3000)\n"
    write(project, {"tests/test_sleep.py": sleeper})
    first = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=project))
    ended = again(".#test-results", cwd=project)
    assert ended.code != 0
    assert "may not be deterministic: output '" in ended.err
    assert "-growth-test-results-log' differs" in ended.err
    text = (
        (project / "cloche.nix").read_text().replace("tests.enable = true;", "tests.enable = true; tests.attempt = 1;")
    )
    folder = copy(project, tmp_path / "attempt", {"cloche.nix": text})
    second = built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=folder))
    assert first != second
    hashes = {json.loads(nix("path-info", "--json", path).out)[path]["narHash"] for path in (first, second)}
    assert len(hashes) == 1
    listed = nix("store", "ls", first).out.split()
    assert listed == ["./junit.xml", "./outcomes.json"]


def test_control_outcomes_that_differ_are_seen(project: Path) -> None:
    suite = "import time\n\n\ndef test_clock():\n    assert time.time_ns() == 0\n"
    write(project, {"tests/test_clock.py": suite})
    built(nix("build", "--no-link", "--print-out-paths", ".#test-results^out", cwd=project))
    ended = again(".#test-results", cwd=project)
    assert ended.code != 0
    assert "-growth-test-results' differs" in ended.err
