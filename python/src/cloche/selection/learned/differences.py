"""In what a statement differs from what it was: the smallest parts of the syntax tree that are not the same."""

import ast
from collections.abc import Iterable
from typing import NamedTuple

# What a part was, or became. Words are a text that nothing uses, such as a docstring; a message is a text that is raised or warned of.
DIFFERENCES = (
    "words",
    "messages",
    "texts",
    "numbers",
    "flags",
    "operators",
    "conditions_turned",
    "values_dropped",
    "removed",
    "shapes",
    # Of code that runs later than its statement, or another number of times.
    "in_lambda",
)
# Calls whose texts are messages.
TELLING = {"warn", "warning", "error", "info", "debug", "print", "exception", "critical"}


class Difference(NamedTuple):
    """A part as it was and as it is, and what it stands in: from the statement on, with the keys of entries."""

    before: object
    after: object
    within: tuple[ast.AST, ...] = ()


def differing(before: object, after: object, within: tuple[ast.AST, ...] = ()) -> list[Difference]:
    """Return the smallest parts that differ, each as it was and as it is; nothing for trees that are the same."""
    if type(before) is not type(after):
        return [Difference(before, after, within)]
    if isinstance(before, ast.Constant) and isinstance(after, ast.Constant):
        same = type(before.value) is type(after.value) and before.value == after.value
        return [] if same else [Difference(before, after, within)]
    if isinstance(before, ast.AST):
        found: list[Difference] = []
        inside = (*within, before)
        for name in before._fields:
            one, other = getattr(before, name, None), getattr(after, name, None)
            if isinstance(one, list) and isinstance(other, list):
                if len(one) != len(other):
                    return [Difference(before, after, within)]
                for number, (each, now) in enumerate(zip(one, other, strict=True)):
                    key = before.keys[number] if isinstance(before, ast.Dict) and name == "values" else None
                    found += differing(each, now, inside if key is None else (*inside, key))
            elif isinstance(one, ast.AST) or isinstance(other, ast.AST):
                found += differing(one, other, inside)
            elif one != other:
                return [Difference(before, after, within)]
        return found
    return [] if before == after else [Difference(before, after, within)]


def kinds_of(found: Difference) -> list[str]:
    """Return which of DIFFERENCES a part has."""
    kinds = [_kind_of(found)]
    if any(isinstance(each, ast.Lambda) for each in found.within):
        kinds.append("in_lambda")
    return kinds


def _kind_of(found: Difference) -> str:
    before, after, within = found
    kind = "shapes"
    if within and isinstance(within[-1], ast.Expr) and isinstance(before, ast.Constant):
        kind = "words"
    elif after is None or isinstance(after, ast.Pass):
        kind = "removed"
    elif isinstance(before, ast.Constant):
        kind = "numbers"
        if isinstance(before.value, str | bytes):
            kind = "messages" if any(map(_tells, within)) else "texts"
        elif before.value is None or isinstance(before.value, bool):
            kind = "flags"
    elif isinstance(after, ast.Constant) and after.value is None:
        kind = "values_dropped"
    elif isinstance(before, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
        kind = "operators"
    elif isinstance(before, ast.UnaryOp) or isinstance(after, ast.UnaryOp):
        kind = "conditions_turned"
    return kind


def _tells(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return getattr(node.func, "attr", getattr(node.func, "id", "")) in TELLING
    return isinstance(node, ast.Raise)


def tokens(pairs: Iterable[Difference]) -> frozenset[str]:
    """Return the names, attributes and texts that are identifiers in what was there before, and the keys that it stands under."""
    found: set[str] = set()
    for before, _, within in pairs:
        if not isinstance(before, ast.AST):
            continue
        for node in ast.walk(before):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            else:
                found |= _text(node)
        for node in within:
            found |= {node.arg} if isinstance(node, ast.keyword) and node.arg else _text(node)
    return frozenset(found)


def raised(node: ast.AST) -> frozenset[str]:
    """Return the names of what a statement itself raises."""
    if not isinstance(node, ast.Raise) or node.exc is None:
        return frozenset()
    called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    name = getattr(called, "attr", getattr(called, "id", ""))
    return frozenset({name}) if name else frozenset()


def stored(node: ast.AST) -> frozenset[str]:
    """Return the attributes and keys that a statement stores, by which others may read them."""
    found: set[str] = set()
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                found.add(each.attr)
            elif isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
                found |= _key(each.slice)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if getattr(call.func, "id", "") == "setattr" and len(call.args) > 1:
            found |= _key(call.args[1])
    return frozenset(found)


def _key(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _text(node: ast.AST) -> set[str]:
    """Return a text that is an identifier."""
    text = node.value if isinstance(node, ast.Constant) else None
    return {text} if isinstance(text, str) and text.isidentifier() else set()
