"""Tests that read sources as data see comments, too: a change of nothing else selects them, and no others."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Outcome
from test_impact import Checkout

FILES = {
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\naddopts = -p no:cacheprovider\n",
    ".gitignore": ".cloche/\n__pycache__/\n",
    "pkg/__init__.py": "",
    "pkg/sub/__init__.py": "",
    "pkg/shapes.py": "# Licence: MIT\n\n\ndef area():\n    # Of one.\n    return 1\n\n\ndef fails():\n    raise ValueError\n",
    "pkg/shown.py": """import inspect

SOURCES = {}


def show(f):
    SOURCES[f.__name__] = inspect.getsource(f)
    return f


@show
def first():
    # Shown.
    return 1


def warns():
    import warnings

    warnings.warn("soon")  # A note.
""",
    "pkg/lines.py": "from pathlib import Path\n\n# One\nFIRST = Path(__file__).read_text().splitlines()[2]\nOTHER = 1\n",
    "pkg/script.py": "# A script.\nRESULT = 4\n",
    "tests/test_read.py": """import doctest
import glob
import importlib.resources
import inspect
import linecache
import os
import pkgutil
import runpy
import tokenize
import traceback
from pathlib import Path

import pytest

from pkg import lines, shapes, shown

ROOT = Path(__file__).parent.parent


def test_getsource():
    assert "# Of one." in inspect.getsource(shapes.area)


def test_getsource_again():
    assert "# Of one." in inspect.getsource(shapes.area)


def test_header():
    assert open(shapes.__file__).readline() == "# Licence: MIT\\n"


def test_resource():
    assert importlib.resources.files("pkg").joinpath("shapes.py").read_text().startswith("# Licence: MIT")


def test_data():
    assert pkgutil.get_data("pkg", "shapes.py").startswith(b"# Licence: MIT")


def test_line():
    assert linecache.getline(shapes.__file__, 1) == "# Licence: MIT\\n"


def test_tokens():
    with tokenize.open(shapes.__file__) as file:
        assert next(tokenize.generate_tokens(file.readline)).string == "# Licence: MIT"


def test_descriptor():
    number = os.open(shapes.__file__, os.O_RDONLY)
    assert os.read(number, 14) == b"# Licence: MIT"
    os.close(number)


def test_glob():
    assert len(glob.glob(str(ROOT / "pkg/*.py"))) == 5


def test_tree():
    assert sum(path.suffix == ".py" for path in ROOT.joinpath("pkg").rglob("*")) == 6


def test_listed():
    number = os.open(ROOT / "pkg", os.O_RDONLY)
    assert sum(name.endswith(".py") for name in os.listdir(number)) == 5
    os.close(number)


def test_shown():
    assert "# Shown." in shown.SOURCES["first"]


def test_lines():
    assert lines.FIRST == "# One"


def test_other_line():
    assert lines.OTHER == 1


def test_script():
    assert runpy.run_path(str(ROOT / "pkg/script.py"))["RESULT"] == 4


def test_module():
    assert runpy.run_module("pkg.script")["RESULT"] == 4


def test_own():
    assert "test_own" in Path(__file__).read_text()


def test_area():
    assert shapes.area() == 1


def test_traceback():
    with pytest.raises(ValueError) as raised:
        shapes.fails()
    assert "ValueError" in "".join(traceback.format_exception(raised.value))


def test_doctest():
    assert doctest.testmod(shapes).failed == 0


def test_warning():
    with pytest.warns(UserWarning):
        shown.warns()
    shown.warns()
""",
}
READS = {"getsource", "getsource_again", "header", "resource", "data", "line", "tokens", "descriptor"}
# The last one may import a new module by a name that it computes.
LISTS = {"glob", "tree", "listed", "data"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project, in git and with its map."""
    folder = tmp_path_factory.mktemp("sources") / "project"
    for file, text in FILES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], [*who, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    words = [
        "pytest",
        "-q",
        "-p",
        "cloche.selection.impact.plugin",
        "--impact-map",
        str(folder / ".cloche/impact-map.json"),
    ]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("pkg/shapes.py", "# Licence: MIT", "# Licence: none", READS),
        ("pkg/shapes.py", "# Of one.", "# Of none.", READS),
        # In code, as ever: who ran it, too, and nobody for having shown a traceback.
        ("pkg/shapes.py", "return 1", "return 2", READS | {"area"}),
        # Read at import: who uses what was made of it.
        ("pkg/shown.py", "# Shown.", "# Hidden.", {"shown"}),
        ("pkg/lines.py", "# One", "# Two", {"lines"}),
        # Run as a script: its statements are no module's.
        ("pkg/script.py", "RESULT = 4", "RESULT = 5", {"script", "module"}),
        # A new file in a folder that was listed, or in a new one below.
        ("pkg/new.py", "", "x = 1\n", LISTS),
        ("pkg/new/deep.py", "", "x = 1\n", LISTS),
        ("pkg/sub/deep.py", "", "x = 1\n", {"tree", "data"}),
        # Nobody reads this one but itself.
        ("tests/test_read.py", "def test_area()", "# A note.\ndef test_area()", {"own"}),
        ("pkg/__init__.py", "", "# A package.\n", set[str]()),
    ],
)
def test_a_source_that_is_read_as_data(  # noqa: PLR0913, PLR0917 - an edit and what comes of it
    sources: Path, run: Callable[..., Outcome], file: str, old: str, new: str, expected: set[str]
) -> None:
    checkout = Checkout(sources, run)
    before = (sources / file).read_text() if (sources / file).exists() else None
    if old:
        checkout.replace(file, old, new)
    else:
        checkout.write(file, new)
    try:
        found = checkout.tests()
    finally:
        if before is None:
            (sources / file).unlink()
        else:
            checkout.write(file, before)
    assert found == {f"test_read.py::test_{name}" for name in expected}


def test_it_is_said_why(sources: Path, run: Callable[..., Outcome]) -> None:
    checkout = Checkout(sources, run)
    checkout.replace("pkg/shapes.py", "# Licence: MIT", "# Licence: none")
    try:
        outcome = checkout.select("--explain")
    finally:
        checkout.write("pkg/shapes.py", FILES["pkg/shapes.py"])
    why = "reads pkg/shapes.py; the text of pkg/shapes.py changed"
    assert f"tests/test_read.py::test_getsource_again: {why}\n" in outcome.err


def test_a_text_that_changed_since_the_recording(sources: Path, run: Callable[..., Outcome], tmp_path: Path) -> None:
    checkout = Checkout(tmp_path / "project", run)
    subprocess.run(["git", "clone", "-q", str(sources), str(checkout.folder)], check=True)
    checkout.replace("pkg/shapes.py", "# Licence: MIT", "# Licence: none")
    checkout.git("commit", "-qam", "second")
    target = str(sources / ".cloche/impact-map.json")
    assert checkout.tests("--base", "HEAD", "--map", target) == {f"test_read.py::test_{name}" for name in READS}


def test_a_source_that_is_read_between_tests_selects_everything(tmp_path: Path, run: Callable[..., Outcome]) -> None:
    folder = tmp_path / "project"
    files = {
        "pytest.ini": FILES["pytest.ini"],
        "pkg/__init__.py": "",
        "pkg/one.py": "# a\ndef one():\n    return 1\n",
        "tests/conftest.py": "from pathlib import Path\n\nROOT = Path(__file__).parent.parent\n\n\n"
        "def pytest_generate_tests(metafunc):\n    if 'line' in metafunc.fixturenames:\n"
        "        metafunc.parametrize('line', [ROOT.joinpath('pkg/one.py').read_text().splitlines()[0]])\n",
        "tests/test_one.py": "def test_line(line):\n    assert line == '# a'\n",
    }
    for file, text in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    checkout = Checkout(folder, run)
    checkout.git("init", "-q", "-b", "main")
    checkout.git("add", "-A")
    checkout.git("commit", "-qm", "first")
    assert checkout.select("--record", "--", "-q").code == 0
    checkout.replace("pkg/one.py", "# a", "# b")
    assert checkout.data()["everything"] == "the text of pkg/one.py changed, and it is read outside of tests"
