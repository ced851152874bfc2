"""What code that runs at import changes besides the names that it binds: registries, classes, other modules' names.

Found statically, through the project's functions that it calls. What an object is called for may change that object; what a
function of another package is called for, as a statement or a decorator, may change anything, unless it is known.
"""

import ast
import builtins
from collections.abc import Sequence
from dataclasses import dataclass, field

from cloche.selection.impact.imports import EVERY, Symbol, dotted_name
from cloche.selection.impact.source import Function, FunctionNode, outside_functions
from cloche.selection.impact.uses import LOOKS_UP, OWN_NAMES, Code, Project

# Modules whose functions change nothing but what they are given.
PURE = {
    *("abc", "builtins", "collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "hashlib", "inspect", "itertools", "json", "math", "numbers", "operator", "pathlib"),
    *("platform", "re", "string", "struct", "textwrap", "types", "typing", "typing_extensions", "weakref"),
}
# Functions of other packages that do nothing but wrap, so that only the name they are for changes with them.
WRAPPERS = {
    "attr": {"attributes", "attrs", "dataclass", "define", "frozen", "mutable", "s"},
    "attrs": {"define", "frozen", "mutable"},
    "hypothesis": {"example", "given", "settings"},
    "pytest": {"fixture", "parametrize", "skip", "skipif", "usefixtures", "xfail"},
}
# What gives a module by its name.
GIVES_MODULES = {"import_module", "__import__", "resolve_name"}
# The calls that give all names of a module, or of what they are given.
OWN_SPACES = [[name] for name in sorted(OWN_NAMES)]
# What a class that is derived from another one, or has it for a metaclass, runs of it.
OF_CLASSES = {"__init_subclass__", "__new__", "__init__", "__prepare__", "__call__", "__mro_entries__", "mro"}


@dataclass
class Effect:
    """What running a piece of code changes besides the names that it binds."""

    changes: set[Symbol] = field(default_factory=set)
    # Whether it may change more than that.
    unknown: bool = False


@dataclass
class Own:
    """What a piece of code does itself, without the functions that it calls."""

    # Top-level names whose objects it may change: REGISTRY["x"] = ..., REGISTRY.add(...).
    changes: set[Symbol] = field(default_factory=set)
    # What a statement calls, decorators included: it may have effects.
    calls: list[ast.expr] = field(default_factory=list)
    # Of these, what is called for its effects, or to decorate.
    told: set[int] = field(default_factory=set)
    # Whether it changes something of another package.
    opaque: bool = False
    # Classes that a class is made from.
    made_from: list[ast.expr] = field(default_factory=list)
    # Whether a function changes what it was given, or what it made of that.
    given: bool = False
    # Whether that may be modules.
    modules: bool = False


class Effects:
    """The effects of the code of a project."""

    def __init__(self, project: Project) -> None:
        """Take a project; effects are looked for when they are asked for."""
        self.project = project
        self._own: dict[int, Own] = {}
        self._of: dict[int, Effect] = {}

    def of(self, code: Code) -> Effect:
        """Return what running a piece of code changes, that of the project's functions that it calls included."""
        if id(code) not in self._of:
            self._of[id(code)] = self._found(code)
        return self._of[id(code)]

    def _found(self, code: Code) -> Effect:
        own = self.own(code)
        found = Effect(set(own.changes), own.opaque or own.modules)
        # Whatever a statement with calls uses may be called, or be what is called back.
        todo: list[Symbol] = list(code.symbols) if own.calls else []
        for call in own.calls:
            # What a decorator is called with is itself a call.
            target: ast.expr = call
            while isinstance(target, ast.Call):
                target = target.func
            chain = dotted_name(target)
            if chain is None:
                continue
            called = self.project.symbols_of(code.file, chain)
            if id(call) in own.told:
                found.unknown |= self._elsewhere(code.file, chain) or any(self._held(symbol) for symbol in called)
            reached = Effect()
            if isinstance(call, ast.Call) and self._reached(list(called), reached):
                # What it is given may change, too.
                probe = Own()
                for each in [*call.args, *(keyword.value for keyword in call.keywords)]:
                    if not isinstance(each, ast.Call):
                        self._called_on(code.file, probe, each)
                found.changes |= probe.changes
        self._reached(todo, found)
        for base in own.made_from:
            self._made(self.project.symbols_of(code.file, dotted_name(base) or [""]), found)
        return found

    def _elsewhere(self, file: str, chain: list[str]) -> bool:
        """Say whether something of another package is called that may do anything."""
        return any(
            package not in PURE and last not in WRAPPERS.get(package, set()) and chain[-2:-1] != ["mark"]
            for package, last in self.project.from_elsewhere(file, chain)
        )

    def _held(self, symbol: Symbol) -> bool:
        """Say whether a variable holds something of another package, which may do anything when it is called."""
        for code in self.project.defined_by.get(symbol, []):
            node = code.statement.node if code.statement is not None else None
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                value: ast.expr = node.value
                while isinstance(value, ast.Call):
                    value = value.func
                chain = dotted_name(value)
                if chain is not None and self._elsewhere(code.file, chain):
                    return True
        return False

    def _reached(self, todo: list[Symbol], found: Effect) -> bool:
        """Add what the functions behind these names change, and those that they use; say whether one changes what it was given."""
        seen: set[Symbol] = set()
        given = False
        while todo:
            symbol = todo.pop()
            if symbol in seen:
                continue
            seen.add(symbol)
            for code in self.project.defined_by.get(symbol, []):
                if code.function:
                    own = self.own(code)
                    found.changes |= own.changes
                    given |= own.given
                    found.unknown |= own.modules
                todo += code.symbols
        return given

    def _made(self, bases: set[Symbol], found: Effect) -> None:
        """Add what making a class from others changes."""
        seen: set[Symbol] = set()
        todo = list(bases)
        while todo:
            symbol = todo.pop()
            if symbol in seen:
                continue
            seen.add(symbol)
            for code in self.project.defined_by.get(symbol, []):
                if code.function and code.function.rpartition(".")[2].partition("#")[0] in OF_CLASSES:
                    found.changes |= self.own(code).changes
                    self._reached(list(code.symbols - {symbol}), found)
                elif code.statement is not None and code.statement.kind in {"class", "import", "assign"}:
                    todo += code.symbols

    # -- what code does itself

    def own(self, code: Code) -> Own:
        """Return what a piece of code does itself."""
        known = self._own.get(id(code))
        if known is None:
            known = self._own[id(code)] = Own()
            if code.statement is None:
                self._of_function(code, self.project.modules[code.file].functions[code.function], known)
            elif code.statement.names != ("__all__",):
                self._of_statement(code, code.statement.node, known)
        return known

    def _of_statement(self, code: Code, statement: ast.stmt, own: Own) -> None:
        file = code.file
        if isinstance(statement, FunctionNode | ast.ClassDef):
            self._of_definition(file, statement, own)
            return
        for node in outside_functions([statement]):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, (ast.Store, ast.Del)):
                chain = dotted_name(node)
                if chain is not None and len(chain) > 1 and self.project.is_module(file, chain[:-1]):
                    self._named(file, own, chain)
                else:
                    self._changed(file, own, node.value)
            elif isinstance(node, ast.Call):
                own.calls.append(node)
                self._method(file, own, node.func)
                if isinstance(node.func, ast.Name) and node.func.id in {"setattr", "delattr"} and node.args:
                    self._called_on(file, own, node.args[0])
                elif isinstance(node.func, ast.Name) and node.func.id == "exec" and len(node.args) == 1:
                    own.changes.add((file, EVERY))
            elif isinstance(node, ast.Expr | ast.With):
                self._told(file, own, [node.value] if isinstance(node, ast.Expr) else node.items)

    def _told(self, file: str, own: Own, nodes: Sequence[ast.AST]) -> None:
        """Note what is called for its effects: it may change what it is given."""
        for node in outside_functions(nodes):
            if isinstance(node, ast.Call):
                own.told.add(id(node))
                self._given(file, own, node)

    def _of_definition(self, file: str, node: FunctionNode | ast.ClassDef, own: Own) -> None:
        # A decorator without a call is called all the same.
        own.calls += node.decorator_list
        own.told |= {id(each) for each in node.decorator_list}
        for decorator in node.decorator_list:
            self._method(file, own, decorator.func if isinstance(decorator, ast.Call) else decorator)
        if isinstance(node, ast.ClassDef):
            own.made_from += [*node.bases, *(each.value for each in node.keywords)]

    def _given(self, file: str, own: Own, call: ast.Call) -> None:
        """Note that what a function is given may change; Python's own functions change nothing, but may call methods."""
        plain = isinstance(call.func, ast.Name) and self._is_builtin(file, call.func.id) and call.func.id != "exec"
        for each in [*call.args, *(keyword.value for keyword in call.keywords)]:
            if isinstance(each, ast.Attribute) and plain:
                self._method(file, own, each)
            elif not plain and (not isinstance(each, ast.Call) or dotted_name(each.func) in OWN_SPACES):
                self._called_on(file, own, each)

    def _is_builtin(self, file: str, name: str) -> bool:
        """Say whether a name is one of Python's own."""
        bound = name in self.project.bound[file] or self.project.binding(file, name) or self.project.stars[file]
        return hasattr(builtins, name) and not bound

    def _method(self, file: str, own: Own, called: ast.expr) -> None:
        """Note that an object may change whose method is called."""
        if isinstance(called, ast.Attribute):
            chain = dotted_name(called.value)
            if chain is None or not self.project.is_module(file, chain):
                # What calling a method of something from another package may do is judged as a call.
                probe = Own()
                self._called_on(file, probe, called.value)
                own.changes |= probe.changes

    def _called_on(self, file: str, own: Own, node: ast.expr) -> None:
        """Note that an object may change, if it has a name."""
        inner: ast.expr = node
        while isinstance(inner, ast.Subscript | ast.Attribute | ast.Call | ast.Starred):
            inner = inner.func if isinstance(inner, ast.Call) else inner.value
        chain = dotted_name(inner)
        if chain is not None and not isinstance(node, ast.Constant):
            self._changed(file, own, node)

    def _of_function(self, code: Code, function: Function, own: Own) -> None:
        """Find what a function's body changes besides its own variables."""
        local = self.project.scopes[code.file, function.name].names
        arguments = function.node.args
        by_place = [*arguments.posonlyargs, *arguments.args]
        given = [*arguments.defaults, *arguments.kw_defaults]
        names = [*by_place[len(by_place) - len(arguments.defaults) :], *arguments.kwonlyargs]
        defaults = {name.arg: value for name, value in zip(names, given, strict=True) if value is not None}
        this = by_place[0].arg if by_place and "." in function.name else ""
        for node in outside_functions(function.node.body):
            if isinstance(node, ast.Global):
                own.changes |= {(code.file, name) for name in node.names}
            base = _worked_on(node)
            plain = base
            while isinstance(base, ast.Subscript | ast.Attribute | ast.Call):
                base = base.func if isinstance(base, ast.Call) else base.value
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in {"setattr", "delattr"}
            ):
                own.given = True
            if not isinstance(base, ast.Name):
                continue
            if base.id not in local:
                self._changed(code.file, own, base)
            elif base.id in defaults:
                # What a parameter stands for when nothing is given.
                self._called_on(code.file, own, defaults[base.id])
            # An object that sets its own attributes is new where it is called for at import.
            own.given |= base.id in local and not (plain is base and base.id == this)
        if code.looks_up and _changes_modules(function):
            # Its own module, or another one.
            own.changes.add((code.file, EVERY))
            own.modules = not _only_its_own(function)

    def _changed(self, file: str, own: Own, node: ast.expr) -> None:
        while isinstance(node, ast.Subscript | ast.Call | ast.Starred):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name) and self._is_builtin(file, node.func.id) and node.args:
                    # getattr(x, name) is something of x.
                    node = node.args[0]
                    continue
                node = node.func
            else:
                node = node.value
        chain = dotted_name(node)
        if chain is None:
            return
        if chain[0] in OWN_NAMES:
            own.changes.add((file, EVERY))
        elif not self._is_builtin(file, chain[0]):
            self._named(file, own, chain)

    def _named(self, file: str, own: Own, chain: list[str]) -> None:
        """Note that the object with a dotted name may change."""
        symbols = self.project.symbols_of(file, chain)
        if len(chain) > 1 and self.project.is_module(file, chain[:1]):
            symbols -= {(file, chain[0])}
        own.changes |= symbols
        own.opaque |= any(package not in PURE for package, _ in self.project.from_elsewhere(file, chain))
        for symbol in symbols:
            for code in self.project.defined_by.get(symbol, []):
                if code.statement is not None and code.statement.kind == "assign":
                    self._module(code, own)

    @staticmethod
    def _module(code: Code, own: Own) -> None:
        """Note what changes with a variable that holds a module."""
        own.changes |= {(file, name) for file, name in code.symbols if name == EVERY}
        if code.looks_up:
            value = getattr(code.statement and code.statement.node, "value", None)
            if isinstance(value, ast.Subscript) and _is_own_module(value):
                own.changes.add((code.file, EVERY))
            else:
                own.opaque = True


def _worked_on(node: ast.AST) -> ast.expr | None:
    """Return the object into which something is stored, or whose method is called for its effects."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return node.value
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Attribute):
        return node.value.func.value
    return None


def _looked_up(node: ast.AST, modules: set[str]) -> bool:
    """Say whether an expression may give a module that was looked up, or has one in it."""
    for each in ast.walk(node):
        chain = dotted_name(each)
        if chain is not None and (
            chain[:2] == ["sys", "modules"] or chain[-1] in GIVES_MODULES or (len(chain) == 1 and chain[0] in modules)
        ):
            return True
    return False


def _is_own_module(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and ast.unparse(node) == "sys.modules[__name__]"


def _only_its_own(function: Function) -> bool:
    """Say whether the only module that a function looks up is its own."""
    nodes = list(outside_functions(function.node.body))
    chains = [chain for node in nodes if (chain := dotted_name(node)) is not None]
    modules = sum(chain[:2] == ["sys", "modules"] for chain in chains)
    others = any(chain[-1] in GIVES_MODULES for chain in chains)
    return modules == sum(map(_is_own_module, nodes)) and not others


def _changes_modules(function: Function) -> bool:
    """Say whether a function stores something in a module that it has looked up, or hands one to who may."""
    nodes = list(outside_functions(function.node.body))
    modules: set[str] = set()
    for _ in range(2):
        for node in nodes:
            value = getattr(node, "iter", None) if isinstance(node, ast.For | ast.comprehension) else None
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) else value
            if value is not None and _looked_up(value, modules):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]  # type: ignore[attr-defined]
                modules |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    for node in nodes:
        base = _worked_on(node)
        if base is not None and _looked_up(base, modules):
            return True
        if isinstance(node, ast.Call):
            harmless = {*dir(builtins)} - {"setattr", "delattr", "exec", "eval"} | LOOKS_UP
            plain = isinstance(node.func, ast.Name) and node.func.id in harmless
            given = [*node.args, *(each.value for each in node.keywords)]
            if not plain and any(_looked_up(each, modules) for each in given):
                return True
    return False
