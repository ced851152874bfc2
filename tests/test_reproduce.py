"""Building outputs again under other circumstances: what is caught, by which variation, and that nothing else is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, nix, run
from flakes import SYSTEM, copy, write
from machines import needs_root, temporary

PLANTED = ("cores", "date", "hashseed", "locale", "machine", "store", "timezone", "user")


def reproduce(*arguments: str | Path, cwd: Path = ROOT, **more: str) -> Ended:
    """Run the app in a flake's folder."""
    return run(ROOT / "ci/nix", "run", ".#reproduce", "--", *arguments, cwd=cwd, env=more, seconds=1800)


def states(ended: Ended) -> dict[str, str]:
    """Return the state of each output by its last name."""
    data = json.loads(ended.out)
    assert data["version"] == 1
    return {output["attribute"].rpartition(".")[2]: output["state"] for output in data["outputs"]}


def planted(names: tuple[str, ...] = PLANTED) -> list[str]:
    return [f".#legacyPackages.{SYSTEM}.planted.{name}" for name in names]


def skip_impossible(name: str) -> None:
    if name == "user" and os.geteuid() != 0:
        pytest.skip("only root can become another user")
    if name == "cores" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process may use one processor only")


@pytest.mark.parametrize("name", ["cores", "date", "timezone", "locale", "hashseed", "store", "user"])
def test_each_variation_catches_its_planted_package_and_no_other(name: str) -> None:
    skip_impossible(name)
    ended = reproduce("--json", "--variation", name, *planted())
    assert ended.code == 1, ended.err
    expected = {other: "different" if other == name else "identical" for other in PLANTED}
    assert states(ended) == expected
    (finding,) = [finding for output in json.loads(ended.out)["outputs"] for finding in output["findings"]]
    assert finding["causes"] == [name]
    assert len([line for line in finding["text"].splitlines() if line.startswith(("-", "+"))]) >= 4, finding["text"]
    # Nothing is left behind in the store.
    assert not list(Path(finding["output"]).parent.glob("*-planted-*.check"))


def test_several_at_once_are_told_apart() -> None:
    ended = reproduce("--variation", "date", "--variation", "hashseed", "--variation", "locale", *planted(("date", "locale", "store")))
    assert ended.code == 1
    place = f".#legacyPackages.{SYSTEM}.planted"
    lines = ended.out.splitlines()
    assert lines[:4] == [
        f"{place}.date    different: planted-date",
        f"{place}.locale  different: planted-locale",
        f"{place}.store   identical (2 derivations built again)",
        "",
    ]
    assert "planted-date: different (date)" in lines
    assert "planted-locale: different (locale)" in lines
    assert {"  -Thursday", "  +Perşembe"} <= set(lines)
    assert lines[-1] == "varied: date, locale, hashseed"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--variation", "moon"], 2, "error: there is no variation 'moon'; there are cores, date, hashseed, locale, machine, store, timezone, user"),
        (["--variation", "machine"], 3, "error: the variation 'machine' is not possible here: name one by --machine ssh-ng://HOST"),
        (["--variation", "date", "nothing"], 2, "error: . has no output 'nothing' that can be built; Nix says:"),
    ],
)
def test_wrong_arguments(arguments: list[str], code: int, words: str) -> None:
    ended = reproduce(*arguments)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.err


def test_a_variation_without_effect_is_an_error(tmp_path: Path) -> None:
    """Here the planted package is one that leaks nothing, as any is where Nix does not obey."""
    program = run("nix", "eval", "--raw", f".#apps.{SYSTEM}.reproduce.program").out
    assert reproduce("--list").code == 0
    settings = json.loads((Path(program).parent.parent / "settings.json").read_text())
    settings["planted"]["date"] = settings["planted"]["timezone"]
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    words = Path(program).read_text().splitlines()[-1].split()
    ended = run(words[1], "reproduce", "--settings", tmp_path / "settings.json", "--variation", "date", *planted(("store",)))
    assert (ended.code, ended.out) == (3, "")
    assert "error: without effect here: date. A package that leaks exactly that was built again and came out the\nsame" in ended.err


FAULTY = """
{ cloche, ... }:
let toolchain = cloche.legacyPackages; in { }
"""


def test_what_cannot_be_built_again_and_what_always_differs(tmp_path: Path) -> None:
    """A package that works only once is told with its words; one that draws lots needs no variation."""
    flag = tmp_path / "flag"
    flag.touch()
    flake = f"""{{
  inputs.cloche.url = "git+file://{ROOT}";
  outputs = {{ self, cloche }}:
    let
      project = cloche.lib.mkFlake {{ inherit self; }} ({{ config, ... }}: {{
        cloche.src = ./.;
        packages.lots = config.cloche.toolchain.runBash {{ name = "lots"; script = "cat /proc/sys/kernel/random/uuid > $out"; }};
        packages.once = config.cloche.toolchain.runBash {{
          name = "once";
          script = ''[ $(date +%Y) -lt {this_year() + 1} ] || {{ echo the certificate has expired; exit 1; }}; echo > $out'';
        }};
      }});
    in {{ inherit (project) packages apps; }};
}}
"""
    folder = write(tmp_path / "project", {"flake.nix": flake, "pyproject.toml": '[project]\nname = "p"\nversion = "1"\n'})
    ended = reproduce("--json", "--variation", "date", "--variation", "timezone", "--shallow", "lots", "once", cwd=folder)
    assert ended.code == 1, ended.err
    assert states(ended) == {"lots": "different", "once": "not rebuildable"}
    findings = {output["attribute"]: output["findings"][0] for output in json.loads(ended.out)["outputs"]}
    assert findings["lots"]["causes"] == ["every time"]
    assert findings["once"]["text"].startswith("failed with exit code 1")
    assert "the certificate has expired" in findings["once"]["text"]


def this_year() -> int:
    """Return the year by the clock of this machine."""
    return int(run("date", "+%Y").out)


def test_project_is_the_same_again(growth: Path) -> None:
    """The wheel, its unpacked form, the environments, the application and the outcomes of a small project."""
    arguments = [word for name in ("cores", "date", "timezone", "locale", "hashseed") for word in ("--variation", name)]
    if len(os.sched_getaffinity(0)) < 2:
        arguments = arguments[2:]
    ended = reproduce(*arguments, cwd=growth)
    assert ended.code == 0, ended.out + ended.err
    lines = ended.out.splitlines()
    assert [line.split()[:2] for line in lines[:5]] == [
        ["default", "identical"],
        ["env", "identical"],
        ["sdist", "identical"],
        ["test-results", "identical"],
        ["wheel", "identical"],
    ]


@pytest.mark.slow
def test_everything_that_the_demo_builds_is_the_same_again_and_elsewhere() -> None:
    """All packages, with all that they are built from, under every variation; and in a store made from nothing."""
    ended = reproduce("--json", cwd=ROOT / "examples/branin")
    assert ended.code == 0, ended.out + ended.err
    data = json.loads(ended.out)
    assert {"default", "env", "sdist", "test-results", "wheel"} <= {output["attribute"] for output in data["outputs"]}
    assert {output["state"] for output in data["outputs"]} == {"identical"}
    assert {"store", "date", "locale"} <= set(data["variations"])
    assert max(output["derivations"] for output in data["outputs"]) > 30
