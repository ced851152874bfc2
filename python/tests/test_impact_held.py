"""Who holds an object sees what is in it: registries, factories, hooks, annotations; each way is a project of its own.

All are recorded in one run. For each an edit is made in a real checkout: the tests that really fail by it must be selected, and
none of the other ways' tests.
"""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conftest import Outcome
from test_impact import Checkout


@dataclass(frozen=True)
class Way:
    """A way to hold an object: the text of a module, what tests do with it, and an edit."""

    text: str
    tests: dict[str, str]
    old: str
    new: str
    # Other modules, and the one that is edited.
    more: dict[str, str] = field(default_factory=dict)
    edited: str = ""
    # Names of the module's tests that a change does not reach, and that must be left out.
    apart: frozenset[str] = frozenset()


DECORATOR = """KINDS = {}


def kind(cls):
    KINDS[cls.__name__] = cls
    return cls


@kind
class Square:
    sides = 4

    def name(self):
        return "square"


class Other:
    sides = 0
"""
PLAIN = "class Other:\n    sides = 0\n\n\n"
SIDES = {"held": "assert m.KINDS['Square'].sides == 4", "other": "assert m.Other.sides == 0"}
ADDED = {"held": "assert not hasattr(m.KINDS['Square'], 'area')", "other": "assert m.Other.sides == 0"}
APART = frozenset({"other"})

WAYS: dict[str, Way] = {
    "decorator": Way(DECORATOR, SIDES, "sides = 4", "sides = 5", apart=APART),
    "new_method": Way(
        DECORATOR, ADDED, "    def name", "    def area(self):\n        return 1\n\n    def name", apart=APART
    ),
    "new_attribute": Way(DECORATOR, ADDED, "sides = 4", "sides = 4\n    area = 1", apart=APART),
    "default": Way(
        DECORATOR.replace("name(self)", "name(self, x=1)"),
        {"held": "assert m.KINDS['Square'].name.__defaults__ == (1,)", "other": "assert m.Other.sides == 0"},
        "x=1",
        "x=2",
        apart=APART,
    ),
    "called_decorator": Way(
        PLAIN + "KINDS = {}\n\n\ndef kind(name):\n    def wrap(cls):\n        KINDS[name] = cls\n        return cls\n\n"
        "    return wrap\n\n\n@kind('Square')\nclass Square:\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "init_subclass": Way(
        PLAIN + "KINDS = {}\n\n\nclass Base:\n    def __init_subclass__(cls):\n        KINDS[cls.__name__] = cls\n\n\n"
        "class Square(Base):\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "metaclass": Way(
        PLAIN + "KINDS = {}\n\n\nclass Meta(type):\n    def __new__(cls, name, bases, space):\n"
        "        KINDS[name] = made = super().__new__(cls, name, bases, space)\n        return made\n\n\n"
        "class Square(metaclass=Meta):\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "inherited_metaclass": Way(
        PLAIN + "KINDS = {}\n\n\nclass Meta(type):\n    def __init__(cls, name, bases, space):\n"
        "        KINDS[name] = cls\n\n\nclass Model(metaclass=Meta):\n    pass\n\n\nclass Square(Model):\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "base_of_registered": Way(
        PLAIN + "KINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\n"
        "class Shape:\n    sides = 4\n\n\n@kind\nclass Square(Shape):\n    pass\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "other_module": Way(
        PLAIN + "from pkg.other_module_base import KINDS\nfrom pkg import other_module_shapes\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        {
            "other_module_base": "KINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n",
            "other_module_shapes": "from pkg.other_module_base import kind\n\n\n@kind\nclass Square:\n    sides = 4\n",
        },
        "other_module_shapes",
        apart=APART,
    ),
    "instances": Way(
        PLAIN
        + "PLUGINS = []\n\n\nclass Plugin:\n    level = 1\n\n    def __init__(self):\n        PLUGINS.append(self)\n\n\nPlugin()\n",
        {"held": "assert [each.level for each in m.PLUGINS] == [1]", "other": "assert m.Other.sides == 0"},
        "level = 1",
        "level = 2",
        apart=APART,
    ),
    "table": Way(
        PLAIN + "class Square:\n    sides = 4\n\n\nKINDS = {'Square': Square}\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "entry_points": Way(
        PLAIN
        + "from importlib import import_module\n\nTABLE = {'Square': 'pkg.entry_points:Square'}\n\n\nclass Square:\n"
        "    sides = 4\n\n\ndef load(name):\n    module, _, attribute = TABLE[name].partition(':')\n"
        "    return getattr(import_module(module), attribute)\n",
        {"held": "assert m.load('Square').sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "functions": Way(
        PLAIN
        + "TABLE = {}\n\n\ndef add(f):\n    TABLE[f.__name__] = f\n    return f\n\n\n@add\ndef area(x=1):\n    return x\n",
        {"held": "assert m.TABLE['area'].__defaults__ == (1,)", "other": "assert m.Other.sides == 0"},
        "x=1",
        "x=2",
        apart=APART,
    ),
    "attribute_of_function": Way(
        PLAIN
        + "TABLE = {}\n\n\ndef add(f):\n    TABLE[f.__name__] = f\n    return f\n\n\n@add\ndef area(x):\n    return x\n\n\n"
        "area.unit = 'm'\n",
        {"held": "assert m.TABLE['area'].unit == 'm'", "other": "assert m.Other.sides == 0"},
        "'m'",
        "'km'",
        apart=APART,
    ),
    "subclasses": Way(
        PLAIN + "class Shape:\n    pass\n\n\nclass Square(Shape):\n    sides = 4\n\n\ndef kinds():\n"
        "    return {each.__name__: each for each in Shape.__subclasses__()}\n",
        {"held": "assert m.kinds()['Square'].sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "set_name": Way(
        PLAIN
        + "OWNERS = []\n\n\nclass Field:\n    def __set_name__(self, owner, name):\n        OWNERS.append(owner)\n\n\n"
        "class Square:\n    field = Field()\n    sides = 4\n",
        {"held": "assert m.OWNERS[0].sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "descriptor": Way(
        PLAIN
        + "class Field:\n    def __init__(self, value):\n        self.value = value\n\n    def __get__(self, this, owner):\n"
        "        return self.value\n\n\nclass Square:\n    sides = Field(4)\n\n\nMADE = Square()\n",
        {"held": "assert m.MADE.sides == 4", "other": "assert m.Other.sides == 0"},
        "Field(4)",
        "Field(5)",
        apart=APART,
    ),
    "class_factory": Way(
        PLAIN + "KINDS = {}\n\n\ndef make(name, sides):\n    KINDS[name] = type(name, (), {'sides': sides})\n\n\n"
        "make('Square', 4)\n",
        SIDES,
        "'Square', 4",
        "'Square', 5",
        apart=APART,
    ),
    "class_in_function": Way(
        PLAIN
        + "KINDS = {}\n\n\ndef make(name):\n    class Made:\n        sides = 4\n\n    KINDS[name] = Made\n\n\nmake('Square')\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "dataclass_transform": Way(
        PLAIN + "from typing import dataclass_transform\n\nKINDS = {}\n\n\n@dataclass_transform()\nclass Model:\n"
        "    def __init_subclass__(cls):\n        KINDS[cls.__name__] = cls\n\n\nclass Square(Model):\n    sides: int = 4\n",
        SIDES,
        "sides: int = 4",
        "sides: int = 5",
        apart=APART,
    ),
    "singledispatch": Way(
        PLAIN
        + "from functools import singledispatch\n\n\nclass Square:\n    sides = 4\n\n\n@singledispatch\ndef sides(shape):\n"
        "    return 0\n\n\n@sides.register(Square)\ndef _(shape, default=4):\n    return default\n",
        {
            "held": "assert m.sides(m.Square()) == 4",
            "registered": "assert m.sides.registry[m.Square].__defaults__ == (4,)",
        },
        "default=4",
        "default=5",
    ),
    "enum": Way(
        PLAIN
        + "import enum\n\nKINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\n@kind\n"
        "class Colour(enum.Enum):\n    RED = 4\n",
        {"held": "assert m.KINDS['Colour']['RED'].value == 4", "other": "assert m.Other.sides == 0"},
        "RED = 4",
        "RED = 5",
        apart=APART,
    ),
    "abc_register": Way(
        PLAIN
        + "import abc\n\n\nclass Shape(abc.ABC):\n    pass\n\n\n@Shape.register\nclass Square:\n    sides = 4\n\n\nKINDS = [Square]\n",
        {"held": "assert m.KINDS[0].sides == 4", "virtual": "assert issubclass(m.KINDS[0], m.Shape)"},
        "@Shape.register\n",
        "",
    ),
    "protocol": Way(
        PLAIN + "from typing import Protocol, runtime_checkable\n\n\n@runtime_checkable\nclass Sized(Protocol):\n"
        "    def size(self): ...\n\n\nclass Square:\n    def size(self):\n        return 4\n\n\nKINDS = [Square()]\n",
        {"held": "assert isinstance(m.KINDS[0], m.Sized)", "other": "assert m.Other.sides == 0"},
        "class Square:\n    def size",
        "class Square:\n    def length",
        apart=APART,
    ),
    "module_getattr": Way(
        PLAIN
        + "class Square:\n    sides = 4\n\n\ndef __getattr__(name):\n    if name == 'Alias':\n        return Square\n"
        "    raise AttributeError(name)\n",
        {"held": "assert m.Alias.sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "star": Way(
        PLAIN + "from pkg.star_base import *\n\nHELD = [Square]\n",
        {"held": "assert m.HELD[0].sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        {"star_base": "class Square:\n    sides = 4\n"},
        "star_base",
        apart=APART,
    ),
    "type_hints": Way(
        PLAIN + "import typing\n\n\nclass Square:\n    sides = 4\n\n\ndef area(shape: Square):\n    return 1\n",
        {
            "held": "assert m.typing.get_type_hints(m.area)['shape'].sides == 4",
            "raw": "assert m.area.__annotations__['shape'].sides == 4",
            "other": "assert m.Other.sides == 0",
        },
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "string_hints": Way(
        PLAIN + "from __future__ import annotations\nimport typing\n\n\nclass Hinted:\n    sides = 4\n\n\n"
        "def area(shape: Hinted):\n    return 1\n",
        {"held": "assert m.typing.get_type_hints(m.area)['shape'].sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "pickle": Way(
        PLAIN + "class Square:\n    sides = 4\n",
        {
            "held": "import pickle; assert pickle.loads(b'cpkg.pickle\\nSquare\\n.').sides == 4",
            "other": "assert m.Other.sides == 0",
        },
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "reload": Way(
        PLAIN + "import os\n\nMODE = 4 if os.environ.get('WAY') else 1\n",
        {
            "held": "import importlib, os; os.environ['WAY'] = '1'; importlib.reload(m); assert m.MODE == 4",
            "other": "assert m.Other.sides == 0",
        },
        "MODE = 4",
        "MODE = 5",
        apart=APART,
    ),
    "nested_class": Way(
        PLAIN
        + "KINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\nclass Outer:\n    @kind\n"
        "    class Square:\n        sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "constant_in_class": Way(
        PLAIN + "KINDS = {}\nSIDES = 4\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\n@kind\n"
        "class Square:\n    sides = SIDES\n",
        SIDES,
        "SIDES = 4",
        "SIDES = 5",
        apart=APART,
    ),
    "set_attribute": Way(
        DECORATOR + "\n\nSquare.sides = 4\n", SIDES, "Square.sides = 4", "Square.sides = 5", apart=APART
    ),
    "decorated_method": Way(
        PLAIN
        + "TABLE = {}\n\n\ndef route(path):\n    def wrap(f):\n        TABLE[path] = f\n        return f\n\n    return wrap\n\n\n"
        "class Views:\n    @route('/')\n    def home(self, x=1):\n        return x\n",
        {"held": "assert m.TABLE['/'].__defaults__ == (1,)", "other": "assert m.Other.sides == 0"},
        "x=1",
        "x=2",
        apart=APART,
    ),
    "parametrised": Way(
        PLAIN + "class Square:\n    sides = 4\n\n\nALL = [Square]\n",
        {"held": "for cls in CASES: assert cls.sides == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        {"../tests/cases_parametrised": "from pkg.parametrised import ALL\n\nCASES = [each for each in ALL]\n"},
        apart=APART,
    ),
    "fixture": Way(
        PLAIN
        + "KINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\n@kind\nclass Square:\n    sides = 4\n",
        {"held": "assert SIDES_OF() == 4", "other": "assert m.Other.sides == 0"},
        "sides = 4",
        "sides = 5",
        {
            "../tests/cases_fixture": "from pkg.fixture import KINDS\n\n\ndef SIDES_OF():\n    return KINDS['Square'].sides\n"
        },
        apart=APART,
    ),
    "lazy_import": Way(
        PLAIN + "def kinds():\n    from pkg.lazy_import_base import KINDS\n\n    return KINDS\n",
        {
            "held": "assert m.kinds()['Square'].sides == 4",
            "again": "assert m.kinds()['Square'].sides == 4",
            "other": "assert m.Other.sides == 0",
        },
        "sides = 4",
        "sides = 5",
        {
            "lazy_import_base": "KINDS = {}\n\n\ndef kind(cls):\n    KINDS[cls.__name__] = cls\n    return cls\n\n\n@kind\nclass Square:\n    sides = 4\n"
        },
        "lazy_import_base",
        apart=APART,
    ),
    "named_tuple": Way(
        PLAIN
        + "from typing import NamedTuple\n\n\nclass Square(NamedTuple):\n    sides: int = 4\n\n\nKINDS = {'Square': Square()}\n",
        SIDES,
        "sides: int = 4",
        "sides: int = 5",
        apart=APART,
    ),
    "weak_registry": Way(
        PLAIN
        + "import weakref\n\nKINDS = weakref.WeakValueDictionary()\n\n\ndef kind(cls):\n    KINDS.setdefault(cls.__name__, cls)\n"
        "    return cls\n\n\n@kind\nclass Square:\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "registry_object": Way(
        PLAIN + "class Registry:\n    def __init__(self):\n        self.all = {}\n\n    def add(self, cls):\n"
        "        self.all[cls.__name__] = cls\n        return cls\n\n    def __getitem__(self, name):\n        return self.all[name]\n\n\n"
        "KINDS = Registry()\n\n\n@KINDS.add\nclass Square:\n    sides = 4\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "class_registry": Way(
        PLAIN
        + "class Registry:\n    ALL = {}\n\n    @classmethod\n    def add(cls, other):\n        cls.ALL[other.__name__] = other\n"
        "        return other\n\n\n@Registry.add\nclass Square:\n    sides = 4\n\n\nKINDS = Registry.ALL\n",
        SIDES,
        "sides = 4",
        "sides = 5",
        apart=APART,
    ),
    "lru_cache": Way(
        PLAIN + "import functools\n\n\n@functools.lru_cache(maxsize=None)\ndef count():\n    return 4\n\n\n"
        "def twice():\n    return 2 * count()\n",
        {
            "held": "assert m.count() == 4",
            "held_again": "assert m.count() == 4",
            "held_twice": "assert m.twice() == 8",
            "other": "assert m.Other.sides == 0",
        },
        "return 4",
        "return 5",
        apart=APART,
    ),
    "cached_property": Way(
        PLAIN
        + "import functools\n\n\nclass Square:\n    @functools.cached_property\n    def sides(self):\n        return 4\n\n\n"
        "MADE = Square()\n",
        {
            "held": "assert m.MADE.sides == 4",
            "held_again": "assert m.MADE.sides == 4",
            "other": "assert m.Other.sides == 0",
        },
        "return 4",
        "return 5",
        apart=APART,
    ),
    "partial": Way(
        PLAIN + "import functools\n\nTABLE = {}\n\n\ndef area(x, y=1):\n    return x * y\n\n\n"
        "TABLE['area'] = functools.partial(area, 1)\n",
        {"held": "assert m.TABLE['area'].func.__defaults__ == (1,)", "other": "assert m.Other.sides == 0"},
        "y=1",
        "y=2",
        apart=APART,
    ),
}


def source_of(name: str, way: Way) -> str:
    """Return the tests of a way."""
    files = [file.rpartition("/")[2] for file in way.more if file.startswith("../tests/")]
    head = "".join(f"from {file} import *\n" for file in files)
    # The first one is what is taken to see whether the module can be imported at all.
    head += f"from pkg import {name} as m\n\n\ndef test_a():\n    assert m.__name__\n"
    return head + "".join(f"\n\ndef test_{test}():\n    {body}\n" for test, body in way.tests.items())


@dataclass(frozen=True)
class Held:
    """A project with a package of all ways, in git, with its map; and the tests that fail when all edits are made."""

    folder: Path
    failed: set[str]


def text_of(way: Way) -> str:
    """Return a way's module; what is imported from the future must come first."""
    line = "from __future__ import annotations\n"
    return (line if line in way.text else "") + way.text.replace(line, "")


@pytest.fixture(scope="session")
def held(tmp_path_factory: pytest.TempPathFactory) -> Held:
    """Return the project."""
    folder = tmp_path_factory.mktemp("held") / "project"
    (folder / "pkg").mkdir(parents=True)
    (folder / "tests").mkdir()
    (folder / "pkg/__init__.py").write_text("")
    (folder / "pytest.ini").write_text(
        "[pytest]\npythonpath = . tests\ntestpaths = tests\naddopts = -p no:cacheprovider\n"
    )
    (folder / ".gitignore").write_text(".cloche/\n__pycache__/\n")
    for name, way in WAYS.items():
        (folder / f"pkg/{name}.py").write_text(text_of(way))
        for file, content in way.more.items():
            (folder / f"pkg/{file}.py").resolve().write_text(content)
        (folder / f"tests/test_{name}.py").write_text(source_of(name, way))
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
    # What really fails: no way has to do with another one, so that all edits are made at once.
    edited = folder.with_name("edited")
    shutil.copytree(folder, edited)
    for name, way in WAYS.items():
        module = edited / f"pkg/{way.edited or name}.py"
        module.write_text(module.read_text().replace(way.old, way.new))
    done = subprocess.run(["pytest", "-q", "-rfE"], cwd=edited, capture_output=True, text=True, check=False)
    failed = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")}
    return Held(folder, {test.removeprefix("tests/") for test in failed})


@pytest.mark.parametrize("name", sorted(WAYS))
def test_who_holds_an_object_sees_what_is_in_it(held: Held, run: Callable[..., Outcome], name: str) -> None:
    way, checkout, own = WAYS[name], Checkout(held.folder, run), f"test_{name}.py::test_"
    file = f"pkg/{way.edited or name}.py"
    before = (held.folder / file).read_text()
    checkout.replace(file, way.old, way.new)
    try:
        found = checkout.tests()
    finally:
        checkout.write(file, before)
    failed = {test for test in held.failed if test.startswith(own)}
    assert failed, "an edit that no test sees shows nothing"
    assert failed <= found
    # The controls: what has to do with something else is left out.
    assert {test for test in found if not test.startswith(own)} == set()
    assert {f"{own}{test}" for test in way.apart} & found == set()
