"""Which code uses a name: resolved statically, inside a module and across the files of a project.

Code is a function's body, a function's head, or a statement that runs at import. What cannot be resolved counts as a use:
a module that is handed around as a value uses all of its names, and code that looks modules up by computed names
(`import_module`, `sys.modules`, `pkgutil`) uses every name there is.
"""

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from cloche.impact.source import Function, FunctionNode, Module, Statement, bound_names, outside_functions

# A use of every name of a file.
EVERY = "*"
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
# Modules whose functions change nothing but what they are given.
PURE = {
    *(
        "abc",
        "builtins",
        "collections",
        "contextlib",
        "copy",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fractions",
    ),
    *(
        "functools",
        "hashlib",
        "inspect",
        "itertools",
        "json",
        "math",
        "numbers",
        "operator",
        "pathlib",
        "platform",
        "re",
    ),
    *("string", "struct", "textwrap", "types", "typing", "typing_extensions", "weakref"),
}
# Functions of other packages that do nothing but wrap, so that only the name they are for changes with them.
WRAPPERS = {
    *("abstractmethod", "cache", "cached_property", "classmethod", "contextmanager", "dataclass", "final", "fixture"),
    *("lru_cache", "namedtuple", "overload", "override", "parametrize", "property", "setter", "getter", "deleter"),
    *(
        "skip",
        "skipif",
        "staticmethod",
        "total_ordering",
        "usefixtures",
        "wraps",
        "xfail",
        "given",
        "settings",
        "example",
    ),
}
DEEP = 20

Symbol = tuple[str, str]


@dataclass
class Code:
    """A piece of code, and what it uses."""

    file: str
    # The function whose body this is, "" for a statement.
    function: str
    statement: Statement | None
    symbols: set[Symbol] = field(default_factory=set)
    strings: set[str] = field(default_factory=set)
    looks_up: bool = False
    # Top-level names whose objects it may change: REGISTRY["x"] = ..., REGISTRY.add(...).
    changes: set[Symbol] = field(default_factory=set)
    # Whether it changes something that nothing here can follow.
    opaque: bool = False
    # What a statement calls, decorators included: it may have effects.
    calls: list[ast.expr] = field(default_factory=list)
    # Attributes of the project's modules that are not seen to be bound there.
    unbound: set[Symbol] = field(default_factory=set)

    @property
    def statement_names(self) -> tuple[str, ...]:
        """The names that a statement binds; none for a function's body."""
        return self.statement.names if self.statement is not None else ()


@dataclass
class Effect:
    """What running a piece of code changes besides the names that it binds."""

    changes: set[Symbol] = field(default_factory=set)
    # Whether it may change more than that.
    unknown: bool = False


@dataclass(frozen=True)
class Scope:
    """The names that a function's body does not share with its module, those of the functions around it included."""

    names: set[str]
    # What it imports itself: bound name -> (module, name in it or "").
    imports: dict[str, list[tuple[str, str]]]


class Project:
    """The modules of a tree, and an index from names to the code that uses them."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        """Index the files of a tree; their names are relative paths."""
        self.modules = modules
        self.files: dict[str, set[str]] = {}
        for file in modules:
            for name in module_names(file, modules):
                self.files.setdefault(name, set()).add(file)
        self.imports: dict[str, set[str]] = {file: set() for file in modules}
        self.external: dict[str, set[str]] = {file: set() for file in modules}
        self.bindings: dict[str, dict[str, list[tuple[str, str]]]] = {}
        self.stars: dict[str, set[str]] = {}
        for file, module in modules.items():
            self.bindings[file], self.stars[file] = self._bindings(file, [each.node for each in module.statements])
        self.bound = {
            file: {name for statement in module.statements for name in statement.names}
            for file, module in modules.items()
        }
        self.code: list[Code] = []
        for file, module in modules.items():
            self._index(file, module)
        self._settle_unbound()
        self.imported_by: dict[str, set[str]] = {}
        self.looking_up = [code for code in self.code if code.looks_up]
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
        dynamic = {file for code in self.code for file, name in code.changes if name == EVERY}
        dynamic |= {file for file, bound in self.bound.items() if "__getattr__" in bound}
        for code in self.code:
            for file, _ in code.unbound:
                # A module that makes names of its own by computing them, or one that others put names into.
                if file in dynamic:
                    code.symbols.add((file, EVERY))
                else:
                    code.looks_up = True

    def _turn_around(self) -> None:
        """Index the code by what it is, and by what it uses."""
        for source, targets in self.imports.items():
            for target in targets | packages_above(source, self.modules):
                self.imported_by.setdefault(target, set()).add(source)
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

    # -- modules

    def _targets(self, file: str, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str]]:
        """Return what an import statement binds: (bound name, module, name in it or "")."""
        if isinstance(node, ast.Import):
            return [
                (alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0], "")
                for alias in node.names
            ]
        base = node.module or ""
        if node.level:
            package = next(iter(sorted(module_names(file, self.modules), key=len, reverse=True)))
            parts = package.split(".")
            up = node.level - (1 if PurePosixPath(file).name == "__init__.py" else 0)
            parts = parts[: len(parts) - up] if up else parts
            base = ".".join([*parts, *([base] if base else [])])
        return [(alias.asname or alias.name, base, alias.name) for alias in node.names]

    def _bindings(self, file: str, nodes: list[ast.stmt]) -> tuple[dict[str, list[tuple[str, str]]], set[str]]:
        """Return bound name -> (module, name in it or "") of imports outside of functions, and the starred modules."""
        found: dict[str, list[tuple[str, str]]] = {}
        stars: set[str] = set()
        for node in outside_functions(nodes):
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                for bound, module, name in self._targets(file, node):
                    if name == EVERY:
                        stars |= self.files.get(module, set())
                    else:
                        found.setdefault(bound, []).append((module, name))
        return found, stars

    def _note_imports(self, file: str, node: ast.Import | ast.ImportFrom) -> None:
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            for _, module, name in self._targets(file, node):
                names |= {module, f"{module}.{name}"}
        for name in names:
            parts = name.split(".")
            known = False
            for end in range(1, len(parts) + 1):
                found = self.files.get(".".join(parts[:end]), set())
                known = known or bool(found)
                self.imports[file] |= found
            if not known:
                self.external[file].add(parts[0])

    def importers(self, file: str) -> set[str]:
        """Return the files that import a file, directly or through others, and the file itself."""
        found = {file}
        todo = [file]
        while todo:
            for each in self.imported_by.get(todo.pop(), set()) - found:
                found.add(each)
                todo.append(each)
        return found

    # -- names

    def _module_or_symbols(self, module: str, name: str, depth: int = 0) -> tuple[set[str], set[Symbol]]:
        """Return what `from module import name` gives: files of modules, and symbols."""
        if not name:
            return self.files.get(module, set()), set()
        files = set(self.files.get(f"{module}.{name}", set()))
        symbols: set[Symbol] = set()
        for file in self.files.get(module, set()):
            symbols.add((file, name))
            if depth < DEEP:
                for further in self.bindings.get(file, {}).get(name, []):
                    more, _ = self._module_or_symbols(*further, depth + 1)
                    files |= more
        return files, symbols

    def _resolve(self, code: Code, chain: list[str], local: Mapping[str, list[tuple[str, str]]]) -> None:
        """Add the symbols that a dotted name refers to: a.b.c uses b of the module a, and so on."""
        root = chain[0]
        if root in local:
            targets = local[root]
        else:
            code.symbols.add((code.file, root))
            targets = self.bindings.get(code.file, {}).get(root, [])
            for file in self.stars.get(code.file, set()):
                targets = targets + self.bindings.get(file, {}).get(root, [])
        files: set[str] = set()
        for module, name in targets:
            more, symbols = self._module_or_symbols(module, name)
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
                    more, symbols = self._module_or_symbols(module, inner)
                    further |= more
                    code.symbols |= symbols
            files = further
            position += 1
        # The module itself is what is used: handed to a function, or compared.
        code.symbols |= {(file, EVERY) for file in files}

    # -- code

    def _index(self, file: str, module: Module) -> None:
        scopes: dict[str, Scope] = {}
        for function in module.functions.values():
            code = Code(file, function.name, None)
            own = self._scope(file, function)
            # A function that is defined inside of another one comes after it.
            outer = scopes.get(function.name.rpartition(".<locals>.")[0], Scope(set(), {}))
            scopes[function.name] = Scope(outer.names | own.names, outer.imports | own.imports)
            local, imported = scopes[function.name].names, scopes[function.name].imports
            self._read(code, function.node.body, local, imported)
            self._effects_of_call(code, function, local)
            self.code.append(code)
        for statement in module.statements:
            code = Code(file, "", statement)
            self._read(code, head_of(statement), set(), {})
            if isinstance(statement.node, ast.AugAssign | ast.Delete):
                code.symbols |= {(file, name) for name in statement.names}
            if statement.names != ("__all__",):
                self._effects(code, statement)
            self.code.append(code)

    def _scope(self, file: str, function: Function) -> Scope:
        """Return the names of a function's own."""
        arguments = function.node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        names = {each.arg for each in every if each is not None} | bound_names(function.node.body)
        shared: set[str] = set()
        imports: list[ast.Import | ast.ImportFrom] = []
        for each in outside_functions(function.node.body):
            if isinstance(each, ast.Global):
                shared |= set(each.names)
            elif isinstance(each, ast.Import | ast.ImportFrom):
                imports.append(each)
        found: dict[str, list[tuple[str, str]]] = {}
        for node in imports:
            for bound, module, name in self._targets(file, node):
                if name != EVERY:
                    found.setdefault(bound, []).append((module, name))
        return Scope(names - shared, found)

    def _read(
        self,
        code: Code,
        nodes: Sequence[ast.AST],
        local: set[str],
        imported: Mapping[str, list[tuple[str, str]]],
    ) -> None:
        """Add what the nodes use to a piece of code."""
        stack = list(reversed(nodes))
        strings: set[str] = set()
        by_name = False
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(code, node)
                continue
            if isinstance(node, FunctionNode):
                # Its body is code of its own.
                stack.extend(head_nodes(node))
                continue
            chain = dotted_name(node)
            if chain is not None:
                if chain[0] in imported or chain[0] not in local:
                    self._resolve(code, chain, imported)
                code.looks_up |= chain[:2] == ["sys", "modules"] or chain[0] in {"pkgutil", "__path__"}
                continue
            if isinstance(node, ast.Call):
                by_name |= self._call(code, node)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                strings.add(node.value)
            stack.extend(ast.iter_child_nodes(node))
        if by_name:
            code.strings = {text for text in strings if text.replace(".", "").isidentifier()}

    def _import(self, code: Code, node: ast.Import | ast.ImportFrom) -> None:
        self._note_imports(code.file, node)
        for _, module, name in self._targets(code.file, node):
            if name == EVERY:
                code.symbols |= {(file, EVERY) for file in self.files.get(module, set())}
            elif name:
                files, symbols = self._module_or_symbols(module, name)
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
            code.symbols.add((code.file, EVERY))
        return called in BY_NAME or called.endswith(("attr", "patch"))

    def _effects(self, code: Code, statement: Statement) -> None:
        """Find what a statement changes besides the names that it binds, and what it calls."""
        if isinstance(statement.node, FunctionNode | ast.ClassDef):
            # A decorator without a call is called all the same.
            code.calls += statement.node.decorator_list
            return
        told = isinstance(statement.node, ast.Expr)
        for node in outside_functions([statement.node]):
            if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(node.ctx, (ast.Store, ast.Del)):
                self._changed(code, node.value)
            elif isinstance(node, ast.Call):
                code.calls.append(node)
                chain = dotted_name(node.func.value) if isinstance(node.func, ast.Attribute) else None
                if isinstance(node.func, ast.Attribute) and (chain is None or not self._is_module(code.file, chain)):
                    self._called_on(code, node.func.value)
                if told or (isinstance(node.func, ast.Name) and node.func.id in {"setattr", "delattr"}):
                    # What is called for its effects may change what it is given.
                    for each in [*node.args, *(keyword.value for keyword in node.keywords)]:
                        self._called_on(code, each)

    def _called_on(self, code: Code, node: ast.expr) -> None:
        """Note that an object may change, if it has a name."""
        inner: ast.expr = node
        while isinstance(inner, ast.Subscript | ast.Attribute | ast.Call | ast.Starred):
            inner = inner.func if isinstance(inner, ast.Call) else inner.value
        chain = dotted_name(inner)
        if chain is not None and not isinstance(node, ast.Constant):
            self._changed(code, node)

    def _effects_of_call(self, code: Code, function: Function, local: set[str]) -> None:
        """Find what a function's body changes besides its own variables."""
        arguments = function.node.args
        by_place = [*arguments.posonlyargs, *arguments.args]
        given = [*arguments.defaults, *arguments.kw_defaults]
        names = [*by_place[len(by_place) - len(arguments.defaults) :], *arguments.kwonlyargs]
        defaults = {name.arg: value for name, value in zip(names, given, strict=True) if value is not None}
        for node in outside_functions(function.node.body):
            base: ast.expr | None = None
            if isinstance(node, ast.Global):
                code.changes |= {(code.file, name) for name in node.names}
            elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                base = node.value
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                base = node.value.func.value if isinstance(node.value.func, ast.Attribute) else None
            while isinstance(base, ast.Subscript | ast.Attribute | ast.Call):
                base = base.func if isinstance(base, ast.Call) else base.value
            if not isinstance(base, ast.Name):
                continue
            if base.id not in local:
                self._changed(code, base)
            elif base.id in defaults:
                # What a parameter stands for when nothing is given.
                self._called_on(code, defaults[base.id])

    def _changed(self, code: Code, node: ast.expr) -> None:
        while isinstance(node, ast.Subscript | ast.Call | ast.Starred):
            node = node.func if isinstance(node, ast.Call) else node.value
        chain = dotted_name(node)
        if chain is None:
            code.opaque = True
            return
        if chain[0] in OWN_NAMES:
            code.changes.add((code.file, EVERY))
            return
        code.changes.add((code.file, chain[0]))
        # An attribute of a module outside of the project, such as sys.modules.
        code.opaque |= any(
            not self.files.get(module) and module.partition(".")[0] not in PURE
            for module, _ in self.bindings[code.file].get(chain[0], [])
        )
        probe = Code(code.file, "", None)
        self._resolve(probe, chain, {})
        code.changes |= probe.symbols

    def _is_module(self, file: str, chain: list[str]) -> bool:
        return any(
            not name or self.files.get(f"{module}.{name}") for module, name in self.bindings[file].get(chain[0], [])
        )

    def effect(self, code: Code) -> Effect:
        """Return what running a piece of code changes, that of the project's functions that it calls included."""
        found = Effect(set(code.changes), code.opaque)
        todo: list[Symbol] = []
        for call in code.calls:
            # What a decorator is called with is itself a call.
            target: ast.expr = call
            while isinstance(target, ast.Call):
                target = target.func
            chain = dotted_name(target)
            if chain is None:
                continue
            probe = Code(code.file, "", None)
            self._resolve(probe, chain, {})
            todo += probe.symbols
            told = code.statement is not None and not isinstance(code.statement.node, ast.Assign | ast.AnnAssign)
            modules = [module for module, _ in self.bindings[code.file].get(chain[0], [])]
            outside = [each for each in modules if not self.files.get(each) and each.partition(".")[0] not in PURE]
            found.unknown |= told and bool(outside) and chain[-1] not in WRAPPERS
        self._reached(todo, found)
        return found

    def _reached(self, todo: list[Symbol], found: Effect) -> None:
        """Add what the functions behind these names change, and those that they use."""
        seen: set[Symbol] = set()
        while todo:
            symbol = todo.pop()
            if symbol in seen:
                continue
            seen.add(symbol)
            for code in self.defined_by.get(symbol, []):
                if code.function:
                    found.changes |= code.changes
                todo += code.symbols


def head_nodes(node: FunctionNode) -> list[ast.AST]:
    """Return what is evaluated when a function is defined; annotations only where a decorator could read them."""
    arguments = node.args
    found: list[ast.AST] = [*node.decorator_list, *arguments.defaults]
    found += [each for each in arguments.kw_defaults if each is not None]
    if node.decorator_list:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        found += [each.annotation for each in every if each is not None and each.annotation is not None]
    return found


def head_of(statement: Statement) -> list[ast.AST]:
    """Return what a statement evaluates at import."""
    node = statement.node
    if isinstance(node, FunctionNode):
        return head_nodes(node)
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases, *(each.value for each in node.keywords)]
    return [node]


def dotted_name(node: ast.AST) -> list[str] | None:
    """Return ["a", "b"] for the expression a.b, None for one that does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return [node.id, *reversed(parts)]


def module_names(file: str, files: Mapping[str, object]) -> list[str]:
    """Return the names that a file can be imported by, the shortest first.

    The shortest starts where folders stop to have __init__.py; the longer ones serve namespace packages, and tests that
    are found from the project's own folder.
    """
    path = PurePosixPath(file)
    parts = list(path.with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    if not parts:
        return [""]
    start = len(path.parts) - 1
    while start > 0 and "/".join([*path.parts[:start], "__init__.py"]) in files:
        start -= 1
    start = min(start, len(parts) - 1)
    return [".".join(parts[begin:]) for begin in range(start, -1, -1)]


def packages_above(file: str, files: Mapping[str, object]) -> set[str]:
    """Return the __init__.py files that run before a file does."""
    found = set()
    for parent in PurePosixPath(file).parents:
        name = (parent / "__init__.py").as_posix()
        if name not in files:
            break
        if name != file:
            found.add(name)
    return found
