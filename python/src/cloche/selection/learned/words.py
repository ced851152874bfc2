"""Names of files, functions and tests as sets of words, and how alike two of them are."""

import ast
import re

from cloche.selection.impact.source import Function

# Words that nearly every test's name has.
COMMON = {"test", "tests", "py", "init", "src", ""}
_PARTS = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def words_of(name: str) -> frozenset[str]:
    """Return the words of a path or name, in lower case: "tests/test_ReadTable.py" has read and table."""
    return frozenset(part.lower() for part in _PARTS.split(name)) - COMMON


def similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of common words among all words of both (Jaccard's index)."""
    return len(one & other) / len(one | other) if one and other else 0.0


def contained(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the share of the first's words that the second has too."""
    return len(one & other) / len(one) if one else 0.0


_IDENTIFIERS: dict[tuple[str, str], frozenset[str]] = {}


def identifiers(function: Function) -> frozenset[str]:
    """Return the names, attributes and texts that are identifiers in a function's body."""
    key = (function.name, function.digest)
    if key not in _IDENTIFIERS:
        found = set()
        for statement in function.node.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    found.add(node.id)
                elif isinstance(node, ast.Attribute):
                    found.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                    found.add(node.value)
        _IDENTIFIERS[key] = frozenset(found)
    return _IDENTIFIERS[key]
