"""In what a statement differs from what it was: the smallest parts of the syntax tree that are not the same."""

import ast
from collections.abc import Iterable

# What a part was, or became.
DIFFERENCES = ("texts", "numbers", "flags", "operators", "conditions_turned", "values_dropped", "removed", "shapes")
Pair = tuple[object, object]


def differing(before: object, after: object) -> list[Pair]:
    """Return the smallest parts that differ, each as it was and as it is; nothing for trees that are the same."""
    if type(before) is not type(after):
        return [(before, after)]
    if isinstance(before, ast.Constant) and isinstance(after, ast.Constant):
        same = type(before.value) is type(after.value) and before.value == after.value
        return [] if same else [(before, after)]
    if isinstance(before, ast.AST):
        found: list[Pair] = []
        for name in before._fields:
            one, other = getattr(before, name, None), getattr(after, name, None)
            if isinstance(one, list) and isinstance(other, list):
                if len(one) != len(other):
                    return [(before, after)]
                for each, now in zip(one, other, strict=True):
                    found += differing(each, now)
            elif isinstance(one, ast.AST) or isinstance(other, ast.AST):
                found += differing(one, other)
            elif one != other:
                return [(before, after)]
        return found
    return [] if before == after else [(before, after)]


def kind_of(before: object, after: object) -> str:
    """Return which of DIFFERENCES two parts have."""
    found = "shapes"
    if after is None or isinstance(after, ast.Pass):
        found = "removed"
    elif isinstance(before, ast.Constant):
        found = "numbers"
        if isinstance(before.value, str | bytes):
            found = "texts"
        elif before.value is None or isinstance(before.value, bool):
            found = "flags"
    elif isinstance(after, ast.Constant) and after.value is None:
        found = "values_dropped"
    elif isinstance(before, ast.operator | ast.cmpop | ast.boolop | ast.unaryop):
        found = "operators"
    elif isinstance(before, ast.UnaryOp) or isinstance(after, ast.UnaryOp):
        found = "conditions_turned"
    return found


def tokens(pairs: Iterable[Pair]) -> frozenset[str]:
    """Return the names, attributes and texts that are identifiers in what was there before."""
    found: set[str] = set()
    for before, _ in pairs:
        if not isinstance(before, ast.AST):
            continue
        for node in ast.walk(before):
            if isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
                found.add(node.value)
    return frozenset(found)


def stored(node: ast.AST) -> frozenset[str]:
    """Return the attributes and keys that a statement stores, by which others may read them."""
    found: set[str] = set()
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        for each in ast.walk(node):
            if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store):
                found.add(each.attr)
            elif isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store):
                found |= _text(each.slice)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if getattr(call.func, "id", "") == "setattr" and len(call.args) > 1:
            found |= _text(call.args[1])
    return frozenset(found)


def _text(node: ast.expr) -> set[str]:
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()
