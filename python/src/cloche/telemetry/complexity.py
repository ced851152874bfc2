"""How complex a file of Python is."""

import ast

# What McCabe counts: each of these is one more way through a function.
BRANCHES = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler, ast.comprehension, ast.match_case)


def complexity(tree: ast.AST) -> int:
    """Return McCabe's number, summed over a file: one per function, and one per branch."""
    total = 0
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, *BRANCHES)):
            total += 1
        elif isinstance(node, ast.BoolOp):
            total += len(node.values) - 1
    return total
