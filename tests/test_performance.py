"""Benchmarks and profiles of a consumer: two revisions side by side in real derivations, with changes that are planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import ROOT, Ended, built, nix, run
from flakes import FLAKE, FLAKE_PARTS, SYSTEM, add, words, write

GIT = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
WORK = '''"""A program whose work is known."""

import json
import pathlib
import sys


def steady() -> int:
    """Do what never changes."""
    return sum(len(str(number)) for number in range(100000))


def planted(rounds: int) -> int:
    """Do more or less."""
    total = 0
    for number in range(rounds):
        total += len(str(number))
    return total


if __name__ == "__main__":
    factor = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    result = [steady() for _ in range(factor)] + [planted(100000) for _ in range(factor)]
    pathlib.Path("results.json").write_text(json.dumps(result))
'''
CONFIGURATION = """{
  cloche = {
    src = ./.;
    performance.work = {
      command = [ "python" "-m" "branin.work" ];
      setUp = [ "python" "-c" "import json, pathlib, sys" ];
      runs = 3;
    };
    regression.work.command = [ "python" "-m" "branin.work" "40" ];
    profile = { enable = true; floor = 30; };
    # MORE
  };
}
"""


@pytest.fixture
def project(consumer: Path) -> Path:
    """Return a consumer with a quick benchmark, and its first commit."""
    write(consumer, {"cloche.nix": CONFIGURATION, "src/branin/work.py": WORK})
    assert run(*GIT, "commit", "-qm", "first", cwd=consumer).code == 0
    return consumer


def edit(project: Path, file: str, old: str, new: str) -> None:
    path = project / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    add(project)


def compared(project: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Compare the tree with its last commit."""
    ended = run(
        ROOT / "ci/nix",
        "run",
        "--no-write-lock-file",
        ".#performance",
        "--",
        "--base",
        "HEAD",
        "--json",
        *arguments,
        cwd=project,
    )
    assert ended.code in {0, 1}, ended.err
    assert ended.out.startswith("{"), ended.err
    (report,) = json.loads(ended.out)["benchmarks"]
    return ended.code, report


@pytest.mark.slow
@pytest.mark.parametrize(("rounds", "verdict", "code"), [(160000, "slower", 1), (40000, "faster", 0)])
def test_a_planted_change_has_its_sign(project: Path, rounds: int, verdict: str, code: int) -> None:
    """Half of the work changes by 60 %: the whole by 30 %, and more than that of the instructions beyond the set-up."""
    edit(project, "src/branin/work.py", "planted(100000)", f"planted({rounds})")
    ended, report = compared(project)
    assert (ended, report["verdict"], report["compared"]) == (code, verdict, True)
    assert report["revisions"]["base"] == run("git", "rev-parse", "HEAD", cwd=project).out.strip()
    (case,) = report["cases"]
    assert case["instructions"]["verdict"] == verdict
    assert case["instructions"]["repeatability"] < 0.01
    assert 0.2 < abs(case["instructions"]["change"]) < 0.4
    assert case["time"]["verdict"] in {verdict, "inconclusive"}


@pytest.mark.slow
def test_an_edit_that_changes_nothing_is_unchanged(project: Path) -> None:
    edit(
        project,
        "src/branin/work.py",
        '"""A program whose work is known."""',
        '"""A program whose work is well known."""',
    )
    ended, report = compared(project)
    (case,) = report["cases"]
    assert (ended, case["instructions"]["verdict"]) == (0, "unchanged")
    assert abs(case["instructions"]["change"]) < 0.001
    assert report["verdict"] in {"unchanged", "inconclusive"}


def with_base(project: Path, flake: str) -> str:
    """Return a flake whose input `base` is the project's first commit."""
    commit = run("git", "rev-parse", "HEAD", cwd=project).out.strip()
    bare = "outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;"
    for old, new in (
        (
            "  outputs = ",
            f'  inputs.base = {{ url = "git+file://{project}?rev={commit}"; flake = false; }};\n  outputs = ',
        ),
        (
            bare,
            "outputs = { self, cloche, base }: cloche.lib.mkFlake { inherit self; } { imports = [ ./cloche.nix ]; cloche.base = base.outPath; };",
        ),
        (
            "perSystem = ./cloche.nix;",
            "perSystem = { imports = [ ./cloche.nix ]; cloche.base = inputs.base.outPath; };",
        ),
    ):
        flake = flake.replace(old, new)
    return flake


def test_a_base_that_is_an_input_is_the_same_in_both_flavours(project: Path, inputs: Path) -> None:
    """A flake-parts consumer has the derivations of a bare one: performance, the report and what they are made of."""
    assert inputs.is_dir()
    edit(project, "cloche.nix", "# MORE", "report = { enable = true; measured = true; };")
    names = [
        f"packages.{SYSTEM}.performance",
        f"packages.{SYSTEM}.profile",
        f"packages.{SYSTEM}.report",
        f"checks.{SYSTEM}.performance",
    ]
    found: dict[str, list[str]] = {}
    for flavour, flake in (("bare", FLAKE), ("parts", FLAKE_PARTS), ("without", FLAKE)):
        write(project, {"flake.nix": flake if flavour == "without" else with_base(project, flake)})
        found[flavour] = [
            built(nix("eval", "--no-write-lock-file", "--raw", f".#{name}.drvPath", cwd=project)) for name in names
        ]
    # The project's files are those of a flake without its own.
    assert found["bare"] == found["parts"]
    assert all(bare != without for bare, without in zip(found["bare"], found["without"], strict=True))


@pytest.mark.slow
def test_the_check_compares_with_the_input(project: Path) -> None:
    write(project, {"flake.nix": with_base(project, FLAKE)})
    edit(project, "src/branin/work.py", "planted(100000)", "planted(160000)")
    ended = nix("build", "--no-link", "--no-write-lock-file", "-L", f".#checks.{SYSTEM}.performance", cwd=project)
    assert ended.code == 1
    assert "slower" in ended.err
    edit(project, "src/branin/work.py", "planted(160000)", "planted(40000)")
    ended = nix("build", "--no-link", "--no-write-lock-file", "-L", f".#checks.{SYSTEM}.performance", cwd=project)
    assert ended.code == 0, ended.err


SUITE = """
import pytest


def work():
    return sum(len(str(number)) for number in range(20000))


@pytest.fixture
def costly():
    return [str(number) for number in range(30000)]


def test_plain(benchmark, costly):
    assert benchmark(work) > len(costly) / 10


class TestPedantic:
    def test_set_up(self, benchmark):
        made = []

        def set_up():
            made.append([str(number) for number in range(10000)])
            return (), {}

        benchmark.pedantic(work, setup=set_up, rounds=3)
        assert made


@pytest.mark.parametrize("size", [40000])
def test_parameters(benchmark, size):
    benchmark(lambda: sum(len(str(number)) for number in range(size)))


def test_empty(benchmark):
    benchmark(lambda: None)


@pytest.mark.skip(reason="not here")
def test_skipped(benchmark):
    benchmark(work)


def test_without():
    raise AssertionError("no benchmark")
"""


@pytest.mark.slow
def test_a_suite_is_counted_without_its_set_up(project: Path) -> None:
    edit(
        project,
        "cloche.nix",
        "# MORE",
        'performance.suite = { suite = [ "speed" ]; groups = [ "benchmark" ]; instruments = [ "instructions" ]; };',
    )
    write(project, {"speed/test_speed.py": SUITE})
    folder = built(
        nix("build", "--no-link", "--no-write-lock-file", "--print-out-paths", ".#performance.suite", cwd=project)
    )
    report = json.loads(Path(folder, "performance.json").read_text())
    counts = {case["name"].rpartition("::")[2]: case["instructions"] for case in report["cases"]}
    assert sorted(counts) == ["test_empty", "test_parameters[40000]", "test_plain", "test_set_up"]
    plain = counts["test_plain"]["head"]
    # Neither the fixture (as much as the work) nor the set-up of each call (half of it) is in it, and twice the work costs twice as much.
    assert counts["test_set_up"]["head"] == pytest.approx(plain, rel=0.05)
    assert counts["test_parameters[40000]"]["head"] == pytest.approx(2 * plain, rel=0.05)
    assert abs(counts["test_empty"]["head"]) < 1000
    assert report["verdict"] in {"not compared", "inconclusive"}


def test_what_cannot_be_a_base_is_told(project: Path) -> None:
    def message(*arguments: str, code: int = 2) -> str:
        ended = run(ROOT / "ci/nix", "run", "--no-write-lock-file", ".#performance", "--", *arguments, cwd=project)
        assert ended.code == code, ended.err
        return ended.err[ended.err.rindex("error: ") :].strip()

    assert (
        message("--base", "nowhere")
        == f"error: {project}: 'nowhere' names no commit; git says:\nfatal: Needed a single revision"
    )
    empty = run(*GIT, "commit-tree", "4b825dc642cb6eb9a060e54bf8d69288fbee4904", "-m", "empty", cwd=project).out.strip()
    assert (
        message("--base", empty)
        == f"error: --base {empty}: it has no pyproject.toml, so there is nothing to compare with"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            'performance.both = { suite = [ "tests" ]; command = [ "python" ]; };',
            "cloche.performance.both must have a suite or a command, and not both; set one of them",
        ),
        (
            'performance."a b".command = [ "python" ];',
            'cloche.performance has a benchmark called "a b"; a name begins with a letter and goes on with letters, digits, _ and -',
        ),
        (
            'performance.against.command = [ "python" ];',
            "cloche.performance.against can't have this name: derivations have an attribute of that name; choose another",
        ),
        (
            'performance.a = { command = [ "python" ]; files = [ "gone" ]; };',
            "cloche.performance.a names gone, which is not in",
        ),
        ('profile.experiments = [ "gone" ];', "cloche.profile.experiments names gone, but cloche.regression has work"),
        (
            "profile.slowest = 2;",
            "cloche.profile.slowest is set and cloche.tests.enable is not, so no test was recorded; set cloche.tests.enable",
        ),
        ("base = ./tests;", "the base has no pyproject.toml: "),
    ],
)
def test_options_that_cannot_be_are_told(project: Path, options: str, message: str) -> None:
    edit(project, "cloche.nix", "# MORE", options)
    attribute = "profile" if options.startswith("profile") else "performance"
    assert message in words(evaluated(project, f".#packages.{SYSTEM}.{attribute}.drvPath"))


def evaluated(project: Path, attribute: str) -> Ended:
    ended = nix("eval", "--no-write-lock-file", "--raw", attribute, cwd=project)
    assert ended.code == 1, ended.out
    return ended


def test_a_hot_spot_that_is_planted_is_first_and_in_the_difference(project: Path) -> None:
    edit(project, "src/branin/work.py", "planted(100000)", "planted(500000)")
    ended = run(ROOT / "ci/nix", "run", "--no-write-lock-file", ".#profile", "--", "--base", "HEAD", cwd=project)
    assert ended.code == 0, ended.err
    folder = Path(ended.out.split()[1])
    data = json.loads((folder / "profile.json").read_text())
    assert data["verdict"] == "enough samples"
    for table in ("project", "functions"):
        assert (data[table][0]["function"], data[table][0]["file"]) == ("planted", "branin/work.py")
    first = data["changes"][0]
    assert first["function"] == "planted"
    assert first["interval"][0] > 0
    assert (folder / "difference.svg").read_text().startswith("<svg")
    assert "planted (branin/work.py)" in (folder / "stacks.folded").read_text()
