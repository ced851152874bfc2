"""Small faults seeded into a project's functions and import-time code, and which tests see them.

A mutant changes one expression: a returned value, a comparison, a constant, an operator. It is written by replacing the
text of the expression, so that all else in the file stays as it was.
"""

from __future__ import annotations

import ast
import os
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cloche.selection.impact.results import failed

OPPOSITE = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: ">=",
    ast.GtE: "<",
    ast.Gt: "<=",
    ast.LtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}


@dataclass(frozen=True)
class Mutant:
    """One fault: a file, what stands there, and what is put in its place."""

    file: str
    line: int
    where: str
    old: str
    new: str
    text: str
    at_import: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.where or 'the module'}: {self.old!r} -> {self.new!r}"


# Expression, text to put in its place, function, and whether it is evaluated at import.
Site = tuple[ast.expr, str, str, bool]


def _sites(node: ast.AST, where: str = "", *, body: bool = False) -> Iterator[Site]:
    """Yield the places below a node; `body` says whether it is in a function."""
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, ast.AST) or name in {"annotation", "returns"} or isinstance(each, ast.JoinedStr):
                continue
            if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant):
                continue
            inside, deeper = where, body
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and name == "body":
                inside, deeper = f"{where}.{getattr(node, 'name', '<lambda>')}".strip("."), True
            elif isinstance(node, ast.ClassDef) and name == "body":
                inside = f"{where}.{node.name}".strip(".")
            yield from _site(each, inside, body=deeper)
            yield from _sites(each, inside, body=deeper)


def _site(node: ast.AST, where: str, *, body: bool) -> Iterator[Site]:
    """Yield what can be put in the place of one node."""
    if isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield node.value, "None", where, not body
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = ast.unparse(node.left), ast.unparse(node.comparators[0])
        yield node, f"(({left}) {OPPOSITE[type(node.ops[0])]} ({right}))", where, not body
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, repr(not node.value), where, not body
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield node, repr(node.value + 1), where, not body
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node, repr(node.value + "_"), where, not body
    elif isinstance(node, ast.Call) and node.args and not body:
        yield node, f"({ast.unparse(node.func)})", where, True


def mutants(root: Path, files: list[str], count: int, *, at_import: bool, seed: int = 1) -> list[Mutant]:
    """Return a seeded sample of faults in functions, or in code that runs at import; each compiles."""
    found = []
    for file in files:
        text = (root / file).read_text()
        lines = text.splitlines(keepends=True)
        starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
        for node, new, where, imported in _sites(ast.parse(text)):
            if imported != at_import or node.end_lineno is None or node.end_col_offset is None or not text.isascii():
                continue
            begin, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
            changed = text[:begin] + new + text[end:]
            try:
                compile(changed, file, "exec")
            except SyntaxError:
                continue
            found.append(Mutant(file, node.lineno, where, text[begin:end], new, changed, at_import))
    return sorted(random.Random(seed).sample(found, min(count, len(found))), key=str)  # noqa: S311 - a sample, no secret


def failing(root: Path, report: Path, *arguments: str, seconds: float = 120) -> set[str] | None:
    """Run a project's tests; return "classname::name" of those that fail, None when they could not be run at all."""
    report.unlink(missing_ok=True)
    command = ["pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *arguments]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, cwd=root, env=environment, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode not in {0, 1} or not report.exists():
        return None
    return {test.partition("[")[0] for test in failed(report)}
