"""Flakes that import this one: the templates, both flavours, what they must agree in, and errors in a configuration."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, nix, run
from flakes import FLAKE, FLAKE_PARTS, SYSTEM, cloche, copy, words, write

OUTPUTS = """outputs: builtins.mapAttrs (_: kind: builtins.mapAttrs (_: each: each.drvPath or each.program) (kind.SYSTEM or { }))
  { inherit (outputs) packages checks devShells apps; }""".replace("SYSTEM", SYSTEM)
NAMES = """outputs: builtins.mapAttrs (_: kind: builtins.attrNames (kind.SYSTEM or { }))
  { inherit (outputs) packages checks devShells apps; }""".replace("SYSTEM", SYSTEM)
CUT = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-current-user", "--net"]


def outputs(folder: Path, function: str) -> dict[str, Any]:
    """Evaluate a function of a flake's outputs."""
    expression = f'({function}) (builtins.getFlake "git+file://{folder}")'
    ended = nix("eval", "--impure", "--json", "--expr", expression, cwd=folder)
    assert ended.code == 0, ended.err
    result: dict[str, Any] = json.loads(ended.out)
    return result


@pytest.mark.parametrize("template", ["default", "flake-parts"])
def test_template_from_nothing_to_a_checked_project(
    template: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if template == "flake-parts":
        request.getfixturevalue("inputs")
    folder = tmp_path / "project"
    folder.mkdir()
    made = cloche("flake", "init", "-t", f"{ROOT}#{template}", cwd=folder)
    assert made.code == 0, made.err
    # What the README says: name where Cloche is, let git know the files, and then the three commands.
    text = (folder / "flake.nix").read_text()
    assert "/path/to/cloche" in text
    write(folder, {"flake.nix": text.replace("/path/to/cloche", str(ROOT))})
    for command in (["run", ".#lock"], ["run", ".#fetch"], ["flake", "check"], ["build", "--no-link"]):
        assert f"nix {' '.join(command).removesuffix(' --no-link')}" in (folder / "README.md").read_text()
        ended = cloche(*command, cwd=folder)
        assert ended.code == 0, f"{command}: {ended.err}"
    # What `lock` wrote, git knows, so that the flake sees it.
    assert "cloche.lock" in run("git", "ls-files", cwd=folder).out.split()
    ran = cloche("run", ".", "--", "0:8", "1:4", "2:2", cwd=folder)
    assert (ran.code, ran.out) == (0, "half-life 1\n")
    python = cloche("develop", "-c", "python", "-c", "import decay; print(decay.__file__)", cwd=folder)
    assert python.out == f"{folder}/src/decay/__init__.py\n", python.err


def test_templates_differ_in_their_configuration_only() -> None:
    first, second = ROOT / "templates/default", ROOT / "templates/flake-parts"
    names = {path: run("git", "ls-files", cwd=path).out.split() for path in (first, second)}
    assert set(names[first]) - set(names[second]) == {"cloche.nix"}
    assert set(names[second]) <= set(names[first])
    different = [name for name in names[second] if (first / name).read_bytes() != (second / name).read_bytes()]
    assert different == ["README.md", "flake.nix"]


@pytest.mark.usefixtures("inputs")
def test_both_flavours_have_the_same_derivations(growth: Path, tmp_path: Path) -> None:
    # The project lies below the flake, so that both see the same folder: an sdist holds all of it.
    below = {"cloche.nix": (growth / "cloche.nix").read_text().replace("./.;", './project; directory = "project";')}
    found = {}
    for flavour, flake in (("bare", FLAKE), ("parts", FLAKE_PARTS)):
        copy(growth, tmp_path / flavour / "project")
        shutil.rmtree(tmp_path / flavour / "project/.git")
        found[flavour] = outputs(write(tmp_path / flavour, {**below, "flake.nix": flake}), OUTPUTS)
    bare = found["bare"]
    assert bare == found["parts"]
    assert sorted(bare["checks"]) == ["lint", "lock", "tests", "types"]
    assert {"default", "env", "wheel", "sdist", "test-results"} <= set(bare["packages"])
    assert sorted(bare["devShells"]) == ["ci", "default", "full"]


@pytest.mark.parametrize("flake", [FLAKE, FLAKE_PARTS], ids=["bare", "flake-parts"])
def test_what_is_not_configured_leaves_no_output(
    flake: str, growth: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if flake == FLAKE_PARTS:
        request.getfixturevalue("inputs")
    folder = copy(growth, tmp_path / "small", {"flake.nix": flake, "cloche.nix": "{ cloche.src = ./.; }"})
    found = outputs(folder, NAMES)
    assert found["checks"] == ["lock"]
    assert found["packages"] == ["default", "env", "sdist", "wheel"]
    # Nothing throws: flake show and check look at every output.
    for command in (["flake", "show"], ["flake", "check", "--no-build"]):
        ended = nix(*command, cwd=folder)
        assert ended.code == 0, ended.err


@pytest.mark.parametrize("flake", [FLAKE, FLAKE_PARTS], ids=["bare", "flake-parts"])
def test_flake_commands_need_no_network(
    flake: str, growth: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if flake == FLAKE_PARTS:
        request.getfixturevalue("inputs")
    if run(*CUT, "true").code:
        pytest.skip("this machine does not let the user make a network namespace, so the network cannot be cut off")
    folder = copy(growth, tmp_path / "cut", {"flake.nix": flake})
    for command in (["show"], ["metadata"], ["check", "--no-build"]):
        ended = run(*CUT, "nix", "flake", *command, cwd=folder, seconds=600)
        assert ended.code == 0, ended.err
        assert "warning: error: unable to download" not in ended.err


ERRORS = {
    "unknown option, a typing error": (
        "{ cloche = { src = ./.; test.enable = true; }; }",
        "`cloche.test': there is no such option\n  in FOLDER/cloche.nix: { enable = true; }\nWhat to do: did you mean `cloche.tests'?",
    ),
    "wrong type": (
        '{ cloche = { src = ./.; tests.enable = "yes"; }; }',
        '`cloche.tests.enable\': wrong type\n  expected: boolean\n  in FOLDER/cloche.nix: "yes" (a string)',
    ),
    "nothing configured": (
        "{ }",
        "`cloche.src': used, but not defined\n  expected: absolute path",
    ),
    "override of a package that is not locked": (
        '{ cloche = { src = ./.; python.overrides.nunpy.exclude = [ "x" ]; }; }',
        (
            "cloche.python.overrides names nunpy, but the lock has no such package;"
            " write the name as cloche.lock has it, or take it out."
        ),
    ),
    "no pyproject.toml": (
        "{ cloche.src = ./src; }",
        (
            "cloche.src: there is no pyproject.toml in this folder; name the project's folder, and 'git add' the file,"
            " since a flake sees only what git knows"
        ),
    ),
    "another Python": (
        '{ cloche = { src = ./.; python.version = "3.9"; }; }',
        "cloche.python.version is 3.9, but the toolchain `debian' has Python 3.11.",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_error_in_a_configuration_names_option_file_and_value(case: str, growth: Path, tmp_path: Path) -> None:
    configuration, text = ERRORS[case]
    folder = copy(growth, tmp_path / "wrong", {"cloche.nix": configuration})
    ended = nix("eval", "--json", f".#checks.{SYSTEM}", cwd=folder)
    assert ended.code == 1
    before, _, after = text.partition("FOLDER")
    assert before in words(ended)
    assert after in words(ended)


@pytest.mark.usefixtures("inputs")
def test_flake_parts_enforces_the_assertions_too(growth: Path, tmp_path: Path) -> None:
    configuration = '{ cloche = { src = ./.; python.overrides.nunpy.exclude = [ "x" ]; }; }'
    folder = copy(growth, tmp_path / "wrong", {"flake.nix": FLAKE_PARTS, "cloche.nix": configuration})
    ended = nix("eval", "--raw", f".#packages.{SYSTEM}.default.drvPath", cwd=folder)
    assert "cloche.python.overrides names nunpy, but the lock has no such package" in words(ended)


def inputs_of(lock: Path, path: tuple[str, ...]) -> dict[str, str]:
    """Return the hashes of what a flake.lock has as inputs of the input at `path`; of one that follows, where to."""
    data = json.loads(lock.read_text())
    nodes, node = data["nodes"], data["nodes"][data["root"]]
    for name in path:
        node = nodes[node["inputs"][name]]
    return {
        name: nodes[to]["locked"]["narHash"] if isinstance(to, str) else "follows " + "/".join(to[len(path) :])
        for name, to in node["inputs"].items()
    }


def test_lock_of_the_example_is_current_and_a_stale_one_is_seen(tmp_path: Path) -> None:
    """Trap 10: when this flake gains an input, or a newer one, the example's lock must follow; Nix does not notice."""
    own = inputs_of(ROOT / "flake.lock", ())
    example = ROOT / "examples/branin/flake.lock"
    assert inputs_of(example, ("cloche",)) == own, "run `nix flake update` in examples/branin"
    stale = json.loads(example.read_text())
    stale["nodes"][stale["nodes"]["root"]["inputs"]["cloche"]]["inputs"].pop("flake-parts")
    (tmp_path / "flake.lock").write_text(json.dumps(stale))
    assert inputs_of(tmp_path / "flake.lock", ("cloche",)) != own
