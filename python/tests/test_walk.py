"""What is judged is looked at as a whole: a folder that can't be listed is an error, in every verb."""

import ast
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import cloche
from cloche.attest import in_toto
from cloche.selection.impact import tree
from cloche.telemetry import results
from cloche.untrusted import walk
from conftest import Outcome
from privileges import unreadable
from test_audit import python, record
from trust import Release

# Calls that pass over what can't be read, and why each module may have one all the same.
ALLOWED = {
    "environment/backend.py": "makes a build folder of its own writable, and looks for names in an environment of the store",
    "environment/place_modules.py": "compiles what it has just copied",
    "environment/unzip.py": "copies modules out of the store",
    "environment/wheel.py": "takes the one wheel that there must be, and removes files, of which there must be one",
    "fetch/sources.py": "lists the roles of Cloche's own pins, to name them in a message",
    "image/judge.py": "looks at folders of the store",
    "performance/measure.py": "makes a copy of its own writable",
    "profile/record.py": "makes a copy of its own writable, and looks at a wheel of the store",
    "regression/run.py": "makes a copy of its own writable",
    "sbom/build.py": "takes the one wheel that there must be",
    "sbom/inventory.py": "takes the one METADATA that there must be",
    "store/write.py": "makes what it wrote durable, and removes what it replaced",
    "suite/run.py": "makes a copy of its own writable",
    "trace/install_hooks.py": "looks at a folder of the store",
    "trace/record.py": "looks at an environment of the store",
}


def silent_calls(text: str) -> list[int]:
    """Return the lines of a module that call what passes over folders that can't be read."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (
            node.func.attr in {"rglob", "glob", "iglob"}
            or (node.func.attr in {"walk", "fwalk"} and ast.unparse(node.func.value) in {"os", "Path"})
        )
    ]


def test_a_walk_gives_all_in_order_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").touch()
    (tmp_path / "a.json").touch()
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "loop").symlink_to("loop")
    found = [path.relative_to(tmp_path).as_posix() for path in walk.below(tmp_path)]
    assert found == ["a", "a/b", "a/b/file", "a.json", "link", "loop"]


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o100])
def test_a_walk_raises_where_it_can_not_look(tmp_path: Path, mode: int) -> None:
    (tmp_path / "below" / "inner").mkdir(parents=True)
    (tmp_path / "below" / "inner" / "file").touch()
    with unreadable(tmp_path / "below" / "inner", mode):
        # The control: what Python has says nothing.
        assert [path.name for path in tmp_path.rglob("*")] == ["below", "inner"]
        assert sum(len(files) for _, _, files in os.walk(tmp_path)) == 0
        with pytest.raises(PermissionError) as caught:
            walk.below(tmp_path)
    assert caught.value.filename == str(tmp_path / "below" / "inner")
    assert [path.name for path in walk.below(tmp_path)] == ["below", "inner", "file"]


def test_a_walk_raises_for_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        walk.below(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        walk.below(tmp_path / "nothing")


def test_no_module_walks_by_itself() -> None:
    assert silent_calls(
        "import os\nfor each in path.rglob('*'):\n    os.walk(each)\nwalk.below(path)\nast.walk(tree)\n"
    ) == [2, 3]
    library = Path(str(cloche.__file__)).parent
    found = {
        path.relative_to(library).as_posix()
        for path in walk.below(library)
        if path.suffix == ".py" and silent_calls(path.read_text())
    }
    assert found == set(ALLOWED)


@pytest.fixture
def release(tmp_path: Path, run: Callable[..., Outcome]) -> Release:
    return Release(tmp_path, run)


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """Return a folder of advisories, of which the one that is about the SBOM lies in a folder of its own."""
    folder = tmp_path / "advisories"
    (folder / "demo").mkdir(parents=True)
    (folder / "other.json").write_text(json.dumps(record("other", id="PYSEC-2")))
    (folder / "demo" / "demo.json").write_text(json.dumps(record()))
    return folder


def test_an_audit_does_not_pass_over_advisories(run: Callable[..., Outcome], feed: Path, tmp_path: Path) -> None:
    listed = tmp_path / "sbom.cdx.json"
    listed.write_text(json.dumps({"bomFormat": "CycloneDX", "components": [python()]}))
    command = ["audit", "--sbom", str(listed), "--advisories", str(feed), "--today", "2024-06-01"]
    assert run(*command).code == 1
    for place in (feed, feed / "demo"):
        with unreadable(place):
            outcome = run(*command)
        assert outcome.code == 2
        assert str(place) in outcome.err
    with unreadable(feed / "demo"):
        outcome = run(*command)
    assert outcome.err == (f"error: {feed / 'demo'}: the folder of advisories cannot be listed: Permission denied\n")
    with unreadable(feed / "demo" / "demo.json"):
        outcome = run(*command)
    assert outcome.err == f"error: {feed / 'demo' / 'demo.json'}: the advisory cannot be read: Permission denied\n"


def test_verify_does_not_pass_over_advisories(release: Release, feed: Path) -> None:
    release.signed()
    policy = release.policy('[vulnerabilities]\nceiling = "high"\nmaximum-age = 100000\n')
    assert release.rows("--advisories", feed, policy=policy)[0] == 0
    with unreadable(feed / "demo"):
        reason = f"{feed / 'demo'}: the folder of advisories cannot be listed: Permission denied"
        release.refused(14, reason, "--advisories", feed, policy=policy)


def test_verify_names_a_folder_of_evidence_that_can_not_be_read(release: Release) -> None:
    release.signed()
    command = ["verify", "--json", "--policy", str(release.policy()), "--bundle", str(release.bundles)]
    with unreadable(release.bundles):
        outcome = release.run(*command, str(release.artifact))
    assert outcome.code == 12
    reasons = [row["reason"] for row in json.loads(outcome.out)["rows"]]
    assert f"{release.bundles} can't be read: Permission denied" in reasons
    assert release.run(*command, str(release.artifact)).code == 0


def test_sign_leaves_no_statement_out(release: Release) -> None:
    statements = release.statements()
    with unreadable(statements / "default"):
        outcome = release.sign(statements=statements)
    assert outcome.code == 2
    assert outcome.err == (
        f"error: {statements / 'default'} can't be listed, so a statement could be left out: Permission denied\n"
    )
    assert not release.bundles.exists()
    assert release.sign(statements=statements).code == 0


def test_a_link_of_in_toto_leaves_no_file_out(tmp_path: Path) -> None:
    (tmp_path / "product" / "inner").mkdir(parents=True)
    (tmp_path / "product" / "inner" / "file").touch()
    entries = [{"path": str(tmp_path / "product"), "at": ""}]
    assert list(in_toto.artifacts(entries)) == ["inner/file"]
    with unreadable(tmp_path / "product" / "inner"), pytest.raises(PermissionError):
        in_toto.artifacts(entries)


def test_python_files_of_a_tree_without_git_are_not_left_out(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c.py").touch()
    assert tree.python_files(tmp_path) == ["a/b/c.py"]
    with unreadable(tmp_path / "a" / "b"), pytest.raises(PermissionError):
        tree.python_files(tmp_path)


def test_results_that_can_not_be_read_are_not_left_out(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "comparison.json").touch()
    assert [path.name for path in results.folders(tmp_path)] == ["one", "two"]
    with unreadable(tmp_path / "two"), pytest.raises(PermissionError):
        results.folders(tmp_path)
