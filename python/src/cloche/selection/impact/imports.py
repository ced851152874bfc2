"""Which module of a tree imports which, and what their names stand for across modules."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from cloche.selection.impact.source import Module

# All names of a module.
EVERY = "*"
DEEP = 20

# A file, and a name at its top level.
Symbol = tuple[str, str]
# A module's name, and a name in it or "" for the module itself.
Target = tuple[str, str]


@dataclass(frozen=True)
class Scope:
    """The names that a function's body does not share with its module, those of the functions around it included."""

    names: set[str]
    # What it imports itself.
    imports: dict[str, list[Target]]


class Imports:
    """The modules of a tree, and what is imported from where."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        """Read the imports of a tree; the names of its files are relative paths."""
        self.modules = modules
        # File -> the names that it can be imported by.
        self.names = {file: module_names(file, modules) for file in modules}
        # Dotted name -> files.
        self.files: dict[str, set[str]] = {}
        for file in modules:
            for name in self.names[file]:
                self.files.setdefault(name, set()).add(file)
        # File -> files that it imports, and packages from elsewhere.
        self.imports: dict[str, set[str]] = {file: set() for file in modules}
        self.external: dict[str, set[str]] = {file: set() for file in modules}
        # File -> name that is bound outside of functions -> what it stands for.
        self.bindings: dict[str, dict[str, list[Target]]] = {}
        # File -> files of which it takes all names.
        self.stars: dict[str, set[str]] = {}
        for file, module in modules.items():
            self.bindings[file], self.stars[file] = self._bindings(file, module)
        self._imported_by: dict[str, set[str]] | None = None

    def targets(self, file: str, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str]]:
        """Return what an import statement binds: (bound name, module, name in it or "")."""
        if isinstance(node, ast.Import):
            return [
                (alias.asname or alias.name.split(".")[0], alias.name if alias.asname else alias.name.split(".")[0], "")
                for alias in node.names
            ]
        base = node.module or ""
        if node.level:
            package = next(iter(sorted(self.names[file], key=len, reverse=True)))
            parts = package.split(".")
            up = node.level - (1 if PurePosixPath(file).name == "__init__.py" else 0)
            parts = parts[: len(parts) - up] if up else parts
            base = ".".join([*parts, *([base] if base else [])])
        return [(alias.asname or alias.name, base, alias.name) for alias in node.names]

    def _bindings(self, file: str, module: Module) -> tuple[dict[str, list[Target]], set[str]]:
        found: dict[str, list[Target]] = {}
        stars: set[str] = set()
        for node in module.imports:
            for bound, other, name in self.targets(file, node):
                if name == EVERY:
                    stars |= self.files.get(other, set())
                else:
                    found.setdefault(bound, []).append((other, name))
        return found, stars

    def note(self, file: str, node: ast.Import | ast.ImportFrom) -> None:
        """Take note of what an import statement imports, wherever it stands in the file."""
        names: set[str] = set()
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            for _, module, name in self.targets(file, node):
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
        if self._imported_by is None:
            self._imported_by = {}
            for source, targets in self.imports.items():
                for target in targets | packages_above(source, self.modules):
                    self._imported_by.setdefault(target, set()).add(source)
        found = {file}
        todo = [file]
        while todo:
            for each in self._imported_by.get(todo.pop(), set()) - found:
                found.add(each)
                todo.append(each)
        return found

    def meant(self, module: str, name: str, depth: int = 0) -> tuple[set[str], set[Symbol]]:
        """Return what `from module import name` gives: files of modules, and symbols."""
        if not name:
            return self.files.get(module, set()), set()
        files = set(self.files.get(f"{module}.{name}", set()))
        symbols: set[Symbol] = set()
        for file in self.files.get(module, set()):
            symbols.add((file, name))
            if depth < DEEP:
                for further in self.bindings.get(file, {}).get(name, []):
                    more, _ = self.meant(*further, depth + 1)
                    files |= more
        return files, symbols

    def binding(self, file: str, name: str) -> list[Target]:
        """Return what a name at the top level stands for, if it is imported; a package has its modules as names, too."""
        found = self.bindings.get(file, {}).get(name, [])
        if not found and PurePosixPath(file).name == "__init__.py":
            for package in self.names[file]:
                if f"{package}.{name}" in self.files:
                    return [(f"{package}.{name}", "")]
        return found

    def from_elsewhere(self, file: str, chain: list[str]) -> list[tuple[str, str]]:
        """Return what a dotted name stands for in other packages: the package, and the last name."""
        found = []
        for module, name in self.binding(file, chain[0]):
            if not self.files.get(module):
                *_, last = ["", *([name] if name else []), *chain[1:]]
                found.append((module.partition(".")[0], last))
        return found


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


def dotted_name(node: ast.AST) -> list[str] | None:
    """Return ["a", "b"] for the expression a.b, None for one that does not begin with a name."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return [node.id, *reversed(parts)]
