"""What changed between two versions of a project, as functions, names, files and lock entries."""

import ast
import difflib
import fnmatch
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from cloche.errors import MISSHAPEN
from cloche.selection.impact.map import ImpactMap, Recorded, RecordedStep
from cloche.selection.impact.source import Function, Module, Step
from cloche.untrusted import strict_json, toml
from cloche.untrusted.limits import LOCK
from cloche.untrusted.toml import BadTomlError

CONFIGURATION = {"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg", "setup.py"}
# Tables of pyproject.toml that no test depends on.
OTHER_TOOLS = {"ruff", "mypy", "black", "isort", "pyright", "pylint", "flake8", "codespell"}
EXTENSIONS = {
    ".c",
    ".cc",
    ".cpp",
    ".cxx",
    ".h",
    ".hh",
    ".hpp",
    ".pyx",
    ".pxd",
    ".pxi",
    ".rs",
    ".f",
    ".f90",
    ".f95",
    ".cu",
}
# What runs the tests, with what it is made of (by the lock's edges).
RUNNER = ("pytest", "coverage", "hypothesis", "pluggy")


@dataclass(frozen=True)
class Change:
    """One thing that changed."""

    # "function" (its body), "added function", "removed function", "names" (statements outside of functions),
    # "added file", "removed file", "file", "source" (the text of a Python file, comments included), "conftest", "extension", "package", "everything"
    kind: str
    file: str
    # A function's qualified name, a package's name, or the reason for "everything".
    name: str = ""
    # The top-level names that a changed statement binds, or at whose objects it works.
    names: tuple[str, ...] = ()
    # The statements outside of functions that came and went with it.
    digests: frozenset[str] = frozenset()
    # For a function the digest of what it was, and which of the steps it had then run otherwise now; None for all.
    before: str = ""
    steps: tuple[int, ...] | None = None
    # Whether it changes objects that outlive the call, so that tests may depend on it that did not run what changed.
    shared: bool = False
    # Whether what it returned may have come from a cache, so that tests used it that did not run it.
    kept: bool = False
    # For __all__ the names that came or went, None when that cannot be seen.
    exported: tuple[str, ...] | None = None

    def sentence(self) -> str:
        """Say what changed."""
        return {
            "function": f"{self.name} in {self.file} changed",
            "added function": f"{self.name} in {self.file} is new",
            "removed function": f"{self.name} was removed from {self.file}",
            "names": f"{', '.join(self.names) or 'a statement'} in {self.file} changed outside of functions",
            "added file": f"{self.file} is new",
            "removed file": f"{self.file} was removed",
            "source": f"the text of {self.file} changed",
            "conftest": f"{self.file} changed",
            "extension": f"{self.file}, from which an extension module is compiled, changed",
            "package": f"{self.name} changed in {self.file}",
            "everything": self.name,
        }.get(self.kind, f"{self.file} changed")


@dataclass(frozen=True)
class Parts:
    """A Python file as far as comparing needs it."""

    functions: Mapping[str, Function | Recorded]
    statements: list[tuple[str, str, tuple[str, ...]]]
    # What __all__ lists, None when that cannot be seen.
    exports: frozenset[str] | None = None


def parts_of(module: Module) -> Parts:
    """Return the parts of a parsed file."""
    return Parts(
        module.functions, [(each.kind, each.digest, each.names) for each in module.statements], exports(module)
    )


def exports(module: Module) -> frozenset[str] | None:
    """Return what a module's __all__ lists when it is written out, None otherwise."""
    found: set[str] = set()
    for statement in module.statements:
        if "__all__" not in statement.names:
            continue
        value = getattr(statement.node, "value", None)
        if not isinstance(statement.node, ast.Assign | ast.AugAssign) or not isinstance(value, ast.List | ast.Tuple):
            return None
        for each in value.elts:
            if not isinstance(each, ast.Constant) or not isinstance(each.value, str):
                return None
            found.add(each.value)
    return frozenset(found)


def parts_known(known: ImpactMap, file: str) -> Parts | None:
    """Return the parts of a file as it was when the map was recorded."""
    if file not in known.statements:
        return None
    return Parts(known.functions_of(file), known.statements[file])


def changed_steps(old: Sequence[Step | RecordedStep], new: Sequence[Step | RecordedStep]) -> tuple[int, ...] | None:
    """Return the steps of an old version such that what runs none of them runs the same in the new one; None for all.

    A step that was replaced is reached when the old one was. Where steps were added, removed or moved, it is the one that they
    stand in that says what is reached.
    """
    matcher = difflib.SequenceMatcher(a=[each.digest for each in old], b=[each.digest for each in new], autojunk=False)
    found: set[int] = set()
    counterpart = {-1: -1}

    def holding(number: int) -> int:
        """Return the old step in which a new one stands."""
        parent = new[number].parent
        while parent not in counterpart:
            parent = new[parent].parent
        return counterpart[parent]

    for operation, a1, a2, b1, b2 in matcher.get_opcodes():
        if operation == "equal":
            counterpart |= dict(zip(range(b1, b2), range(a1, a2), strict=True))
        elif a2 - a1 == b2 - b1 == 1 and counterpart.get(new[b1].parent) == old[a1].parent:
            counterpart[b1] = a1
            found.add(a1)
        else:
            found |= {old[number].parent for number in range(a1, a2)} | {holding(number) for number in range(b1, b2)}
    for number, former in counterpart.items():
        # A step that stands in another one than before.
        if number >= 0 and holding(number) != old[former].parent:
            found |= {holding(number), old[former].parent}
    return None if -1 in found else tuple(sorted(found))


def compare(file: str, old: Parts, new: Parts) -> list[Change]:
    """Return what changed in one Python file."""
    found = []
    for name in sorted({*old.functions, *new.functions}):
        if name not in old.functions:
            found.append(Change("added function", file, name))
        elif name not in new.functions:
            found.append(Change("removed function", file, name))
        elif old.functions[name].digest != new.functions[name].digest:
            before, after = old.functions[name], new.functions[name]
            steps = changed_steps(before.steps, after.steps)
            shared = before.shared or after.shared
            kept = isinstance(after, Function) and after.kept
            found.append(Change("function", file, name, before=before.digest, steps=steps, shared=shared, kept=kept))
    return found + _statements(file, old, new)


def _statements(file: str, old: Parts, new: Parts) -> list[Change]:
    found: dict[tuple[str, ...], set[str]] = {}
    former, latter = Counter(old.statements), Counter(new.statements)
    matcher = difflib.SequenceMatcher(a=old.statements, b=new.statements, autojunk=False)
    for operation, a1, a2, b1, b2 in matcher.get_opcodes():
        if operation == "equal":
            continue
        for statement in [*old.statements[a1:a2], *new.statements[b1:b2]]:
            kind, digest, names = statement
            # A definition that only moved does the same.
            if kind in {"def", "method", "class"} and former[statement] == latter[statement]:
                continue
            found.setdefault(names, set()).add(digest)
    exported = None
    if old.exports is not None and new.exports is not None:
        exported = tuple(sorted(old.exports ^ new.exports))
    return [
        Change(
            "names", file, names=names, digests=frozenset(digests), exported=exported if "__all__" in names else None
        )
        for names, digests in found.items()
    ]


def compare_modules(old: Mapping[str, Module], new: Mapping[str, Module]) -> list[Change]:
    """Return what changed in the Python files of two trees; `old` and `new` hold the files that differ."""
    found = []
    for file in sorted({*old, *new}):
        if PurePosixPath(file).name == "conftest.py":
            found.append(Change("conftest", file))
            continue
        if file not in old:
            found.append(Change("added file", file))
        elif file not in new:
            found.append(Change("removed file", file))
        empty = Parts({}, [])
        before = parts_of(old[file]) if file in old else empty
        after = parts_of(new[file]) if file in new else empty
        found += compare(file, before, after)
    return found


def since_recording(
    known: ImpactMap, modules: Mapping[str, Module], same: AbstractSet[str] = frozenset()
) -> list[Change]:
    """Return what changed in a tree since the map was recorded: in its modules, besides files that are the same."""
    found = []
    for file in sorted({*known.statements, *modules} - same):
        before = parts_known(known, file) or Parts({}, [])
        after = parts_of(modules[file]) if file in modules else Parts({}, [])
        differing = compare(file, before, after)
        if PurePosixPath(file).name == "conftest.py" and differing:
            found.append(Change("conftest", file))
            continue
        if file not in known.statements:
            found.append(Change("added file", file))
        found += differing
    return found


def read_sources(known: ImpactMap, old: Mapping[str, str], new: Mapping[str, str]) -> list[Change]:
    """Return the Python files whose text changed, of those that were read as data; both are hashes of files."""
    files = sorted(old.keys() & new.keys() & known.files.keys())
    return [Change("source", file) for file in files if old[file] != new[file]]


def other_file(path: str, status: str, old: bytes, new: bytes, unrelated: tuple[str, ...]) -> list[Change]:
    """Return what a changed file that is no Python module means."""
    pure = PurePosixPath(path)
    if any(fnmatch.fnmatchcase(path, pattern) for pattern in unrelated):
        return []
    if pure.name == "pyproject.toml" and _without_other_tools(old) == _without_other_tools(new) is not None:
        return []
    if pure.name in {*CONFIGURATION, "pyproject.toml"}:
        return [Change("everything", path, f"{path} changed, which may configure pytest or the build")]
    if pure.name == "cloche.lock":
        return _lock(path, old, new)
    if pure.suffix in EXTENSIONS:
        return [Change("extension", path)]
    return [Change({"A": "added file", "D": "removed file"}.get(status, "file"), path)]


def _without_other_tools(data: bytes) -> dict[str, Any] | None:
    try:
        table = toml.loads(data, what="pyproject.toml", limit=LOCK)
        return {
            **table,
            "tool": {name: value for name, value in table.get("tool", {}).items() if name not in OTHER_TOOLS},
        }
    except (BadTomlError, *MISSHAPEN):
        return None


def _packages(data: bytes) -> dict[str, Any]:
    """Return package -> its entries in all environments of a cloche.lock."""
    found: dict[str, Any] = {}
    for system, pythons in strict_json.loads(data, what="the lock", limit=LOCK)["environments"].items():
        for python, environment in pythons.items():
            for name, entry in environment["packages"].items():
                found.setdefault(name, {})[f"{system} {python}"] = entry
    return found


def _lock(path: str, old: bytes, new: bytes) -> list[Change]:
    try:
        before, after = _packages(old), _packages(new)
    except (strict_json.BadJsonError, *MISSHAPEN):
        return [Change("everything", path, f"{path} changed and cannot be compared with what it was")]
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    if not changed:
        return [Change("everything", path, f"{path} changed in something else than its packages")]
    changed |= _users_of(changed, [before, after])
    for name in sorted(changed):
        if name.startswith(RUNNER):
            return [Change("everything", path, f"{name}, which runs the tests, or what it needs changed in {path}")]
    return [Change("package", path, name) for name in sorted(changed)]


def _users_of(names: set[str], locks: list[dict[str, Any]]) -> set[str]:
    """Return the packages that need one of these, directly or through others."""
    users: dict[str, set[str]] = {}
    for packages in locks:
        for name, entries in packages.items():
            for entry in entries.values():
                for dependency in entry.get("dependencies", []):
                    users.setdefault(dependency, set()).add(name)
    found: set[str] = set()
    todo = list(names)
    while todo:
        for name in users.get(todo.pop(), set()) - found:
            found.add(name)
            todo.append(name)
    return found
