"""Where a fault can be put into a Python file, and what it is: the table of operators, and the sites they apply to.

A mutant replaces the text of one node of the syntax tree, so everything else in the file stays as it is. A site is a node
with one operator; no node has two. Docstrings, annotations and the inside of f-strings are no sites.
"""

import ast
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from cloche.selection.impact.source import FunctionNode, bound_names

# Each operator and what it does, as the documents have it.
OPERATORS = {
    "arithmetic": "+ and -, * and /, // and %, << and >>, & and | become each other; ** becomes *; ^ becomes &",
    "boolean": "True and False become each other",
    "call": "a call with arguments outside of functions becomes what is called, uncalled",
    "comparison": "each comparison becomes its opposite",
    "condition": "the condition of if, while, assert, a ternary or a comprehension is negated",
    "decorator": "a decorator is removed",
    "element": "a list, tuple, set or dictionary loses its last element",
    "logic": "and and or become each other",
    "negation": "not x becomes x; -x becomes x",
    "number": "a number grows by one",
    "return": "a value that is returned or yielded, and is no constant, becomes None",
    "statement": "a call or an assignment to an attribute or an element, as a statement, becomes pass",
    "string": "a text that is not empty gets an underscore at its end",
}
ARITHMETIC = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "%",
    ast.Mod: "//",
    ast.Pow: "*",
    ast.LShift: ">>",
    ast.RShift: "<<",
    ast.BitAnd: "|",
    ast.BitOr: "&",
    ast.BitXor: "&",
}
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
# The strata: what runs when a function is called, and what runs when a module is imported.
FUNCTION = "function"
IMPORT = "import"


@dataclass(frozen=True)
class Mutant:
    """One fault: a range of a file's text, what stands there, and what is put in its place."""

    file: str
    # In characters of the file's text.
    begin: int
    end: int
    line: int
    operator: str
    old: str
    new: str
    # FUNCTION or IMPORT
    stratum: str
    # The function whose body it is in, qualified as Python does it; at import the top-level names that the statement
    # binds, in angle brackets.
    where: str

    @property
    def id(self) -> str:
        """What it is called in files: the same for the same fault in the same tree."""
        return f"{self.file}:{self.line}:{self.begin}-{self.end}:{self.operator}"

    @property
    def cluster(self) -> str:
        """The unit that samples are split and resampled by: faults of one function belong together."""
        return f"{self.file}::{self.where}"

    def apply(self, text: str) -> str:
        """Return the file's text with the fault in it; raises ValueError when it is not the text the mutant was made from."""
        if text[self.begin : self.end] != self.old:
            message = f"{self.file} has {text[self.begin : self.end]!r} where the mutant {self.id} expects {self.old!r}"
            raise ValueError(message)
        return text[: self.begin] + self.new + text[self.end :]


@dataclass(frozen=True)
class _Scope:
    """Where the walk over a file stands."""

    # What stands before the name of a function that is defined here.
    qualifier: str
    # The function, or what binds the statement at the top level.
    where: str
    body: bool

    def inside(self, node: ast.AST, field: str) -> "_Scope":
        """Return the scope of what stands in a field of a node."""
        if field == "body" and isinstance(node, FunctionNode | ast.Lambda):
            name = f"{self.qualifier}{getattr(node, 'name', '<lambda>')}"
            return _Scope(f"{name}.<locals>.", name, body=True)
        if field == "body" and isinstance(node, ast.ClassDef):
            return _Scope(f"{self.qualifier}{node.name}.", self.where, body=self.body)
        return self


class _Text:
    """A file's text by the positions of its syntax tree: columns there count bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        self.text = text
        # Not splitlines(), which also ends lines where Python does not.
        self.lines = [f"{line}\n" for line in text.split("\n")]
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def at(self, line: int, column: int) -> int:
        """Return the position in characters."""
        row = self.lines[line - 1]
        return self.starts[line - 1] + len(row.encode()[:column].decode())

    def range(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Return where a node begins and ends."""
        assert node.end_lineno is not None  # noqa: S101 - ast.parse always says
        assert node.end_col_offset is not None  # noqa: S101 - ast.parse always says
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)


def _children(node: ast.AST, scope: _Scope) -> Iterator[tuple[ast.AST, _Scope]]:
    """Yield what may hold sites below a node: no annotations, no docstrings, no inside of f-strings."""
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list"}:
            continue
        for each in value if isinstance(value, list) else [value]:
            documentation = isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
            if isinstance(each, ast.AST) and not isinstance(each, ast.JoinedStr) and not documentation:
                yield each, scope.inside(node, name)


def _top(node: ast.stmt) -> str:
    names = [node.name] if isinstance(node, FunctionNode | ast.ClassDef) else sorted(bound_names([node]))
    return f"<{', '.join(names) or f'line {node.lineno}'}>"


Edit = tuple[int, int, str, str]


def _edits(node: ast.AST, parent: ast.AST, text: _Text, *, body: bool) -> Iterator[Edit]:
    """Yield what the operators do to a node, as begin, end, operator and new text; the first one counts."""
    if isinstance(node, ast.expr):
        begin, end = text.range(node)
        inner = _condition(node, parent)
        if inner is not None:
            yield begin, end, "condition", f"(not ({inner}))"
        for operator, new in _expression(node, parent, body=body):
            yield begin, end, operator, new
    elif isinstance(node, ast.Expr | ast.Assign | ast.AugAssign) and _dropped(node):
        begin, end = text.range(node)
        yield begin, end, "statement", "pass"
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        begin, end = text.range(node)
        new = f"{ast.unparse(node.target)} {ARITHMETIC[type(node.op)]}= {ast.unparse(node.value)}"
        yield begin, end, "arithmetic", new
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        yield *text.range(node), "return", "return None"


def _dropped(node: ast.Expr | ast.Assign | ast.AugAssign) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)


def _condition(node: ast.expr, parent: ast.AST) -> str | None:
    """Return the text of a condition that no other operator turns around."""
    tested = isinstance(parent, ast.If | ast.While | ast.Assert | ast.IfExp) and parent.test is node
    tested = tested or (isinstance(parent, ast.comprehension) and node in parent.ifs)
    plain = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    return ast.unparse(node) if tested and plain else None


def _expression(node: ast.expr, parent: ast.AST, *, body: bool) -> Iterator[tuple[str, str]]:  # noqa: C901 - the table
    """Yield operator and new text."""
    match node:
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            yield "comparison", f"(({ast.unparse(left)}) {OPPOSITE[type(operator)]} ({ast.unparse(right)}))"
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in ARITHMETIC:
            yield "arithmetic", f"(({ast.unparse(left)}) {ARITHMETIC[type(operator)]} ({ast.unparse(right)}))"
        case ast.BoolOp(op=operator, values=values):
            word = " or " if isinstance(operator, ast.And) else " and "
            yield "logic", f"({word.join(f'({ast.unparse(each)})' for each in values)})"
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield "negation", f"({ast.unparse(operand)})"
        case ast.Constant(value=bool(value)):
            yield "boolean", repr(not value)
        case ast.Constant(value=int(value) | float(value)) if not isinstance(parent, ast.UnaryOp):
            yield "number", repr(value + 1)
        case ast.Constant(value=str(value)) if value:
            yield "string", repr(value + "_")
        case ast.Yield(value=value) if value is not None and not isinstance(value, ast.Constant):
            yield "return", "(yield None)"
        case ast.Call(func=function, args=arguments, keywords=keywords) if (arguments or keywords) and not body:
            yield "call", f"({ast.unparse(function)})"
        case ast.List(elts=elements) | ast.Set(elts=elements) if len(elements) > 1 and _loaded(node):
            shorter = ast.List(elements[:-1], ast.Load()) if isinstance(node, ast.List) else ast.Set(elements[:-1])
            yield "element", ast.unparse(shorter)
        case ast.Tuple(elts=elements) if len(elements) > 1 and _loaded(node):
            yield "element", ast.unparse(ast.Tuple(elements[:-1], ast.Load()))
        case ast.Dict(keys=keys, values=values) if keys:
            yield "element", ast.unparse(ast.Dict(keys[:-1], values[:-1]))


def _loaded(node: ast.expr) -> bool:
    return isinstance(getattr(node, "ctx", ast.Load()), ast.Load)


def _walk(node: ast.AST, scope: _Scope) -> Iterator[tuple[ast.AST, ast.AST, _Scope]]:
    """Yield what may hold sites, each with its parent and its scope; a decorator is its own parent."""
    for decorator in getattr(node, "decorator_list", []):
        yield decorator, decorator, scope
        yield from _walk(decorator, scope)
    for child, given in _children(node, scope):
        top = isinstance(node, ast.Module) and isinstance(child, ast.stmt)
        inner = _Scope("", _top(child), body=False) if isinstance(child, ast.stmt) and top else given
        yield child, node, inner
        yield from _walk(child, inner)


def mutants_of(file: str, text: str) -> list[Mutant]:
    """Return the fault of each site of a file, in the order of the text; raises SyntaxError for a file that is no Python.

    Not each of them compiles: `compiles` says which do, and takes a while for a large file.
    """
    positions = _Text(text)
    found: list[Mutant] = []
    for node, parent, scope in _walk(ast.parse(text), _Scope("", "", body=False)):
        edits: Iterable[Edit]
        if node is parent and isinstance(node, ast.expr):
            begin, end = positions.range(node)
            edits = [(text.rindex("@", 0, begin), end, "decorator", "")]
        else:
            edits = _edits(node, parent, positions, body=scope.body)
        for begin, end, operator, new in itertools.islice(edits, 1):
            stratum = FUNCTION if scope.body else IMPORT
            line = getattr(node, "lineno", 0)
            found.append(Mutant(file, begin, end, line, operator, text[begin:end], new, stratum, scope.where))
    return sorted(found, key=lambda each: (each.begin, each.end))


def place_of(text: str) -> Callable[[int, int], tuple[str, str]]:
    """Return what says the stratum and the function of a range of characters, as `Mutant` has them.

    Raises SyntaxError for a text that is no Python.
    """
    positions = _Text(text)
    known = [
        (*positions.range(node), scope)
        for node, _, scope in _walk(ast.parse(text), _Scope("", "", body=False))
        if isinstance(node, ast.expr | ast.stmt)
    ]

    def place(begin: int, end: int) -> tuple[str, str]:
        around = [each for each in known if each[0] <= begin and end <= each[1]]
        scope = min(around, key=lambda each: each[1] - each[0])[2] if around else _Scope("", "<>", body=False)
        return FUNCTION if scope.body else IMPORT, scope.where

    return place


def compiles(mutant: Mutant, text: str) -> bool:
    """Say whether a fault leaves a file that Python can read and that means something else."""
    try:
        changed = ast.parse(mutant.apply(text))
        compile(changed, mutant.file, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return False
    return ast.dump(changed) != ast.dump(ast.parse(text))
