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

VERSION = 2
# Contexts that are no tests: what ran while a module was imported, and what pytest did between tests.
IMPORT = "import"
BETWEEN = ""


def test_of(node_id: str) -> str:
    """Return the test function of a pytest node id: the parameters of a test are selected together.

    Identifiers of parameters may hold random values, so they are no names that hold from run to run.
    """
    file, separator, rest = node_id.partition("::")
    return file + separator + rest.partition("[")[0]


@dataclass
class Seen:
    """What a run of the tests did, by context: a test's id, IMPORT, BETWEEN, or "fixture ..."."""

    # file -> line -> contexts
    lines: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    # file or folder that was opened or listed -> contexts
    files: dict[str, set[str]] = field(default_factory=dict)
    # contexts that started other programs, in which nothing is seen
    programs: set[str] = field(default_factory=set)
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


def make(root: Path, files: Iterable[str], seen: Seen, packages: dict[str, list[str]]) -> dict[str, Any]:
    """Return the map of a recorded run.

    `files` are the Python files of the tree, `packages` the names that each installed distribution can be imported by.
    """
    functions: dict[str, Any] = {}
    modules: dict[str, Any] = {}
    tests = sorted(seen.outcomes)
    number = {test: index for index, test in enumerate(tests)}

    def tests_of(contexts: set[str]) -> set[int]:
        names: set[str] = set()
        for context in contexts:
            names |= seen.users.get(context, {context})
        return {number[name] for name in names if name in number}

    def outside(contexts: set[str]) -> bool:
        return bool(contexts & {IMPORT, BETWEEN})

    for path in sorted(set(files)):
        data = (root / path).read_bytes()
        try:
            module = parse(data)
        except (SyntaxError, ValueError):
            continue
        modules[path] = {**described(module), "file": file_digest(data)}
        owner = innermost(module)
        ran: dict[str, dict[int, set[str]]] = {name: {} for name in module.functions}
        for line, contexts in seen.lines.get(path, {}).items():
            if line in owner:
                ran[owner[line]][line] = contexts
        traced = traced_lines(data, path)
        for name, lines in ran.items():
            function = module.functions[name]
            every: set[str] = set().union(*lines.values())
            ran_by = sorted(tests_of(every))
            steps: list[list[Any]] = []
            for step, of_step in zip(function.steps, contexts_of_steps(function, lines, traced), strict=True):
                of_tests = sorted(tests_of(of_step))
                imported = path in seen.before or outside(of_step)
                steps.append([step.digest, step.parent, int(imported), None if of_tests == ran_by else of_tests])
            functions[f"{path}::{name}"] = {
                "hash": function.digest,
                "import": outside(every) or path in seen.before,
                "tests": ran_by,
                "shared": function.shared,
                "steps": steps,
            }
    return {
        "version": VERSION,
        "python": platform.python_version(),
        "tests": [[name, seen.outcomes[name]] for name in tests],
        "functions": functions,
        "modules": modules,
        "files": {
            path: {"import": outside(contexts), "tests": sorted(tests_of(contexts))}
            for path, contexts in seen.files.items()
        },
        "programs": {"import": outside(seen.programs), "tests": sorted(tests_of(seen.programs))},
        "packages": packages,
    }


def write(data: dict[str, Any], path: Path) -> None:
    """Write the map as sorted JSON, a line for each entry, so that a difference can be read."""
    path.parent.mkdir(parents=True, exist_ok=True)
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
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    temporary.replace(path)


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)


__all__ = ["BETWEEN", "IMPORT", "VERSION", "Seen", "make", "test_of", "write"]
