"""What the tracer sees, and what the absence guard refuses: each way in which a test can pass though a file is left out."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cloche.errors import ClocheError
from cloche.selection.impact import make_map
from cloche.selection.impact import map as impact_map
from cloche.selection.impact.run import carry
from cloche.suite import join
from cloche.trace import compare, needs
from cloche.trace import record as trace_tests
from cloche.trace import run as closures_run
from tracing import SITE, Project, closure_of, make_environment

PACKAGE = {
    "src/p/__init__.py": "",
    "src/p/core.py": "def double(x):\n    return 2 * x\n",
    "src/p/fast.py": "def double(x):\n    return x + x\n",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_environment(tmp_path_factory.mktemp("environment") / "environment")


@pytest.fixture
def project(environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path, environment, monkeypatch)
    made.write(PACKAGE)
    return made


# --- what the tracer sees

SEEN = {
    "an import": ("import p.core\n", "src/p/core.py"),
    "an import by name": ("import importlib\nimportlib.import_module('p.core')\n", "src/p/core.py"),
    "open": ("open('tests/data.txt').close()\n", "tests/data.txt"),
    "os.open": ("import os\nos.close(os.open('tests/data.txt', os.O_RDONLY))\n", "tests/data.txt"),
    "Path.exists": ("import pathlib\nassert pathlib.Path('tests/data.txt').exists()\n", "tests/data.txt"),
    "os.access": ("import os\nassert os.access('tests/data.txt', os.R_OK)\n", "tests/data.txt"),
    "os.listdir": ("import os\nos.listdir('tests/data')\n", "tests/data/"),
    "glob": ("import glob\nglob.glob('tests/data/*.csv')\n", "tests/data/"),
    "Path.rglob": ("import pathlib\nlist(pathlib.Path('tests').rglob('*.csv'))\n", "tests/data/"),
    "pkgutil": ("import p, pkgutil\nlist(pkgutil.iter_modules(p.__path__))\n", "src/p/"),
    "sqlite3": ("import sqlite3\nsqlite3.connect('file:tests/data.txt?mode=ro', uri=True)\n", "tests/data.txt"),
    "a child": ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import p.core'])\n", "src/p/core.py"),
    "an isolated child": (
        "import subprocess, sys\nsubprocess.run([sys.executable, '-I', '-c', \"open('tests/data.txt')\"], env={})\n",
        "tests/data.txt",
    ),
    "a spawned worker": (
        "import multiprocessing as m\nfrom helper import read\nm.get_context('spawn').Pool(1).map(read, [1])\n",
        "tests/data.txt",
    ),
    "a forked worker": (
        "import multiprocessing as m\nfrom helper import read\nm.get_context('fork').Pool(1).map(read, [1])\n",
        "tests/data.txt",
    ),
    "after chdir": ("import os\nos.chdir('tests')\nopen('data.txt').close()\n", "tests/data.txt"),
    "by a symbolic link": ("open('tests/link').close()\n", "tests/data.txt"),
    "importlib.resources": (
        "from importlib.resources import files\nfiles('p').joinpath('core.py').read_text()\n",
        "src/p/core.py",
    ),
}


def seen(project: Project, code: str) -> dict[str, set[str]]:
    """Return what a process looks for in a tree with data."""
    project.write(
        {
            "tests/data.txt": "",
            "tests/data/a.csv": "",
            "tests/helper.py": "def read(_):\n    return open('tests/data.txt').read()\n",
        }
    )
    (project.tree / "tests/link").symlink_to("data.txt")
    return project.look(code)


@pytest.mark.parametrize("how", SEEN)
def test_is_seen(how: str, project: Project) -> None:
    code, wanted = SEEN[how]
    found = seen(project, f"import sys\nsys.path.insert(0, 'tests')\n{code}")
    assert wanted in found["seen"] | found.get("listed", set())
    assert "src/p/fast.py" not in found["seen"]


LOOKED_FOR = {
    "an import": ("try:\n    import p.speed\nexcept ImportError:\n    pass\n", "absent", "src/p/speed.*"),
    "find_spec": ("from importlib.util import find_spec\nfind_spec('p.speed')\n", "absent", "src/p/speed.*"),
    "a resource": ("from importlib.resources import is_resource\nis_resource('p', 'none.json')\n", "listed", "src/p/"),
    "another": (
        "from importlib.resources import files\nfiles('p').joinpath('no.json').is_file()\n",
        "absent",
        "src/p/no.json",
    ),
    "a path of pytest": (
        "from _pytest._py.path import local\nassert not local('tests/none').check()\n",
        "absent",
        "tests/none",
    ),
    "a line of a file": ("import linecache\nlinecache.getline('tests/none.txt', 1)\n", "absent", "tests/none.txt"),
    "configuration of coverage": (
        "open('.coveragerc') if __import__('os').path.exists('.coveragerc') else 0\n",
        "absent",
        ".coveragerc",
    ),
    "a top-level import": ("try:\n    import faster\nexcept ImportError:\n    pass\n", "missing", "faster"),
    "exists": ("import os\nos.path.exists('tests/none')\n", "absent", "tests/none"),
    "a link that leads nowhere": ("import os\nos.path.islink('tests/none')\n", "absent", "tests/none"),
    "a folder": ("import pathlib\npathlib.Path('none').is_dir()\n", "absent", "none"),
    "glob of one name": ("import glob\nglob.glob('tests/none')\n", "absent", "tests/none"),
    "makedirs": ("import os\nos.makedirs('none', exist_ok=True)\n", "absent", "none"),
    "open to write": ("open('tests/none', 'w').close()\n", "absent", "tests/none"),
    "rename": ("import os\nos.rename('tests/data.txt', 'tests/none')\n", "absent", "tests/none"),
}


@pytest.mark.parametrize("how", LOOKED_FOR)
def test_is_looked_for(how: str, project: Project) -> None:
    code, kind, wanted = LOOKED_FOR[how]
    assert wanted in seen(project, code).get(kind, set())


def test_other_programs_are_seen(project: Project) -> None:
    code = "import subprocess, sys, os\nsubprocess.run(['sh', '-c', 'cat tests/data.txt'])\nos.system('true')\n"
    code += (
        "subprocess.run([sys.executable, '-S', '-c', ''])\nsubprocess.run('uname')\nsubprocess.run(['env', 'true'])\n"
    )
    code += "subprocess.run([sys.executable, '-c', 'pass', '-S'])\n"
    code += "try:\n    subprocess.run('nowhere-to-be-found')\nexcept FileNotFoundError:\n    pass\n"
    assert seen(project, code)["program"] == {"python", "sh", "env"}


def test_what_is_made_is_the_runs_own(project: Project) -> None:
    code = "import os\nos.makedirs('output')\nopen('output/a', 'w').close()\nos.path.exists('output/b')\nos.listdir('output')\n"
    found = seen(project, code)
    assert found["absent"] == {"output"}
    assert "listed" not in found


def test_what_is_below_an_open_folder_is_not_taken_for_something_in_the_tree(project: Project) -> None:
    """Removing a folder opens what is in it by names relative to it."""
    code = "import os, pathlib, tempfile\nwith tempfile.TemporaryDirectory() as name:\n"
    code += "    for inside in ('one/two', 'three'):\n        pathlib.Path(name, inside).mkdir(parents=True)\n"
    code += "    pathlib.Path(name, 'one/a.txt').touch()\n    list(os.fwalk(name))\n"
    code += "    top = os.open(name, os.O_RDONLY)\n    os.rename('three', 'four', src_dir_fd=top, dst_dir_fd=top)\n"
    code += "    os.mkdir('five', dir_fd=top)\n    os.rmdir('five', dir_fd=top)\n"
    assert not seen(project, code).get("absent", set()) - {"src"}


def test_functions_that_are_wrapped_stay_what_they_were(project: Project) -> None:
    code = "import os, shutil\nassert shutil.rmtree.avoids_symlink_attacks\nassert os.stat in os.supports_follow_symlinks\n"
    code += "assert os.stat('data.txt', dir_fd=os.open('tests', os.O_RDONLY)).st_size == 0\nassert os.stat(0)\n"
    code += "assert os.access('tests', os.R_OK, effective_ids=True)\n"
    seen(project, code)


def test_a_process_that_may_not_write_files_is_traced(project: Project) -> None:
    code = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (1, 1))\nimport p.core\nopen('tests/data.txt').close()\n"
    assert {"src/p/core.py", "tests/data.txt"} <= seen(project, code)["seen"]


def test_a_process_that_closes_all_files_is_traced(project: Project) -> None:
    code = "import os\nos.closerange(3, 100)\nother = [open('/dev/null', 'w') for _ in range(9)]\nimport p.core\n"
    assert "src/p/core.py" in seen(project, code)["seen"]


def test_a_process_without_configuration_ends(environment: Path) -> None:
    shutil.rmtree(environment.parent / "top", ignore_errors=True)
    ended = subprocess.run([environment / "bin/python", "-c", "print(1)"], check=False, capture_output=True, text=True)
    place = environment.parent / "top/cloche-trace.json"
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"this Python belongs to a test environment of Cloche, and {place} cannot be read: "
        f"[Errno 2] No such file or directory: '{place}'\n"
    )


# --- what the guard refuses

OPTIONAL = "try:\n    from p.fast import double\nexcept ImportError:\n    from p.core import double\n"
SWALLOWED = "try:\n    from p.fast import double\nexcept BaseException:\n    from p.core import double\n"
USES = "\ndef test_it():\n    assert double(1) == 2\n"
LOOKED = 'looked for {0}; the line to add to its "needs" in cloche-tests.json:\n    "{0}",'
LISTED = 'listed {0}; the line to add to its "needs" in cloche-tests.json:\n    "{0}",'
IMPORTED = 'imported src/p/fast.*; the line to add to its "needs" in cloche-tests.json:\n    "src/p/fast.py",'
MISSING = 'imported {0}; the line to add to its "missing" in cloche-tests.json:\n    "{0}",'
LOADS = "from importlib.metadata import EntryPoint\n\ndef test_it():\n    try:\n"
LOADS += "        EntryPoint('fast', 'p.fast:double', 'p.plugins').load()\n    except ImportError:\n        pass\n"
CONTROLS = {
    "an optional accelerator": (OPTIONAL + USES, IMPORTED),
    "one whose error is swallowed": (SWALLOWED + USES, IMPORTED),
    "importorskip": (
        "import pytest\nfast = pytest.importorskip('p.fast')\n\ndef test_it():\n    assert fast\n",
        IMPORTED,
    ),
    "find_spec": ("from importlib.util import find_spec\n\ndef test_it():\n    find_spec('p.fast')\n", IMPORTED),
    "exists()": (
        "import os\n\ndef test_it():\n    if os.path.exists('tests/table.csv'):\n        assert 0\n",
        LOOKED.format("tests/table.csv"),
    ),
    "exists() in a child": (
        "from subprocess import run\nfrom sys import executable\n\ndef test_it():\n    run([executable, '-c', CODE])\n".replace(
            "CODE", "'import os; os.path.exists(\"tests/table.csv\")'"
        ),
        LOOKED.format("tests/table.csv"),
    ),
    "open() in a try": (
        "def test_it():\n    try:\n        open('tests/table.csv')\n    except OSError:\n        pass\n",
        LOOKED.format("tests/table.csv"),
    ),
    "makedirs(exist_ok)": (
        "import os\n\ndef test_it():\n    os.makedirs('cases', exist_ok=True)\n",
        LOOKED.format("cases"),
    ),
    "glob": ("import glob\n\ndef test_it():\n    assert not glob.glob('tests/*.csv')\n", LISTED.format("tests/")),
    "pkgutil": (
        "import pkgutil, p\n\ndef test_it():\n    assert [m.name for m in pkgutil.iter_modules(p.__path__)]\n",
        LISTED.format("src/p/"),
    ),
    "entry points": (
        LOADS,
        IMPORTED,
    ),
    "an optional third-party dependency": (
        "try:\n    import faster_arrays\nexcept ImportError:\n    pass\n\ndef test_it():\n    pass\n",
        MISSING.format("faster_arrays"),
    ),
    "another program": (
        "import subprocess\n\ndef test_it():\n    subprocess.run(['sh', '-c', 'true'])\n",
        'started sh; the line to add to its "programs" in cloche-tests.json:\n    "sh",',
    ),
}


RECORD = {
    "modules": {"src/p": "p"},
    "every": {"needs": ["pyproject.toml", "src/p/__init__.py"]},
    "files": {"tests/test_it.py": {"needs": ["src/p/core.py"]}},
}


@pytest.mark.parametrize("control", CONTROLS)
def test_a_probe_for_what_was_left_out_is_refused(control: str, project: Project) -> None:
    """The record is of an earlier version of the test, which did not look for it."""
    code, words = CONTROLS[control]
    project.write({"tests/test_it.py": code, "tests/table.csv": "1", "cases/a.txt": ""})
    with pytest.raises(SystemExit) as ended:
        project.record(closure_of(RECORD, "tests/test_it.py"), without={"src/p/fast.py", "tests/table.csv", "cases"})
    first = "closure incomplete: tests looked for what cloche-tests.json does not say that they need. Run\n"
    assert str(ended.value).startswith(first)
    assert f"tests/test_it.py {words}" in str(ended.value)
    assert not (project.top / "out").exists()


def test_a_file_is_traced_and_recorded_with_what_it_needs(project: Project) -> None:
    """The first time around: what was looked for in vain may be looked for again."""
    other = "import os\n\ndef test_other():\n    assert not os.path.exists('tests/none')\n    open('tests/table.csv').close()\n"
    project.write({"tests/test_it.py": OPTIONAL + USES, "tests/test_other.py": other, "tests/table.csv": ""})
    (project.source / "src/p/fast.py").unlink()
    data = project.trace()
    assert data["modules"] == {"src/p": "p"}
    assert data["files"]["tests/test_it.py"]["absent"] == ["src/p/fast.*"]
    assert {"src/p/__init__.py", "src/p/core.py"} <= set(data["files"]["tests/test_it.py"]["needs"])
    assert data["files"]["tests/test_other.py"]["absent"] == ["tests/none"]
    assert "tests/table.csv" in data["files"]["tests/test_other.py"]["needs"]
    outcomes = project.record(closure_of(data, "tests/test_it.py"), without={"tests/test_other.py", "tests/table.csv"})
    assert {test: entry["outcome"] for test, entry in outcomes.items()} == {"tests.test_it::test_it": "passed"}


def test_what_a_build_works_on_is_no_module(tmp_path: Path) -> None:
    """A build may go on quietly without the source of an extension: MarkupSafe's does."""
    files = {
        "source/src/p/__init__.py": "",
        "source/src/p/fast.c": "int x;",
        "source/src/p/version.py": "v = None",
        "source/src/p/table.json": "{}",
        "source/docs/p/__init__.py": "",
        "source/one.py": "x = 1",
        "site/p/__init__.py": "",
        "site/p/fast.so": "binary",
        "site/p/version.py": "v = 1",
        "site/p/table.json": "{}",
        "site/one.py": "x = 1",
        "site/p-1.dist-info/METADATA": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    modules, build = trace_tests.modules_of(tmp_path / "site", tmp_path / "source")
    assert modules == {"one.py": "one.py", "src/p": "p"}
    assert build == ["src/p/fast.c", "src/p/version.py"]


def test_names_that_differ_from_run_to_run_are_declared(project: Project) -> None:
    code = "import os\n\ndef test_it():\n    open(f'run-{os.urandom(8).hex()}', 'w').close()\n"
    project.write({"tests/test_it.py": code})
    with pytest.raises(SystemExit, match="closure incomplete"):
        project.record(closure_of(RECORD, "tests/test_it.py"))
    project.scratch = ["run-*"]
    project.record(closure_of(RECORD, "tests/test_it.py"))


# --- the record


def trace_of(**files: dict[str, object]) -> dict[str, Any]:
    """Return a trace of these files."""
    kinds = ("seen", "listed", "absent", "missing", "program", "module", "path", "package")
    return {
        "version": 1,
        "modules": {"src/p": "p"},
        "build": [],
        "collection": {"arguments": "x"},
        "files": {
            f"tests/test_{name}.py": {"seconds": 1.0, **{kind: [] for kind in kinds}, **found}
            for name, found in files.items()
        },
        "names": [
            "README.md",
            "src/p/__init__.py",
            "src/p/core.py",
            "src/p/fast.py",
            "tests/test_a.py",
            "tests/test_b.py",
        ],
        "start-up": 0.432,
        "packages": {},
    }


def test_a_record_has_imports_that_were_not_run(project: Project) -> None:
    lazy = "def slow():\n    from p import fast\n    return fast\n"
    project.write(
        {"src/p/core.py": lazy, "tests/test_a.py": "", "tests/test_b.py": "def test_b():\n    import p.fast\n"}
    )
    for name in ("a", "b"):
        (project.source / "tests").mkdir(exist_ok=True)
        (project.source / f"tests/test_{name}.py").write_text((project.tree / f"tests/test_{name}.py").read_text())
    trace = trace_of(a={"seen": ["src/p/core.py", "tests/test_a.py"]}, b={"seen": ["tests/test_b.py"]})
    data = needs.make(trace, project.source, {})
    assert data["files"]["tests/test_a.py"]["needs"] == ["src/p/core.py"]
    assert "needs" not in data["files"]["tests/test_b.py"]
    assert data["every"] == {"needs": ["src/p/__init__.py", "src/p/fast.py"]}
    assert data["unused"] == ["README.md"]
    assert data["paths"] == ["src"]


def test_a_new_record_keeps_what_was_declared_and_durations_that_are_about_right(project: Project) -> None:
    former = {
        "modules": {},
        "start-up": 0.5,
        "every": {"declared": ["data/**"]},
        "files": {"tests/test_a.py": {"declared": ["*"], "seconds": 0.8}, "tests/test_b.py": {"seconds": 9}},
    }
    data = needs.make(trace_of(a={}, b={}), project.source, former)
    assert data["modules"] == {}
    assert data["start-up"] == 0.5
    assert data["every"] == {"declared": ["data/**"]}
    assert data["files"] == {
        "tests/test_a.py": {"declared": ["*"], "seconds": 0.8},
        "tests/test_b.py": {"seconds": 0.6},
    }


def test_a_busy_machine_changes_no_duration(project: Project) -> None:
    """Everything takes six times as long there, but a pause."""
    trace = trace_of(a={"seconds": 1.432}, b={"seconds": 3.432}, c={"seconds": 2.432}, d={"seconds": 0.632})
    former = needs.make(trace, project.source, {})
    busy = json.loads(json.dumps(trace))
    busy["start-up"] *= 6
    for name, found in busy["files"].items():
        found["seconds"] = found["seconds"] * 6 if "test_c" not in name else busy["start-up"] + 2
    assert needs.make(busy, project.source, former) == former
    # The control: one test that alone became slower, and all of them without a former record.
    trace["files"]["tests/test_a.py"]["seconds"] = 9.432
    changed = needs.make(trace, project.source, former)
    assert changed["files"]["tests/test_a.py"]["seconds"] == 9.0
    del changed["files"]["tests/test_a.py"], former["files"]["tests/test_a.py"]
    assert changed == former
    assert needs.make(busy, project.source, {})["start-up"] == 3.0


def test_a_trace_of_another_version_is_refused(project: Project) -> None:
    with pytest.raises(ClocheError) as error:
        needs.make({"version": 2}, project.source, {})
    assert error.value.message == (
        "trace.json is no trace of tests (its version is 2, and this Cloche reads 1); "
        "the flake's Cloche must be of the same version as this one"
    )


def test_the_command_needs_a_project(tmp_path: Path) -> None:
    with pytest.raises(ClocheError) as error:
        closures_run.run(tmp_path, ".", print, compare=False)
    assert error.value.message == (
        f"{tmp_path} has no pyproject.toml; run this in the project's folder, or name it with --project"
    )


# --- the comparison, and the join


def outcomes(folder: Path, **kinds: str) -> str:
    """Write a record and return its folder."""
    (folder / "log").mkdir(parents=True)
    tests = [{"test": f"t::{name}", "outcome": kind, "message": f"why {kind}"} for name, kind in kinds.items()]
    (folder / "outcomes.json").write_text(json.dumps({"version": 1, "tests": tests}))
    cases = "".join(f'<testcase classname="t" name="{name}"/>' for name in kinds)
    (folder / "junit.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    (folder / "log/durations.json").write_text(json.dumps({f"t::{name}": 1.0 for name in kinds}))
    (folder / "log/pytest.log").write_text("words\n")
    return str(folder)


def test_differences_of_any_kind_are_told(tmp_path: Path) -> None:
    for folder, version in (("wheel", "1"), ("frame", "2")):
        site = tmp_path / folder / SITE
        for name, text in {
            "p-1.dist-info/METADATA": version,
            "p-1.dist-info/RECORD": version,
            "p/__init__.py": "",
        }.items():
            (site / name).parent.mkdir(parents=True, exist_ok=True)
            (site / name).write_text(text)
    (tmp_path / "wheel" / SITE / "p/core.py").write_text("")
    (tmp_path / "wheel" / SITE / "other.so").write_text("")
    attributes = {
        "outputs": {"out": str(tmp_path / "out")},
        "whole": outcomes(tmp_path / "whole", a="passed", b="skipped", c="passed"),
        "narrowed": outcomes(tmp_path / "narrowed", a="failed", b="skipped", d="passed"),
        "wheel": str(tmp_path / "wheel"),
        "frame": str(tmp_path / "frame"),
        "modules": {"src/p": "p"},
        "sitePackages": SITE,
    }
    data = json.loads((tmp_path / "narrowed/outcomes.json").read_text())
    data["tests"][1]["message"] = "another reason"
    (tmp_path / "narrowed/outcomes.json").write_text(json.dumps(data))
    with pytest.raises(SystemExit) as ended:
        compare.main(attributes)
    assert str(ended.value) == (
        "6 differences between the whole tree and the batches of cloche-tests.json:\n"
        "  t::a: passed in the whole tree, failed in its batch\n"
        "  t::b: skipped (why skipped) in the whole tree, skipped (another reason) in its batch\n"
        "  t::c: passed in the whole tree, not there in its batch\n"
        "  t::d: not there in the whole tree, passed in its batch\n"
        f"  {SITE}/other.so: not there in the wheel that is built without modules\n"
        f"  {SITE}/p-1.dist-info/METADATA: another one in the wheel that is built without modules\n"
        'What a test needs and the trace could not see goes into its "declared" in cloche-tests.json; "*" is everything.'
    )
    same = attributes | {"narrowed": attributes["whole"], "frame": None}
    compare.main(same)
    assert (tmp_path / "out").read_text() == "3 tests are the same in the whole tree and in batches\n"


def test_records_are_joined(tmp_path: Path) -> None:
    one, two = outcomes(tmp_path / "one", b="passed"), outcomes(tmp_path / "two", a="failed")
    attributes = {
        "outputs": {"out": str(tmp_path / "out"), "log": str(tmp_path / "log")},
        "results": {"one": one, "two": two},
        "logs": {"one": f"{one}/log", "two": f"{two}/log"},
        "packages": None,
    }
    join.main(attributes)
    data = json.loads((tmp_path / "out/outcomes.json").read_text())
    assert data["counts"] == {"failed": 1, "passed": 1}
    assert [entry["test"] for entry in data["tests"]] == ["t::a", "t::b"]
    assert (tmp_path / "out/junit.xml").read_text().count("<testcase") == 2
    assert json.loads((tmp_path / "log/durations.json").read_text()) == {"t::a": 1.0, "t::b": 1.0}
    assert (tmp_path / "log/pytest.log").read_text() == "==> one <==\nwords\n\n==> two <==\nwords\n\n"
    with pytest.raises(SystemExit, match="no batch recorded any test"):
        join.main(attributes | {"results": {}, "logs": {}})


# --- arguments that name files

NAMED = {"tests/test_a.py": "def test_a():\n    pass\n", "tests/test_b.py": "def test_b():\n    pass\n"}


@pytest.mark.parametrize(
    ("arguments", "of_a", "of_b", "of_the_rest"),
    [
        ([], ["test_a"], ["test_b"], ["test_c"]),
        (["tests"], ["test_a"], ["test_b"], ["test_c"]),
        (["tests/test_a.py"], ["test_a"], [], []),
        (["tests/test_b.py::test_b", "tests/test_c.py"], [], ["test_b"], ["test_c"]),
        (["--pyargs", "p"], [], [], []),
    ],
)
def test_files_that_the_arguments_name_are_recorded_in_their_batches(
    arguments: list[str], of_a: list[str], of_b: list[str], of_the_rest: list[str], project: Project
) -> None:
    """The record was made without these arguments."""
    project.write(NAMED)
    data = project.trace()
    project.write({"tests/test_c.py": "def test_c():\n    pass\n"})
    project.arguments = arguments
    none = {"tests/test_a.py", "tests/test_b.py", "tests/test_c.py"}
    recorded = [
        project.record(closure_of(data, file), none - {file}) for file in ("tests/test_a.py", "tests/test_b.py")
    ]
    recorded.append(project.record({"leave": list(NAMED)}))
    assert [[test.partition("::")[2] for test in each] for each in recorded] == [of_a, of_b, of_the_rest]


# --- coverage


def test_lines_that_tests_ran_become_the_map(project: Project, tmp_path: Path) -> None:
    """Each batch without the other's module; the map is the same as that of one recording."""
    project.write(
        {
            "tests/conftest.py": "import pytest\n\n\n@pytest.fixture(scope='session')\ndef two():\n    return 2\n",
            "tests/test_a.py": "from p.core import double\n\ndef test_a(two):\n    assert double(two) == 4\n",
            "tests/test_b.py": "def test_b(two, tmp_path):\n    from p.fast import double\n    assert double(two) == 4\n",
        }
    )
    install_contexts(project.environment)
    data = project.trace()
    without = {"tests/test_a.py": "src/p/fast.py", "tests/test_b.py": "src/p/core.py"}
    batches = {}
    for file, module in without.items():
        other = next(name for name in without if name != file)
        project.record(closure_of(data, file), {module, other}, coverage=True)
        batches[file[11:12]] = str(shutil.copytree(project.top / "out", tmp_path / f"batch-{file[11:12]}"))
        shutil.copytree(project.top / "log", tmp_path / f"batch-{file[11:12]}/log")
    joined = tmp_path / "joined"
    outputs = {"out": str(joined), "log": str(tmp_path / "joined-log")}
    logs = {name: f"{folder}/log" for name, folder in batches.items()}
    join.main({"outputs": outputs, "results": batches, "logs": logs, "packages": None})
    closure = {"modules": data["modules"]}
    project.record(closure, coverage=True)
    first = (project.top / "out/coverage.json").read_bytes()
    both, one = (json.loads(each) for each in ((joined / "coverage.json").read_text(), first))
    # That an import lists a folder is no test's reading, whichever test is the first in its process.
    assert both["files"] == one["files"] == {}
    assert both == one
    project.record(closure, coverage=True)
    assert (project.top / "out/coverage.json").read_bytes() == first
    whole = shutil.copytree(project.tree, tmp_path / "whole")
    shutil.copytree(project.source / "src", whole / "src")
    make_map.main(
        {
            "outputs": {"out": str(tmp_path / "map.json")},
            "results": str(joined),
            "source": str(whole),
            "environment": str(project.environment),
            "sitePackages": SITE,
        }
    )
    found = impact_map.load(tmp_path / "map.json")
    ran = {name: sorted(each.tests) for name, each in found.functions.items()}
    assert ran == {
        "src/p/core.py::double": ["tests/test_a.py::test_a"],
        "src/p/fast.py::double": ["tests/test_b.py::test_b"],
        "tests/conftest.py::two": ["tests/test_a.py::test_a", "tests/test_b.py::test_b"],
        "tests/test_a.py::test_a": ["tests/test_a.py::test_a"],
        "tests/test_b.py::test_b": ["tests/test_b.py::test_b"],
    }


def install_contexts(environment: Path) -> None:
    """Put what notes lines into an environment, beside the hooks."""
    package = environment / SITE / "_cloche_trace"
    first = (package / "__init__.py").read_text()
    carry("selection/impact/contexts.py", package)
    (package / "__init__.py").write_text(first)
