"""Locked packages that a batch of tests was not given: what the tracer sees of them, and what it refuses."""

import importlib.metadata
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloche.suite import installed_packages, join
from cloche.suite import record as record_tests
from cloche.suite.run import Selection, Suite
from cloche.trace import needs
from tracing import SITE, Project, make_environment

# name -> file -> text
PACKAGES = {
    "extra": {
        "extra/__init__.py": "",
        "extra/data.txt": "",
        "../../../bin/extra-tool": "#!/bin/sh\n",
        "extra-1.0.dist-info/entry_points.txt": "[readers]\ntable = extra:table\n",
    },
    "space-one": {"space/one/__init__.py": ""},
    "space-two": {"space/two/__init__.py": ""},
    "Plain.Name": {"plain.py": "try:\n    import extra\nexcept ImportError:\n    pass\n"},
}
TABLE = {
    "extra": {"files": ["bin/extra-tool"], "groups": ["readers"], "modules": ["extra"]},
    "plain-name": {"modules": ["plain"]},
    "space-one": {"modules": ["space/one"]},
    "space-two": {"modules": ["space/two"]},
}


def install(environment: Path) -> None:
    """Put the packages into an environment, as installers do."""
    for name, files in PACKAGES.items():
        info = f"{name.replace('-', '_')}-1.0.dist-info"
        metadata = {f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"}
        written = {**files, **metadata, f"{info}/RECORD": ""}
        written[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in written)
        for file, text in written.items():
            path = environment / SITE / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (environment / "bin/extra-tool").chmod(0o755)


def remove(environment: Path, name: str) -> None:
    """Take one out again."""
    for distribution in importlib.metadata.distributions(path=[str(environment / SITE)]):
        if installed_packages.normal(distribution.metadata["Name"]) == name:
            for file in distribution.files or []:
                (environment / SITE / file).unlink(missing_ok=True)
                shutil.rmtree((environment / SITE / file).parent / "__pycache__", ignore_errors=True)
                if not any((environment / SITE / file).parent.iterdir()):
                    (environment / SITE / file).parent.rmdir()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path, make_environment(tmp_path / "environment"), monkeypatch)
    install(made.environment)
    made.write({"pyproject.toml": ""})
    return made


def look(project: Project, code: str, left: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Return what is noted of packages while this code runs, all of them given but those `left` out."""
    for name in left:
        remove(project.environment, name)
    attributes = project.attributes(project.installed(set()), project.tree)
    names: dict[str, Any] = {"names": ["./"], "missing": [], "programs": [], "tops": []}
    recorded = {**names, "packages": {name: TABLE[name] for name in left}}
    suite = Suite.of(
        attributes,
        modules={},
        trace=True,
        recorded=recorded if left else None,
        packages=record_tests.left_out(recorded) if left else {"table": TABLE, "absent": [], "wheels": {}},
    )
    suite.prepare()
    suite.configure(Selection())
    environment = {**suite.environ, "PATH": f"{project.environment}/bin"}
    with suite.listening():
        subprocess.run(
            [project.environment / "bin/python", "-c", code],
            cwd=suite.tree,
            env=environment,
            check=False,
            capture_output=True,
        )
    return [entry for entry in suite.noted if entry["kind"] == "package" or entry.get("key") == "packages"]


def swallowed(line: str) -> str:
    """Return code in which nobody hears of an error."""
    return f"try:\n    {line}\nexcept BaseException:\n    pass\n"


LOOKED = {
    "an optional import": ("import extra", "imported"),
    "a module in it": ("import extra.table", "imported"),
    "importorskip": ("import pytest; pytest.importorskip('extra')", "imported"),
    "find_spec": ("from importlib.util import find_spec; find_spec('extra')", "imported"),
    "another package's optional import": ("import plain", "imported"),
    "its version": ("import importlib.metadata as m; m.version('Extra')", "asked for the metadata of"),
    "its entry points": (
        "import importlib.metadata as m; m.entry_points(group='readers')",
        "asked for entry points readers of",
    ),
    "all entry points": (
        "import importlib.metadata as m; m.entry_points()",
        "asked for the metadata of all packages, and so",
    ),
    "all distributions": (
        "import importlib.metadata as m; list(m.distributions())",
        "asked for the metadata of all packages, and so",
    ),
    "pkgutil": ("import pkgutil; list(pkgutil.iter_modules())", "listed all packages, and so"),
    "its program": ("import shutil; shutil.which('extra-tool')", "looked for"),
    "a file in it": (
        "import os, sysconfig as s; os.path.exists(s.get_path('purelib') + '/extra/data.txt')",
        "looked for",
    ),
    "its metadata's folder": (
        "import os, sysconfig as s; os.stat(s.get_path('purelib') + '/extra-1.0.dist-info')",
        "looked for",
    ),
}


@pytest.mark.parametrize("how", LOOKED)
def test_a_package_that_was_left_out_is_refused(how: str, project: Project) -> None:
    """Though the code swallows every error."""
    code, what = LOOKED[how]
    found = look(project, swallowed(code), left=("extra",))
    assert [(entry["what"], entry["name"]) for entry in found if entry["kind"] == "refused"] == [(what, "extra")]


@pytest.mark.parametrize("how", LOOKED)
def test_a_package_that_is_looked_for_is_seen(how: str, project: Project) -> None:
    code, what = LOOKED[how]
    found = {entry["name"] for entry in look(project, swallowed(code))}
    assert ("*" if "all packages" in what else "extra") in found
    if "all packages" not in what:
        assert found <= {"extra", "plain-name"}


def test_what_is_in_a_shared_folder_is_told_apart(project: Project) -> None:
    assert [each["name"] for each in look(project, "import space.one")] == ["space-one"]
    refused = look(project, swallowed("import space.one\n    import space.two"), left=("space-two",))
    assert [(entry["what"], entry["name"]) for entry in refused] == [("imported", "space-two")]


def test_pytest_itself_looks_for_its_plugins_alone(project: Project) -> None:
    code = "import pytest; pytest.main(['--version', '--version', '-p', 'no:cacheprovider'])"
    assert look(project, code) == []
    assert look(project, code, left=("extra",)) == []


def test_what_packages_offer(project: Project) -> None:
    assert installed_packages.offered([project.environment], SITE) == TABLE
    assert installed_packages.offered([project.environment], SITE, frozenset({"extra"})) == {
        name: offers for name, offers in TABLE.items() if name != "extra"
    }
    plugin = {**TABLE, "plug": {"groups": ["pytest11"]}, "hook": {"modules": ["hook.pth"]}}
    assert installed_packages.always(plugin) == ["plug", "hook"]


def test_a_record_has_packages(project: Project) -> None:
    project.write(
        {
            "tests/test_a.py": "import extra\n\ndef test_a():\n    pass\n",
            "tests/test_b.py": "import space.one\n\ndef test_b():\n    pass\n",
            "tests/test_all.py": "import pkgutil\n\ndef test_all():\n    list(pkgutil.iter_modules())\n",
        }
    )
    data = project.trace()
    assert {name: data["packages"][name] for name in TABLE} == TABLE
    assert [data["files"][f"tests/test_{name}.py"].get("packages") for name in ("a", "b", "all")] == [
        ["extra"],
        ["space-one"],
        ["*"],
    ]
    # What a person has declared stays.
    former = {"files": {"tests/test_b.py": {"declared-packages": ["extra"]}}}
    trace = json.loads((project.top / "out/trace.json").read_text())
    again = needs.make(trace, project.source, former)
    assert again["files"]["tests/test_b.py"]["declared-packages"] == ["extra"]


def test_a_recording_that_looks_for_a_package_that_was_left_out_fails(project: Project) -> None:
    test = "import pytest\n\ndef test_it():\n    pytest.importorskip('extra')\n"
    project.write({"tests/test_it.py": test})
    remove(project.environment, "extra")
    names: dict[str, Any] = {"names": [], "missing": [], "programs": [], "tops": []}
    closure = {"files": ["tests/test_it.py"], "recorded": {**names, "packages": {"extra": TABLE["extra"]}}}
    with pytest.raises(SystemExit) as ended:
        project.record(closure)
    assert str(ended.value) == (
        "closure incomplete: tests looked for what cloche-tests.json does not say that they need. Run\n"
        "'nix run .#trace-tests', which renews it, or add the lines by hand. Nothing is recorded.\n"
        '  tests/test_it.py imported extra; the line to add to its "packages" in cloche-tests.json:\n    "extra",'
    )


def test_a_package_that_offers_something_new_ends_the_join(project: Project) -> None:
    table = {name: offers for name, offers in TABLE.items() if name != "space-two"}
    wheels = {"table": {**table, "extra": {"modules": ["extra/data"]}}, "wheels": [str(project.environment)]}
    with pytest.raises(SystemExit) as ended:
        join.know(wheels, SITE)
    assert str(ended.value) == (
        "locked packages offer what cloche-tests.json does not know, so tests that were not given them may look for it. Run\n"
        "'nix run .#trace-tests', which renews it. Nothing is recorded.\n"
        "  extra: modules extra\n"
        "  extra: files bin/extra-tool\n"
        "  extra: groups readers"
    )
    join.know({**wheels, "table": table}, SITE)
