"""What a Python file consists of: functions and statements outside of them, each with a hash of what it means.

The hash is of the syntax tree, so comments, blank lines and layout do not count, and neither does the line on which
something stands. Standard library only; it also runs in the project's environment.
"""

import ast
import copy
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePath

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
CACHING = {"cache", "cached_property", "lru_cache"}
# Folders of what programs keep for themselves, and of what is installed.
CACHES = {"__pycache__", ".git", ".pytest_cache", ".hypothesis", "site-packages", ".cloche"}


def cached(path: str | PurePath) -> bool:
    """Say whether a file lies in a cache, and so is no part of a project."""
    return not CACHES.isdisjoint(PurePath(path).parts)


@dataclass(frozen=True)
class Step:
    """A statement of a function's body, or the head of one that holds others: what runs when execution comes to it."""

    # How deep it stands, and whether in a body, an else, a handler and so on.
    place: str
    # The step that it stands in, -1 for one at the top of the body.
    parent: int
    # Without what stands inside of it.
    node: ast.AST = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """A hash of the step itself and its place; made when it is asked for, because most are not."""
        return digest(f"{self.place} {normal(self.node)}")

    @property
    def kind(self) -> str:
        """The syntax tree's name for it, such as Return."""
        return type(self.node).__name__

    @property
    def lines(self) -> range:
        """The lines that it stands on; of a function or class that is defined here, and of a compound statement, the head's."""
        parts = [each for each in ast.walk(self.node) if isinstance(each, ast.expr | ast.pattern)]
        begin = getattr(self.node, "lineno", None) or min((each.lineno for each in parts), default=0)
        begin = min([begin, *(each.lineno for each in getattr(self.node, "decorator_list", []))])
        if isinstance(self.node, FunctionNode):
            parts = [
                each
                for inner in self.node.decorator_list + self.node.args.defaults
                for each in ast.walk(inner)
                if isinstance(each, ast.expr)
            ]
        return range(begin, max([begin, *(each.end_lineno or 0 for each in parts)]) + 1)


@dataclass(frozen=True)
class Function:
    """A function's body: what runs when it is called, without the bodies of functions defined inside of it."""

    # Qualified as Python does it, "Class.method" or "outer.<locals>.inner"; "#2" is added where a name comes again.
    name: str
    # The name at the module's top level through which it can be reached.
    owner: str
    # Lines of the body.
    first: int
    last: int
    steps: tuple[Step, ...] = field(repr=False)
    node: FunctionNode = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """A hash of the body."""
        return digest(" ".join(step.digest for step in self.steps))

    @cached_property
    def shared(self) -> bool:
        """Whether it changes objects that outlive the call, so that others than its callers may depend on it."""
        return keeps_state(self.node)

    @property
    def kept(self) -> bool:
        """Whether what it returns is kept by functools, so that a later call does not run it."""
        decorators = (each.func if isinstance(each, ast.Call) else each for each in self.node.decorator_list)
        return any(getattr(each, "attr", getattr(each, "id", "")) in CACHING for each in decorators)


@dataclass(frozen=True)
class Statement:
    """What runs when the module is imported: a statement, or the head of a function or a class."""

    # "import", "assign", "def" and "method" (decorators, defaults, annotations), "class" (bases), "class body", "other".
    kind: str
    # The top-level names that it binds; for a part of a class the class.
    names: tuple[str, ...]
    node: ast.stmt = field(repr=False)
    # The function whose head this is.
    function: str = ""
    # Which of the module's statements it is, or is a part of.
    position: int = 0

    @cached_property
    def digest(self) -> str:
        """A hash of what runs at import."""
        if isinstance(self.node, FunctionNode):
            return digest(head(self.node))
        node = self.node
        if isinstance(node, ast.ClassDef) and self.kind == "class":
            node = ast.ClassDef(node.name, node.bases, node.keywords, [], node.decorator_list)
        return digest(normal(node))


@dataclass(frozen=True)
class Module:
    """A parsed file."""

    functions: dict[str, Function]
    statements: list[Statement]

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """The import statements outside of functions."""
        nodes = outside_functions([each.node for each in self.statements if each.kind != "class body"])
        return [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]


def normal(node: ast.AST | list[ast.stmt], *, cut: bool = True) -> str:
    """Return a text that is the same for syntax trees that mean the same; bodies of functions inside are cut out.

    Empty fields do not appear, so that it is the same under Python versions that know further ones.
    """
    if isinstance(node, list):
        return ";".join(normal(statement, cut=cut) for statement in node)
    parts = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        if value is None or value == [] or name in {"type_comment", "kind", "ctx"}:
            continue
        if cut and name == "body" and isinstance(node, FunctionNode):
            continue
        if isinstance(value, ast.AST):
            parts.append(f"{name}={normal(value, cut=cut)}")
        elif isinstance(value, list):
            texts = [normal(each, cut=cut) if isinstance(each, ast.AST) else repr(each) for each in value]
            parts.append(f"{name}=[{','.join(texts)}]")
        else:
            parts.append(f"{name}={value!r}")
    return f"({' '.join(parts)})"


def digest(text: str) -> str:
    """Return 16 hexadecimal digits, enough to tell the functions of one project apart."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


# Fields that hold no nodes to walk into: names, and operators and contexts, which say nothing that a name depends on.
LEAVES = {"arg", "asname", "attr", "ctx", "id", "kind", "level", "module", "op", "ops", "type_comment"}
# Expressions with a scope of their own, what has a body that runs another time, and what can bind names.
_SCOPES = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_WITH_BODIES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_BINDING = {
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Name, ast.ExceptHandler),
    *(ast.MatchAs, ast.MatchStar, ast.MatchMapping, *_SCOPES),
}
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {ast.Constant: ()}


def children(node: ast.AST) -> list[ast.AST]:
    """Return the nodes right below one, as ast.iter_child_nodes does, but faster and without operators and contexts."""
    kind = type(node)
    fields = _FIELDS.get(kind)
    if fields is None:
        fields = _FIELDS[kind] = tuple(name for name in kind._fields if name not in LEAVES)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def outside_functions(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Walk over what runs with these statements: not into bodies of functions."""
    stack: list[ast.AST] = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, _WITH_BODIES):
            own = node.body if isinstance(node.body, list) else [node.body]
            body = {id(each) for each in own}
            stack += [each for each in children(node) if id(each) not in body]
        else:
            stack += children(node)


def bound_names(nodes: list[ast.stmt]) -> set[str]:
    """Return the names that these statements bind in their own scope."""
    names: set[str] = set()
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if type(node) not in _BINDING:
            stack += children(node)
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, _SCOPES):
            # Their targets are in a scope of their own; := binds outside of it.
            names.update(
                each.target.id
                for each in ast.walk(node)
                if isinstance(each, ast.NamedExpr) and not isinstance(node, ast.Lambda)
            )
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.add(node.id)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        stack += children(node)
    return names


def changed_roots(statement: ast.stmt) -> set[str]:
    """Return the names at the roots of what a statement stores into, and of what is called in it for its effects."""
    roots: set[str] = set()

    def root(target: ast.expr) -> None:
        inner = target
        while isinstance(inner, ast.Attribute | ast.Subscript):
            inner = inner.value
        if isinstance(inner, ast.Name):
            roots.add(inner.id)

    for node in outside_functions([statement]):
        if isinstance(node, ast.Assign | ast.Delete):
            for target in node.targets:
                root(target)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            root(node.target)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            called = node.value.func
            if isinstance(called, ast.Attribute):
                root(called.value)
    return roots


def keeps_state(node: FunctionNode) -> bool:
    """Say whether a function's own body changes objects that outlive the call, other than those that it was given."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    local = {argument.arg for argument in every if argument is not None} | bound_names(node.body)
    for each in outside_functions(node.body):
        base: ast.expr | None = None
        if isinstance(each, ast.Global | ast.Nonlocal):
            return True
        if isinstance(each, ast.Attribute | ast.Subscript) and isinstance(each.ctx, ast.Store | ast.Del):
            base = each.value
        elif (
            isinstance(each, ast.Expr)
            and isinstance(each.value, ast.Call)
            and isinstance(each.value.func, ast.Attribute)
        ):
            base = each.value.func.value
        while isinstance(base, ast.Attribute | ast.Subscript | ast.Call):
            base = base.func if isinstance(base, ast.Call) else base.value
        if isinstance(base, ast.Name) and base.id not in local:
            return True
    return False


def head(node: FunctionNode) -> str:
    """Return what of a function is there as soon as it is defined, its docstring included, as a normal text."""
    return f"{normal(node)} {ast.get_docstring(node, clean=False)!r}"


def without_docstring(node: FunctionNode) -> list[ast.stmt]:
    """Return a function's body without its docstring."""
    return node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body


def steps_of(function: FunctionNode) -> list[Step]:
    """Return the steps of a function's body in the order of the text; bodies of functions inside are none of them."""
    found: list[Step] = []

    def visit(node: ast.AST, place: str, parent: int, depth: int) -> None:
        own = node
        inner: list[tuple[str, ast.AST]] = []
        if not isinstance(node, FunctionNode):
            for name in ("body", "handlers", "cases", "orelse", "finalbody"):
                value = getattr(node, name, None)
                if isinstance(value, list) and value:
                    inner += [(name, each) for each in value]
                    own = copy.copy(node) if own is node else own
                    setattr(own, name, [])
        number = len(found)
        found.append(Step(f"{depth} {place}", parent, own))
        for name, each in inner:
            visit(each, f"{place}.{name}", number, depth + 1)

    for statement in without_docstring(function):
        visit(statement, "", -1, 0)
    return found


class _Reader:
    """Collects the parts of one file."""

    def __init__(self) -> None:
        self.functions: dict[str, Function] = {}
        self.statements: list[Statement] = []
        self.position = 0

    def take(self, kind: str, names: tuple[str, ...], node: ast.stmt, function: str = "") -> None:
        """Take a statement."""
        self.statements.append(Statement(kind, names, node, function, self.position))

    def function(self, node: FunctionNode, qualifier: str, owner: str) -> str:
        """Take a function and those inside of it; return its qualified name."""
        number, name = 1, f"{qualifier}{node.name}"
        while name in self.functions:
            number += 1
            name = f"{qualifier}{node.name}#{number}"
        top = owner or node.name
        steps = tuple(steps_of(node))
        first = node.body[0].lineno
        self.functions[name] = Function(name, top, first, node.end_lineno or first, steps, node)
        for inner in node.body:
            self.inside(inner, f"{name}.<locals>.", top)
        return name

    def inside(self, node: ast.AST, qualifier: str, owner: str) -> None:
        """Take the functions that stand anywhere below a node."""
        if isinstance(node, FunctionNode):
            self.function(node, qualifier, owner)
            return
        if isinstance(node, ast.ClassDef):
            qualifier, owner = f"{qualifier}{node.name}.", owner or node.name
        for child in children(node):
            self.inside(child, qualifier, owner)

    def class_statement(self, node: ast.ClassDef, qualifier: str, owner: str) -> None:
        """Take a class apart: its head, and each statement of its body."""
        self.take("class", (owner,), node)
        qualifier = f"{qualifier}{node.name}."
        for inner in node.body:
            if isinstance(inner, FunctionNode):
                name = self.function(inner, qualifier, owner)
                self.take("method", (owner,), inner, name)
            elif isinstance(inner, ast.ClassDef):
                self.class_statement(inner, qualifier, owner)
            else:
                self.take("class body", (owner,), inner)
                self.inside(inner, qualifier, owner)

    def statement(self, node: ast.stmt) -> None:
        """Take a statement at the top level."""
        names = tuple(sorted(bound_names([node])))
        if isinstance(node, FunctionNode):
            name = self.function(node, "", "")
            self.take("def", names, node, name)
        elif isinstance(node, ast.ClassDef):
            self.class_statement(node, "", node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            # Name by name, so that one which changes does not change the others.
            for alias in node.names:
                single = copy.copy(node)
                single.names = [alias]
                bound = tuple(bound_names([single]))
                self.take("import", bound, single)
        else:
            kind = "other"
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
                kind = "assign"
            # TABLE["x"] = 1 and TABLE.add(1) bind nothing, and say what TABLE is all the same.
            every = tuple(sorted({*names, *changed_roots(node)}))
            self.take(kind, every, node)
            self.inside(node, "", "")


def file_digest(data: bytes) -> str:
    """Return what tells whether a file is the same, byte for byte."""
    return hashlib.sha256(data).hexdigest()[:16]


def parse(text: str | bytes) -> Module:
    """Return the parts of a Python file; raises SyntaxError or ValueError for what Python cannot parse."""
    reader = _Reader()
    for reader.position, node in enumerate(ast.parse(text).body):
        reader.statement(node)
    return Module(reader.functions, reader.statements)
