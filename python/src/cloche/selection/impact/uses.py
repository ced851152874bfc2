"""Which code uses a name: resolved statically, inside a module and across the files of a project.

Code is a function's body, a function's head, or a statement that runs at import. A module that is handed around as a value
may be asked for all of its names, and code that looks modules up by computed names (`import_module`, `sys.modules`, `pkgutil`) may
ask any module for any name; the map knows better what modules were asked for, where it could see it (watch.py).
"""

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from cloche.selection.impact.imports import EVERY, Imports, Scope, Symbol, dotted_name
from cloche.selection.impact.source import (
    Function,
    FunctionNode,
    Module,
    Statement,
    Step,
    bound_names,
    children,
)

# Nodes that say something themselves.
_SAYING = {
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef),
    *(ast.Name, ast.Attribute, ast.Call, ast.Constant),
}
# A use of every name of a file by code of its own, past its module: globals().
OWN = "globals()"
BY_NAME = {"getattr", "setattr", "delattr", "hasattr", "patch", "object", "attrgetter", "methodcaller", "import_module"}
LOOKS_UP = {
    "import_module",
    "__import__",
    "eval",
    "exec",
    "iter_modules",
    "walk_packages",
    "entry_points",
    "resolve_name",
}
OWN_NAMES = {"globals", "locals", "vars"}
# Ways to the names of a module that go past the module, and that need not be its own.
FRAMES = {"__globals__", "f_globals", "__builtins__", "get_objects", "get_referrers"}
# The way from a class to those that are made from it, wherever they are.
SUBCLASSES = "__subclasses__"
# Ways to what the annotations of functions stand for.
HINTS = {"__annotations__", "get_annotations", "get_type_hints", "signature"}
_LOOKED_FOR = {SUBCLASSES, *HINTS}


@dataclass
class Code:
    """A piece of code, and what it uses."""

    file: str
    # The function whose body this is, "" for a statement.
    function: str
    statement: Statement | None
    symbols: set[Symbol] = field(default_factory=set)
    # For a function's body in which of its steps each symbol is used.
    where: dict[Symbol, set[int]] = field(default_factory=dict)
    strings: set[str] = field(default_factory=set)
    looks_up: bool = False
    # Whether it may reach names of modules past the modules.
    frames: bool = False
    # Which of the names that a Project looks for stand in it, and the names of what is asked for its subclasses.
    says: set[str] = field(default_factory=set)
    asked_for_subclasses: list[list[str]] = field(default_factory=list)
    # Attributes of the project's modules that are not seen to be bound there.
    unbound: set[Symbol] = field(default_factory=set)

    @property
    def statement_names(self) -> tuple[str, ...]:
        """The names that a statement binds; none for a function's body."""
        return self.statement.names if self.statement is not None else ()


@dataclass
class Words:
    """What a piece of code says, whatever its names stand for."""

    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    # Names with the attributes that are taken of them.
    chains: list[list[str]] = field(default_factory=list)
    calls: list[ast.Call] = field(default_factory=list)
    strings: set[str] = field(default_factory=set)
    frames: bool = False
    # Which of the names that a Project looks for stand there, as attributes or texts, too.
    says: set[str] = field(default_factory=set)


@dataclass
class OwnNames:
    """The names that a function binds in its body, those that it declares to be the module's, and its imports."""

    bound: set[str]
    shared: set[str] = field(default_factory=set)
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)


class Project(Imports):
    """The modules of a tree, and an index from names to the code that uses them."""

    def __init__(self, modules: Mapping[str, Module], like: "Project | None" = None) -> None:
        """Index the files of a tree; their names are relative paths. Of modules that `like` has, too, it knows what they say."""
        # By the identity of objects, which stay here with it so that no other one gets their number.
        self.words: dict[int, tuple[Step | Statement, Words]] = like.words if like is not None else {}
        self.own_names: dict[int, tuple[Function, OwnNames]] = like.own_names if like is not None else {}
        super().__init__(modules)
        self.bound = {
            file: {name for statement in module.statements for name in statement.names}
            for file, module in modules.items()
        }
        self.code: list[Code] = []
        # (file, function) -> the names that it does not share with its module.
        self.scopes: dict[Symbol, Scope] = {}
        for file, module in modules.items():
            self._index(file, module)
        self._settle_unbound()
        if any(not HINTS.isdisjoint(code.says) for code in self.code):
            self._settle_hints()
        self.looking_up = [code for code in self.code if code.looks_up]
        self.by_frames = [code for code in self.code if code.frames]
        self.by_subclasses = [code for code in self.code if SUBCLASSES in code.says]
        self.statements: dict[str, list[Code]] = {}
        # (file, top-level name) -> the functions and statements that it stands for.
        self.defined_by: dict[Symbol, list[Code]] = {}
        # (file, function) -> its body.
        self.code_of: dict[Symbol, list[Code]] = {}
        self.users: dict[Symbol, list[Code]] = {}
        self.by_string: dict[str, list[Code]] = {}
        self._turn_around()

    def _settle_unbound(self) -> None:
        """Say whom code uses that takes names of modules which are not seen to be bound there."""
        dynamic = {code.file for code in self.code if (code.file, OWN) in code.symbols}
        dynamic |= {file for file, bound in self.bound.items() if "__getattr__" in bound}
        for code in self.code:
            for file, _ in code.unbound:
                # A module that makes names of its own by computing them, or one that others put names into.
                if file in dynamic:
                    code.symbols.add((file, EVERY))
                else:
                    code.looks_up = True

    def _settle_hints(self) -> None:
        """Let heads of functions use what their annotations name, because there is code that reads them."""
        for code in self.code:
            node = code.statement.node if code.statement is not None else None
            if isinstance(node, FunctionNode) and not node.decorator_list:
                for chain in words_of(annotations(node)).chains:
                    self._dotted(code, chain, Scope(set(), {}))

    def _turn_around(self) -> None:
        """Index the code by what it is, and by what it uses."""
        for code in self.code:
            names = code.statement_names
            if code.statement is not None:
                self.statements.setdefault(code.file, []).append(code)
            else:
                self.code_of.setdefault((code.file, code.function), []).append(code)
                names = (code.function.partition(".")[0].partition("#")[0],)
            for name in names:
                self.defined_by.setdefault((code.file, name), []).append(code)
            for symbol in code.symbols:
                self.users.setdefault(symbol, []).append(code)
            for text in code.strings:
                self.by_string.setdefault(text.rpartition(".")[2], []).append(code)

    # -- names

    def classes_above(self, file: str, name: str) -> set[Symbol]:
        """Return the project's names that a class is made from, directly or through others; none for what is no class."""
        found: set[Symbol] = set()
        todo = [(file, name)]
        while todo:
            for code in self.defined_by.get(todo.pop(), []):
                # A name that is imported stands for a class elsewhere.
                if code.statement is not None and code.statement.kind in {"class", "import"}:
                    todo += code.symbols - found
                    found |= code.symbols
        return found

    def through_subclasses(self, file: str, name: str) -> list[Code]:
        """Return the code that may come to a class through one that it is made from."""
        above = self.classes_above(file, name) if self.by_subclasses else set()
        if not above:
            return []
        found = []
        for code in self.by_subclasses:
            asked: set[Symbol] = {(code.file, code.function.partition(".")[0])} if "." in code.function else set()
            for chain in code.asked_for_subclasses:
                asked |= self.symbols_of(code.file, chain)
            # Of what it is given, or has computed, nothing is known.
            named = {symbol for symbol in asked if symbol in self.defined_by}
            if not named or named & above:
                found.append(code)
        return found

    def resolve(self, code: Code, chain: list[str], local: Mapping[str, list[tuple[str, str]]]) -> None:
        """Add the symbols that a dotted name refers to: a.b.c uses b of the module a, and so on."""
        root = chain[0]
        if root in local:
            targets = local[root]
        else:
            code.symbols.add((code.file, root))
            targets = self.binding(code.file, root)
            for file in self.stars.get(code.file, set()):
                targets = targets + self.binding(file, root)
        files: set[str] = set()
        for module, name in targets:
            more, symbols = self.meant(module, name)
            files |= more
            code.symbols |= symbols
        position = 1
        dotted = [module if not name else f"{module}.{name}" for module, name in targets]
        while files and position < len(chain):
            name = chain[position]
            dotted = [f"{each}.{name}" for each in dotted]
            further: set[str] = set()
            for each in dotted:
                further |= self.files.get(each, set())
            for file in files:
                # vars(m) and m.__dict__ hold every name.
                code.symbols.add((file, EVERY if name == "__dict__" else name))
                if not further and not self._known(file, name):
                    code.unbound.add((file, name))
                for module, inner in self.bindings.get(file, {}).get(name, []):
                    more, symbols = self.meant(module, inner)
                    further |= more
                    code.symbols |= symbols
            files = further
            position += 1
        # The module itself is what is used: handed to a function, or compared.
        code.symbols |= {(file, EVERY) for file in files}

    def symbols_of(self, file: str, chain: list[str]) -> set[Symbol]:
        """Return what a dotted name outside of functions refers to."""
        probe = Code(file, "", None)
        self.resolve(probe, chain, {})
        return probe.symbols

    def is_module(self, file: str, chain: list[str]) -> bool:
        """Say whether a dotted name stands for a module, or for something in a module of another package."""
        for target in self.binding(file, chain[0]):
            files, _ = self.meant(*target)
            if not files and not self.files.get(target[0]) and not target[1]:
                return True
            for name in chain[1:]:
                further = [(each, name) for file in files for each in self.names[file]]
                files = {each for module, inner in further for each in self.meant(module, inner)[0]}
            if files:
                return True
        return False

    @staticmethod
    def bound_by(statement: Statement) -> set[str]:
        """Return the names that a statement binds itself, and does not only change."""
        return set(statement.names) if statement.kind != "other" else bound_names([statement.node])

    # -- code

    def _index(self, file: str, module: Module) -> None:
        for function in module.functions.values():
            code = Code(file, function.name, None)
            own = self._scope(file, function)
            # A function that is defined inside of another one comes after it.
            outer = self.scopes.get((file, function.name.rpartition(".<locals>.")[0]), Scope(set(), {}))
            scope = self.scopes[file, function.name] = Scope(outer.names | own.names, outer.imports | own.imports)
            self._read(code, enumerate(function.steps), scope)
            self.code.append(code)
        for statement in module.statements:
            code = Code(file, "", statement)
            self._read(code, [(0, statement)], Scope(set(), {}))
            if isinstance(statement.node, ast.AugAssign | ast.Delete):
                code.symbols |= {(file, name) for name in statement.names}
            self.code.append(code)

    def _scope(self, file: str, function: Function) -> Scope:
        """Return the names of a function's own."""
        if id(function) not in self.own_names:
            self.own_names[id(function)] = function, own_names(function)
        _, own = self.own_names[id(function)]
        found: dict[str, list[tuple[str, str]]] = {}
        for node in own.imports:
            for bound, module, name in self.targets(file, node):
                if name != EVERY:
                    found.setdefault(bound, []).append((module, name))
        return Scope(own.bound - own.shared, found)

    def _read(self, code: Code, pieces: Iterable[tuple[int, Step | Statement]], scope: Scope) -> None:
        """Add what pieces of code use to the code that they make up."""
        strings: set[str] = set()
        by_name = False
        for number, part in pieces:
            if id(part) not in self.words:
                nodes = head_of(part) if isinstance(part, Statement) else [part.node]
                self.words[id(part)] = part, words_of(nodes)
            _, words = self.words[id(part)]
            piece = Code(code.file, "", None, frames=words.frames)
            for node in words.imports:
                self._import(piece, node)
            for chain in words.chains:
                self._dotted(piece, chain, scope)
            for call in words.calls:
                by_name |= self._call(piece, call)
            strings |= words.strings
            code.symbols |= piece.symbols
            code.unbound |= piece.unbound
            code.looks_up |= piece.looks_up
            code.frames |= piece.frames
            code.says |= words.says
            code.asked_for_subclasses += [chain[:-1] for chain in words.chains if chain[-1] == SUBCLASSES]
            for symbol in piece.symbols:
                code.where.setdefault(symbol, set()).add(number)
        code.frames |= not FRAMES.isdisjoint(strings)
        if by_name:
            code.strings = {text for text in strings if text.replace(".", "").isidentifier()}

    def _dotted(self, code: Code, chain: list[str], scope: Scope) -> None:
        if chain[0] in scope.imports or chain[0] not in scope.names:
            self.resolve(code, chain, scope.imports)
        code.frames |= not FRAMES.isdisjoint(chain)
        code.looks_up |= chain[:2] == ["sys", "modules"] or chain[0] in {"pkgutil", "__path__"}

    def _import(self, code: Code, node: ast.Import | ast.ImportFrom) -> None:
        self.note(code.file, node)
        for _, module, name in self.targets(code.file, node):
            if name == EVERY:
                code.symbols |= {(file, EVERY) for file in self.files.get(module, set())}
            elif name:
                files, symbols = self.meant(module, name)
                code.symbols |= symbols
                if not files:
                    code.unbound |= {symbol for symbol in symbols if not self._known(*symbol)}

    def _known(self, file: str, name: str) -> bool:
        """Say whether it can be seen what a module's attribute is; some are put there while the program runs."""
        return name in self.bound[file] or bool(self.stars[file]) or (name.startswith("__") and name.endswith("__"))

    def _call(self, code: Code, node: ast.Call) -> bool:
        """Note a call that looks names up; say whether its strings may be names."""
        called = (dotted_name(node.func) or [""])[-1]
        first = node.args[0] if node.args else None
        if called in {"import_module", "__import__"} and isinstance(first, ast.Constant):
            files = self.files.get(str(first.value), set())
            code.symbols |= {(file, EVERY) for file in files}
            self.imports[code.file] |= files
        elif called in LOOKS_UP:
            code.looks_up = True
        if called in OWN_NAMES and not node.args:
            code.symbols.add((code.file, OWN))
        return called in BY_NAME or called.endswith(("attr", "patch"))


def words_of(nodes: Sequence[ast.AST]) -> Words:
    """Return what nodes say, without the bodies of functions in them."""
    found = Words()
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        if type(node) not in _SAYING:
            stack += children(node)
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found.imports.append(node)
            continue
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            # Its body is code of its own.
            stack += head_nodes(node)
            continue
        if isinstance(node, ast.Attribute):
            found.frames |= node.attr in FRAMES
            found.says |= {node.attr} & _LOOKED_FOR
        chain = dotted_name(node)
        if chain is not None:
            found.chains.append(chain)
            found.says |= _LOOKED_FOR.intersection(chain)
            continue
        if isinstance(node, ast.Call):
            found.calls.append(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.strings.add(node.value)
            found.says |= {node.value} & _LOOKED_FOR
        stack += children(node)
    return found


def own_names(function: Function) -> OwnNames:
    """Return the names of a function's own, and what it imports."""
    arguments = function.node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found = OwnNames({each.arg for each in every if each is not None} | bound_names(function.node.body))
    for step in function.steps:
        if isinstance(step.node, ast.Global):
            found.shared |= set(step.node.names)
        elif isinstance(step.node, (ast.Import, ast.ImportFrom)):
            found.imports.append(step.node)
    return found


def head_nodes(node: FunctionNode) -> list[ast.AST]:
    """Return what is evaluated when a function is defined; annotations only where a decorator could read them."""
    arguments = node.args
    found: list[ast.AST] = [*node.decorator_list, *arguments.defaults]
    found += [each for each in arguments.kw_defaults if each is not None]
    return found + annotations(node) if node.decorator_list else found


def annotations(node: FunctionNode) -> list[ast.AST]:
    """Return the annotations of a function's arguments and of what it returns."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    found: list[ast.AST] = [each.annotation for each in every if each is not None and each.annotation is not None]
    return [*found, node.returns] if node.returns is not None else found


def head_of(statement: Statement) -> list[ast.AST]:
    """Return what a statement evaluates at import."""
    node = statement.node
    if isinstance(node, FunctionNode):
        return head_nodes(node)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]
    return [node]
