"""Where the library opens and parses files, and why each place that does so by itself may: the others ask the one reader.

cloche.untrusted.regular_file refuses pipes, devices and what is too large before it reads; cloche.untrusted.strict_json and cloche.untrusted.toml
refuse what two readers understand differently, and end in one error. A new place stands in this list, with a reason.
"""

import ast
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import cloche
from cloche.cli import main
from conftest import Outcome

# What reads a file whole, opens one, or takes a text apart by the standard library alone.
BARE = {"read_text", "read_bytes"}
MODULES = {"json": {"load", "loads"}, "tomllib": {"load", "loads"}, "pickle": {"load", "loads"}, "np": {"load"}}

INSIDE = "runs inside a derivation, on what Nix or another derivation of ours made"
OWN = "reads what this process, or one that it started, has just written"
NIX = "reads what Nix or git printed, or an output that it has just built"
SHIPPED = "reads a file of the library or of another package"
ALLOWED = {
    "attest/check.py": INSIDE,
    "attest/make.py": INSIDE,
    "attest/schema/__init__.py": SHIPPED,
    "audit/check.py": INSIDE,
    "audit/record.py": INSIDE,
    "audit/vex.py": OWN,
    "chaos/judge.py": INSIDE,
    "chaos/record.py": INSIDE,
    "chaos/report.py": OWN,
    "environment/backend.py": INSIDE,
    "environment/environment.py": INSIDE,
    "environment/wheel.py": INSIDE,
    "fetch/sources.py": "reads the toolchain's pins, which lie beside it",
    "fetch/store.py": NIX,
    "image/judge.py": INSIDE,
    "image/make.py": INSIDE,
    "lock/metadata.py": "reads its own cache, whose names are digests",
    "performance/check.py": INSIDE,
    "performance/command.py": NIX,
    "performance/judge.py": INSIDE,
    "performance/measure.py": OWN,
    "performance/pytest_counts.py": OWN,
    "performance/revisions.py": NIX,
    "profile/command.py": NIX,
    "profile/judge.py": INSIDE,
    "profile/record.py": OWN,
    "regression/accept.py": NIX,
    "regression/check.py": INSIDE,
    "regression/judge.py": INSIDE,
    "results/patterns.py": "takes one quoted name of a pattern apart",
    "results/readers.py": "takes bytes apart that the one reader gave, with numbers as they are written",
    "regression/run.py": OWN,
    "report/page.py": SHIPPED,
    "report/plots.py": SHIPPED,
    "reproduce/again.py": NIX,
    "reproduce/compare_builds.py": INSIDE,
    "reproduce/nix.py": NIX,
    "reproduce/rebuilt.py": NIX,
    "resilience/preemption.py": OWN,
    "sbom/build.py": INSIDE,
    "sbom/check.py": INSIDE,
    "sbom/cyclonedx.py": OWN,
    "sbom/inventory.py": INSIDE,
    "selection/impact/children.py": OWN,
    "selection/impact/contexts.py": OWN,
    "selection/impact/folders.py": "reads the project's own sources, which are regular files",
    "selection/impact/git.py": "reads the project's own sources, which are regular files",
    "selection/impact/make_map.py": INSIDE,
    "selection/impact/recording.py": "reads the project's own sources, which were imported just now",
    "selection/impact/results.py": OWN,
    "selection/impact/run.py": OWN,
    "selection/learned/command.py": OWN,
    "selection/learned/store.py": "reads rows of the user's own database, each of a bounded column",
    "selection/mutants/matrix.py": OWN,
    "selection/mutants/sample.py": "reads the project's own sources",
    "sign/keyless.py": "reads an answer of the service whose address the user names, for a message",
    "store/derivation.py": "reads .drv files of the store, and the JSON that is written in them",
    "suite/join.py": INSIDE,
    "suite/judge.py": INSIDE,
    "suite/judge_commands.py": INSIDE,
    "suite/record.py": INSIDE,
    "suite/run.py": OWN,
    "telemetry/sources.py": "reads lines of telemetry, each by itself and many of them",
    "trace/compare.py": INSIDE,
    "trace/hooks/hooks.py": OWN,
    "trace/hooks/plugin.py": OWN,
    "trace/record.py": INSIDE,
    "trace/static.py": "parses the project's own sources, as importing them would",
    "untrusted/strict_json.py": "is the reader of JSON",
    "untrusted/toml.py": "is the reader of TOML",
    "verify/diagnosis.py": "takes a document apart that was read strictly, and what is in it",
    "verify/identity.py": "takes a document apart that was read strictly",
    "verify/log.py": "takes a document apart that was read strictly",
    "verify/timestamps.py": "takes a document apart that was read strictly",
    "verify/vsa.py": OWN,
}


def places() -> dict[str, list[int]]:
    """Return the lines of each module that read by themselves."""
    root = Path(cloche.__file__).parent
    found: dict[str, list[int]] = {}
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Attribute) and (
                node.attr in BARE
                or (isinstance(node.value, ast.Name) and node.attr in MODULES.get(node.value.id, set()))
            ):
                found.setdefault(str(path.relative_to(root)), []).append(node.lineno)
    return found


def test_each_place_that_reads_by_itself_has_a_reason() -> None:
    found = places()
    new = {name: lines for name, lines in found.items() if name not in ALLOWED}
    assert not new, "read by cloche.untrusted.regular_file, strict_json or untrusted.toml, or give a reason here"
    assert ALLOWED.keys() <= found.keys(), "these read nothing by themselves any more"


@pytest.mark.parametrize(
    "words",
    [
        ("report", "--history", "{}", "--output", "out"),
        ("reproduce", "--settings", "{}"),
        ("regress", "compare", "{}.json", "{}.json"),
        ("performance", "compare", "--base", "{}", "--head", "{}"),
        ("telemetry", "import", "--store", "sqlite.db", "{}.csv"),
        ("telemetry", "import", "--store", "sqlite.db", "{}.xml"),
        ("audit", "--sbom", "{}", "--advisories", ".", "--policy", "{}"),
        ("train", "--store", "sqlite.db", "--rows", "{}"),
    ],
)
def test_pipe_is_wrong_input_and_not_waited_for(
    words: tuple[str, ...], run: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n')
    for ending in ("", ".json", ".csv", ".xml"):
        os.mkfifo(tmp_path / f"pipe{ending}")
    outcome = run(*(word.format(tmp_path / "pipe") for word in words))
    assert outcome.code == 2, (outcome.out, outcome.err)
    assert "it is a pipe, and only regular files are read" in outcome.err


def test_what_is_too_large_for_the_memory_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exhausted(**_options: object) -> None:
        raise MemoryError

    monkeypatch.setattr("cloche.cli.cloche.main", exhausted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert capsys.readouterr().err == "error: there is not enough memory for this\n"
