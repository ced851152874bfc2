"""Code that runs at import, in all the ways in which it reaches tests; each is a trap for a selection that goes by names.

One project is recorded once, with real pytest; each change is then selected for, and what a test that fails by it depends on
must be selected. What is cut has a test of its own, beside the trap where it must not be cut.
"""

import json
import subprocess
from pathlib import Path

import pytest

from cloche.selection.impact import verb
from cloche.selection.impact.effects import Effects
from cloche.selection.impact.folders import Folders, files_of
from cloche.selection.impact.source import parse
from cloche.selection.impact.uses import Project

SOURCES = {
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\naddopts = -p no:cacheprovider\n",
    "pkg/__init__.py": "from pkg.star import *\nfrom pkg.registry import KINDS, kind\n\n__version__ = '1'\n",
    "pkg/star.py": "__all__ = ['first']\n\n\ndef first():\n    return 1\n\n\ndef second():\n    return 2\n",
    "pkg/registry.py": """KINDS = {}
UNUSED = 7


def kind(name):
    def wrap(f):
        KINDS[name] = f
        return f

    return wrap


@kind("one")
def one():
    return 1
""",
    "pkg/classes.py": """import enum
from dataclasses import dataclass

MADE = []
NAMED = []


class Meta(type):
    def __new__(cls, name, bases, space):
        MADE.append(name)
        return super().__new__(cls, name, bases, space)


class Base:
    def __init_subclass__(cls, tag="none", **words):
        NAMED.append(tag)


class Built(metaclass=Meta):
    pass


class Derived(Base, tag="derived"):
    pass


@dataclass
class Point:
    x: int = 1
    y: int = 2


class Colour(enum.Enum):
    RED = 1
    BLUE = 2
""",
    "pkg/dispatch.py": """from functools import singledispatch


@singledispatch
def area(shape):
    return 0


@area.register(int)
def _(shape):
    return shape * shape
""",
    "pkg/lazy.py": """NAMES = {"far": 3}


def __getattr__(name):
    if name in NAMES:
        return NAMES[name]
    raise AttributeError(name)
""",
    "pkg/base.py": "def answer():\n    return 1\n\n\nLIST = []\n",
    "pkg/patch.py": """from pkg import base

base.answer = lambda: 2
base.LIST.append("patched")
""",
    "pkg/dynamic.py": """import sys

this = sys.modules[__name__]
WORDS = ["alpha", "beta"]


def make(word):
    return lambda: word


for word in WORDS:
    setattr(this, word, make(word))
setattr(this, "float", make("own"))


def number():
    return float()


def put(value):
    own = sys.modules[__name__]
    setattr(own, "gamma", value)


put(3)
exec("delta = 4")
exec("epsilon = 5", globals())
""",
    "pkg/evaluated.py": "LIMIT = 3\nOTHER = 4\nCHECK = eval('lambda x: x < LIMIT')\n",
    "pkg/higher.py": """SEEN = []


def take(name):
    SEEN.append(name)


list(map(take, ["a", "b"]))
""",
    "pkg/given.py": """TABLE = [1]


def extend(table, value):
    table.append(value)
    return len(table)


SIZE = extend(TABLE, 3)
""",
    "pkg/data.py": """from pathlib import Path

WORDS = Path(__file__).with_name("words.txt").read_text().split()
OTHER = 5
""",
    "pkg/words.txt": "a b\n",
    "pkg/outer.py": """import signal

stop = signal.signal


def quiet(number, frame):
    pass


stop(signal.SIGUSR1, quiet)
""",
    "pkg/plugin.py": "def run():\n    return 'ran'\n",
    "pkg/finder.py": """import importlib


def find(name):
    module, _, entry = name.partition(":")
    return getattr(importlib.import_module(module), entry)
""",
    "pkg/work.py": "NUMBER = 1\n\n\ndef square(x):\n    return x * x\n\n\ndef never(x):\n    return x\n",
    "tests/conftest.py": """import pytest

from pkg.given import SIZE


@pytest.fixture(scope="session")
def size():
    return SIZE
""",
    "tests/test_all.py": """import importlib
import os
import signal
import sys

import pkg
from pkg import base, classes, data, dispatch, dynamic, evaluated, finder, given, higher, lazy, outer, patch, work
from pkg.registry import KINDS

MADE = getattr(work, "NUM" + "BER")


def ask(name):
    return getattr(work, name)


AGAIN = ask("NUMBER")


def test_made():
    assert MADE == 1


def test_again():
    assert AGAIN == 1


def test_star():
    assert pkg.first() == 1
    assert not hasattr(pkg, "second")


def test_version():
    assert pkg.__version__ == "1"


def test_kinds():
    assert list(KINDS) == ["one"]


def test_meta():
    assert classes.MADE == ["Built"]


def test_named():
    assert classes.NAMED == ["derived"]


def test_point():
    assert repr(classes.Point()) == "Point(x=1, y=2)"


def test_colour():
    assert [each.name for each in classes.Colour] == ["RED", "BLUE"]


def test_area_of_int():
    assert dispatch.area(3) == 9


def test_area_of_text():
    assert dispatch.area("x") == 0


def test_lazy():
    assert lazy.far == 3


def test_no_lazy():
    assert not hasattr(lazy, "near")


def test_answer():
    assert base.answer() == 2


def test_list():
    assert base.LIST == ["patched"]


def test_alpha():
    assert getattr(dynamic, "al" + "pha")() == "alpha"


def test_number():
    assert dynamic.number() == "own"


def test_gamma():
    assert dynamic.gamma == 3


def test_delta():
    assert dynamic.delta == 4


def test_epsilon():
    assert dynamic.epsilon == 5


def test_check():
    assert evaluated.CHECK(2)


def test_other():
    assert evaluated.OTHER == 4


def test_later():
    assert eval("OTHER + 1", vars(evaluated)) == 5


def test_seen():
    assert higher.SEEN == ["a", "b"]


def test_table():
    assert given.TABLE == [1, 3]


def test_size(size):
    assert size == 2


def test_words():
    assert data.WORDS == ["a", "b"]


def test_data():
    assert data.OTHER == 5


def test_signal():
    assert signal.getsignal(signal.SIGUSR1) is outer.quiet


def test_plugin():
    assert finder.find("pkg.plugin:run")() == "ran"


def test_every_name():
    assert sorted(name for name in vars(importlib.import_module("pkg.work")) if name[0] != "_") == ["NUMBER", "never", "square"]


def test_fork():
    number = os.fork()
    if number == 0:
        os._exit(work.square(2))
    assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 4


def test_killed_fork():
    read, write = os.pipe()
    number = os.fork()
    if number == 0:
        os.write(write, bytes([work.square(3)]))
        signal.pause()
    assert os.read(read, 1) == bytes([9])
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
""",
}


@pytest.fixture(scope="session")
def nasty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project with its map in map.json beside it."""
    folder = tmp_path_factory.mktemp("nasty") / "project"
    for file, text in SOURCES.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    words = ["pytest", "-q", "-p", "cloche.selection.impact.plugin", "--impact-map", str(folder.parent / "map.json")]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder


def selected(folder: Path, file: str, old: str, new: str, name: str = "map.json") -> set[str]:
    """Return the names of the tests that are selected for a change; it must not be everything."""
    before = files_of(folder)
    text = before[file].decode()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
    after = {**before, file: text.replace(old, new).encode()}
    request = verb.Request(folder, "base", "head", folder.parent / name)
    answer = verb.answer(request, print, Folders(before, after))
    assert answer.selection.everything is None
    return {test.removeprefix("tests/test_all.py::test_") for test in answer.selection.reasons}


@pytest.mark.parametrize(
    ("file", "old", "new", "failing"),
    [
        ("pkg/star.py", "['first']", "['first', 'second']", {"star"}),
        ("pkg/__init__.py", "'1'", "'2'", {"version"}),
        ("pkg/registry.py", '@kind("one")', '@kind("two")', {"kinds"}),
        ("pkg/registry.py", "KINDS[name] = f", "KINDS[name * 2] = f", {"kinds"}),
        ("pkg/registry.py", '@kind("one")\n', "", {"kinds"}),
        # What is no longer done at import.
        ("pkg/registry.py", "KINDS[name] = f", "pass", {"kinds"}),
        ("pkg/classes.py", "MADE.append(name)", "pass", {"meta"}),
        ("pkg/classes.py", "NAMED.append(tag)", "pass", {"named"}),
        ("pkg/classes.py", "MADE.append(name)", "MADE.append(2 * name)", {"meta"}),
        ("pkg/classes.py", "class Built(metaclass=Meta)", "class Built", {"meta"}),
        ("pkg/classes.py", 'tag="derived"', 'tag="other"', {"named"}),
        ("pkg/classes.py", "NAMED.append(tag)", "NAMED.append(tag * 2)", {"named"}),
        ("pkg/classes.py", "x: int = 1\n    y: int = 2", "y: int = 2\n    x: int = 1", {"point"}),
        ("pkg/classes.py", "RED = 1", "RED = 2", {"colour"}),
        ("pkg/dispatch.py", "register(int)", "register(float)", {"area_of_int"}),
        # Only the default ran for this one.
        ("pkg/dispatch.py", "register(int)", "register(str)", {"area_of_int", "area_of_text"}),
        ("pkg/lazy.py", '"far": 3', '"far": 4', {"lazy"}),
        ("pkg/lazy.py", '{"far": 3}', '{"far": 3, "near": 4}', {"no_lazy"}),
        ("pkg/lazy.py", "name in NAMES:", "name not in NAMES:", {"lazy", "no_lazy"}),
        ("pkg/patch.py", "lambda: 2", "lambda: 3", {"answer"}),
        ("pkg/patch.py", "base.answer =", "base.reply =", {"answer"}),
        ("pkg/patch.py", '.append("patched")', '.append("other")', {"list"}),
        ("pkg/dynamic.py", '"alpha"', '"gamma"', {"alpha"}),
        ("pkg/dynamic.py", "lambda: word", "lambda: word * 2", {"alpha"}),
        ("pkg/dynamic.py", "setattr(this, word, make(word))", "pass", {"alpha"}),
        # In the place of one of Python's own names.
        ("pkg/dynamic.py", 'make("own")', 'make("other")', {"number"}),
        ("pkg/dynamic.py", "put(3)", "put(4)", {"gamma"}),
        ("pkg/dynamic.py", 'own, "gamma", value', 'own, "gamma", -value', {"gamma"}),
        ("pkg/dynamic.py", "delta = 4", "delta = 5", {"delta"}),
        ("pkg/dynamic.py", "epsilon = 5", "epsilon = 6", {"epsilon"}),
        ("pkg/evaluated.py", "LIMIT = 3", "LIMIT = 1", {"check"}),
        ("pkg/evaluated.py", "OTHER = 4", "OTHER = 5", {"other", "later"}),
        ("pkg/higher.py", "SEEN.append(name)", "SEEN.append(name * 2)", {"seen"}),
        ("pkg/higher.py", '["a", "b"]', '["a"]', {"seen"}),
        ("pkg/given.py", "TABLE, 3", "TABLE, 4", {"table"}),
        ("pkg/given.py", "table.append(value)", "table.append(-value)", {"table"}),
        ("pkg/given.py", "len(table)", "len(table) + 1", {"size"}),
        ("pkg/words.txt", "a b", "a c", {"words"}),
        # What a variable holds that comes from another package may do anything.
        ("pkg/outer.py", "SIGUSR1", "SIGUSR2", {"signal"}),
        ("pkg/plugin.py", "'ran'", "'walked'", {"plugin"}),
        ("pkg/plugin.py", "def run()", "def walk()", {"plugin"}),
        ("pkg/work.py", "def never", "def always", {"every_name"}),
        ("pkg/work.py", "x * x", "x + x", {"fork", "killed_fork"}),
        ("pkg/work.py", "NUMBER = 1", "NUMBER = 2", {"made", "again"}),
    ],
)
def test_a_change_at_import_reaches_what_fails(nasty: Path, file: str, old: str, new: str, failing: set[str]) -> None:
    assert failing <= selected(nasty, file, old, new)


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        # A name is followed to those that asked for it, and not to what looks up other names by computing them.
        ("pkg/__init__.py", "'1'", "'2'", {"version"}),
        ("pkg/plugin.py", "'ran'", "'walked'", {"plugin"}),
        ("pkg/lazy.py", '"far": 3', '"far": 4', {"lazy", "no_lazy"}),
        ("pkg/evaluated.py", "LIMIT = 3", "LIMIT = 1", {"check", "later"}),
        # A file that is read at import is followed to what was made of it.
        ("pkg/words.txt", "a b", "a c", {"words"}),
        # Forked processes are seen, also those that are killed, so that what they do not run does not select them.
        ("pkg/work.py", "return x\n", "return -x\n", set()),
    ],
)
def test_what_a_change_at_import_does_not_reach(nasty: Path, file: str, old: str, new: str, expected: set[str]) -> None:
    assert selected(nasty, file, old, new) == expected


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("import pytest\n\n\n@pytest.fixture\ndef f():\n    pass\n", False),
        ("from pytest import mark as m\n\n\n@m.skipif(True, reason='x')\ndef f():\n    pass\n", False),
        ("import functools\n\n\n@functools.cache\ndef f():\n    pass\n", False),
        # The same names of other packages may do anything.
        ("import django\n\n\n@django.fixture\ndef f():\n    pass\n", True),
        ("from other import settings\n\n\n@settings(1)\ndef f():\n    pass\n", True),
        ("from other import cache as fixture\n\n\n@fixture\ndef f():\n    pass\n", True),
        ("from pytest import register_assert_rewrite\n\nregister_assert_rewrite('x')\n", True),
    ],
)
def test_only_the_wrappers_of_known_packages_are_harmless(*, text: str, unknown: bool) -> None:
    project = Project({"m.py": parse(text)})
    effects = Effects(project)
    assert any(effects.of(code).unknown for code in project.statements["m.py"]) is unknown


def test_what_test_modules_ask_for_where_they_are_not_heard(nasty: Path) -> None:
    """A map of recorded derivations: pytest imports test modules itself there, so that nobody says which statement runs."""
    data = json.loads((nasty.parent / "map.json").read_text())
    own = {number for number, (file, _) in enumerate(data["statements"]) if file.startswith("tests/")}
    assert own

    def unheard(each: object) -> object:
        if isinstance(each, dict):
            return {
                name: sorted({-1 if number in own else number for number in value})
                if name == "import" and isinstance(value, list)
                else unheard(value)
                for name, value in each.items()
            }
        return [unheard(value) for value in each] if isinstance(each, list) else each

    data["unwatched"] += ["tests/test_all.py", "tests/conftest.py"]
    for function in data["functions"].values():
        for step in function["steps"]:
            step[2] = step[2] and sorted({-1 if number in own else number for number in step[2]})
    (nasty.parent / "unheard.json").write_text(json.dumps(unheard(data)))
    assert {"made", "again"} <= selected(nasty, "pkg/work.py", "NUMBER = 1", "NUMBER = 2", "unheard.json")
    assert "words" in selected(nasty, "pkg/data.py", "words.txt", "other.txt", "unheard.json")
