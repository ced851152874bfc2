"""Make the map out of what coverage saw: for each function, the tests that ran it, and whether it ran at import.

Standard library only; it also runs in the project's environment. docs/select-tests.md describes the file.
"""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from .source import Function, Module, file_digest, parse

VERSION = 4
# Contexts that are no tests: what pytest did between tests, and a statement that runs when its module is imported, with the
# file, "#" and its number in the module.
BETWEEN = ""
IMPORT = "import "
# Stands for a statement of which nothing is known, and for what happened between tests.
UNKNOWN = -1
# The outcome of a test that was to run and did not, or not to its end.
NOT_RUN = "not run"


def statement_context(file: str, number: int) -> str:
    """Return the context of a statement that runs when its module is imported."""
    return f"{IMPORT}{file}#{number}"


def test_of(node_id: str) -> str:
    """Return the test function of a pytest node id: the parameters of a test are selected together.

    Identifiers of parameters may hold random values, so they are no names that hold from run to run.
    """
    file, separator, rest = node_id.partition("::")
    return file + separator + rest.partition("[")[0]


@dataclass
class Seen:
    """What a run of the tests did, by context: a test's id, IMPORT..., BETWEEN, or "fixture ..."."""

    # file -> line -> contexts
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    # file or folder that was opened or listed -> contexts
    files: dict[str, set[str]] = field(default_factory=dict)
    # file, and a name that its module was asked for -> contexts
    reads: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    # name in a text that was evaluated -> contexts
    evaluated: dict[str, set[str]] = field(default_factory=dict)
    # files of which it is not known what their modules were asked for
    unwatched: set[str] = field(default_factory=set)
    # contexts that started other programs, in which nothing is seen
    programs: set[str] = field(default_factory=set)
    # why not all that ran was seen -> contexts
    unmeasured: dict[str, set[str]] = field(default_factory=dict)
    # test -> outcome
    outcomes: dict[str, str] = field(default_factory=dict)
    # fixture context -> the tests that use the fixture
    users: dict[str, set[str]] = field(default_factory=dict)
    # files that were imported before anything was recorded
    before: set[str] = field(default_factory=set)


def innermost(module: Module) -> dict[int, str]:
    """Return for each line inside of a function's body the innermost function's name."""
    found: dict[int, str] = {}
    # A function that is defined inside of another one comes after it.
    for function in sorted(module.functions.values(), key=_extent):
        for line in range(function.first, function.last + 1):
            found[line] = function.name
    return found


def _extent(function: Function) -> tuple[int, int]:
    return function.first, -function.last


def traced_lines(data: bytes, path: str) -> set[int]:
    """Return the lines for which Python reports that they run; some statements have none."""
    found: set[int] = set()
    stack = [compile(data, path, "exec", dont_inherit=True)]
    while stack:
        code = stack.pop()
        found |= {line for _, _, line in code.co_lines() if line is not None}
        stack += [each for each in code.co_consts if isinstance(each, CodeType)]
    return found


def contexts_of_steps(function: Function, lines: dict[int, set[str]], traced: set[int]) -> list[set[str]]:
    """Return for each step of a function the contexts in which it ran; one that leaves no trace ran when its parent did."""
    every: set[str] = set().union(*lines.values())
    found: list[set[str]] = []
    for step in function.steps:
        if traced.isdisjoint(step.lines):
            found.append(every if step.parent < 0 else found[step.parent])
        else:
            none: set[str] = set()
            found.append(none.union(*(lines.get(line, none) for line in step.lines)))
    return found


def described(module: Module) -> dict[str, Any]:
    """Return a file's statements as the map has them: [kind, hash, names]."""
    return {"statements": [[each.kind, each.digest, list(each.names)] for each in module.statements]}


class _Contexts:
    """Turns contexts into tests and statements, by number."""

    def __init__(self, seen: Seen, modules: dict[str, Module]) -> None:
        self.tests = sorted(seen.outcomes)
        self.number = {test: index for index, test in enumerate(self.tests)}
        self.users = seen.users
        self.modules = modules
        # [file, hashes of what the statement consists of]
        self.statements: list[tuple[str, list[str]]] = []
        self.known: dict[str, int] = {}

    def by_tests(self, contexts: set[str]) -> list[int]:
        """Return the tests; those that use a fixture for the fixture."""
        names: set[str] = set()
        for context in contexts:
            names |= self.users.get(context, {context})
        return sorted({self.number[name] for name in names if name in self.number})

    def by_statements(self, contexts: set[str]) -> list[int]:
        """Return the statements, UNKNOWN for what ran between tests."""
        found = {self._statement(context) for context in contexts if context.startswith(IMPORT)}
        return sorted(found | ({UNKNOWN} if BETWEEN in contexts else set()))

    def _statement(self, context: str) -> int:
        if context not in self.known:
            file, _, number = context.removeprefix(IMPORT).rpartition("#")
            statements = self.modules[file].statements if file in self.modules else []
            digests = [each.digest for each in statements if each.position == int(number)]
            self.known[context] = len(self.statements) if digests else UNKNOWN
            if digests:
                self.statements.append((file, digests))
        return self.known[context]

    def row(self, contexts: set[str]) -> dict[str, list[int]]:
        """Return both."""
        return {"tests": self.by_tests(contexts), "import": self.by_statements(contexts)}


def make(root: Path, files: Iterable[str], seen: Seen, packages: dict[str, list[str]]) -> dict[str, Any]:
    """Return the map of a recorded run.

    `files` are the Python files of the tree, `packages` the names that each installed distribution can be imported by.
    """
    functions: dict[str, Any] = {}
    described_modules: dict[str, Any] = {}
    modules: dict[str, Module] = {}
    sources: dict[str, bytes] = {}
    for path in sorted(set(files)):
        sources[path] = (root / path).read_bytes()
        try:
            modules[path] = parse(sources[path])
        except (SyntaxError, ValueError):
            continue
        described_modules[path] = {**described(modules[path]), "file": file_digest(sources[path])}
    contexts = _Contexts(seen, modules)
    for path, module in modules.items():
        owner = innermost(module)
        ran: dict[str, dict[int, set[str]]] = {name: {} for name in module.functions}
        for line, of_line in seen.lines.get(path, {}).items():
            if line in owner:
                ran[owner[line]][line] = of_line
        traced = traced_lines(sources[path], path)
        before = {BETWEEN} if path in seen.before else set()
        for name, lines in ran.items():
            function = module.functions[name]
            every = contexts.row(before.union(*lines.values()))
            steps: list[list[Any]] = []
            for step, of_step in zip(function.steps, contexts_of_steps(function, lines, traced), strict=True):
                own = contexts.row(of_step | before)
                # What is as for the whole function is not written again.
                differing = [None if own[which] == every[which] else own[which] for which in ("import", "tests")]
                steps.append([step.digest, step.parent, *differing])
            functions[f"{path}::{name}"] = {
                "hash": function.digest,
                **every,
                "shared": function.shared,
                "steps": steps,
            }
    reads: dict[str, dict[str, Any]] = {}
    for (path, name), of_name in seen.reads.items():
        reads.setdefault(path, {})[name] = contexts.row(of_name)
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "tests": [[name, seen.outcomes[name]] for name in contexts.tests],
        "functions": functions,
        "modules": described_modules,
        "files": {path: contexts.row(of_file) for path, of_file in seen.files.items()},
        "reads": reads,
        "evaluated": {name: contexts.row(of_name) for name, of_name in seen.evaluated.items()},
        "unwatched": sorted(seen.unwatched),
        "programs": contexts.row(seen.programs),
        "unmeasured": {why: contexts.row(each) for why, each in seen.unmeasured.items()},
        "packages": packages,
        "statements": contexts.statements,
    }


def text(data: dict[str, Any]) -> str:
    """Return the map as sorted JSON, a line for each entry, so that a difference can be read."""
    lines = []
    for key in sorted(data):
        value = data[key]
        if isinstance(value, dict) and value:
            rows = [f"  {_text(name)}: {_text(value[name])}" for name in sorted(value)]
            lines.append(f" {_text(key)}: {{\n" + ",\n".join(rows) + "\n }")
        elif isinstance(value, list) and value:
            lines.append(f" {_text(key)}: [\n" + ",\n".join(f"  {_text(each)}" for each in value) + "\n ]")
        else:
            lines.append(f" {_text(key)}: {_text(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


__all__ = ["BETWEEN", "NOT_RUN", "UNKNOWN", "VERSION", "Seen", "make", "statement_context", "test_of", "text"]
