"""See what is asked of the project's modules while tests run: names that are looked up, and code that is evaluated.

A module that is watched says which of its names were asked for: `m.name`, `getattr(m, name)`, `from m import name`,
`vars(m)`. What a module's own code reads of it goes past that, and is found in the code instead. Its statements run one by one,
each under its own context, so that it is known which of them ran a function. Standard library only; it also runs in the
project's environment.
"""

import __future__

import ast
import builtins
import importlib.machinery
import sys
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

# What the import system itself asks a module for: says that it was imported, and no more.
OF_IMPORTS = {"__spec__", "__path__", "__loader__", "__name__", "__file__", "__package__", "__class__", "__cached__"}
# Stands for them.
IMPORTED = "import"
# All names at once.
EVERY = "*"


class Watch:
    """Runs the project's modules statement by statement, and hears what they are asked for."""

    def __init__(
        self,
        relative: Callable[[str], str],
        statement: Callable[[str, int, Callable[[], None]], None],
        asked: Callable[[str, str], None],
    ) -> None:
        """Take three functions.

        `relative` gives the name of a file of the project, "" for others; `statement` runs a statement of a file, of which it is
        told the number; `asked` is told of a file and the name that its module is asked for.
        """
        self.relative = relative
        self.statement = statement
        self.asked = asked
        self.watched: dict[str, tuple[ModuleType, type]] = {}
        # Files whose modules cannot be watched, because they are no ordinary modules.
        self.unwatched: set[str] = set()
        self._take_over()

    def _take_over(self) -> None:
        loader = importlib.machinery.SourceFileLoader
        original = loader.exec_module
        watch = self

        def exec_module(this: importlib.machinery.SourceFileLoader, module: ModuleType) -> None:
            path = watch.relative(this.path)
            if not path:
                original(this, module)
                return
            watch.see(path, module)
            statements: list[tuple[int, CodeType]] = []

            def whole() -> None:
                plain = type(this).get_code is importlib.machinery.SourceFileLoader.get_code
                found = watch.split(this.get_data(this.path), this.path) if plain else None
                if found is None:
                    original(this, module)
                else:
                    statements.extend(found)

            watch.statement(path, -1, whole)
            namespace = ModuleType.__getattribute__(module, "__dict__")
            for number, code in statements:
                watch.statement(path, number, lambda code=code: exec(code, namespace))  # type: ignore[misc]  # noqa: S102

        loader.exec_module = exec_module  # type: ignore[method-assign,assignment]

    @staticmethod
    def split(data: bytes, path: str) -> list[tuple[int, CodeType]] | None:
        """Return a module's statements as code; None for what Python cannot parse, which is for it to say."""
        try:
            body = ast.parse(data, path).body
        except (SyntaxError, ValueError):
            return None
        flags = 0
        found = []
        for number, node in enumerate(body):
            if isinstance(node, ast.ImportFrom) and node.module == "__future__":
                for alias in node.names:
                    flags |= getattr(__future__, alias.name).compiler_flag
            text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            # A text that is no docstring would become one as the first statement.
            if number == 0 or not text:
                module = ast.Module([node], [])
                found.append((number, compile(module, path, "exec", flags=flags, dont_inherit=True)))
        return found

    def see(self, path: str, module: ModuleType) -> None:
        """Watch a module from here on."""
        known = self.watched.get(path)
        if known is not None and known[0] is module:
            return
        if type(module) is not ModuleType or known is not None:
            self.unwatched.add(path)
            return
        asked = self.asked

        class Watched(ModuleType):
            def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - whatever a module holds
                asked(path, EVERY if name == "__dict__" else IMPORTED if name in OF_IMPORTS else name)
                return ModuleType.__getattribute__(self, name)

        Watched.__name__ = Watched.__qualname__ = "module"
        module.__class__ = Watched
        self.watched[path] = (module, Watched)

    def in_place_of_builtins(self) -> list[tuple[str, str]]:
        """Return the names of Python's own that modules have themselves: file and name."""
        return [
            (path, name)
            for path, (module, _) in self.watched.items()
            for name in ModuleType.__getattribute__(module, "__dict__")
            if hasattr(builtins, name) and not name.startswith("__")
        ]

    def lost(self) -> set[str]:
        """Return the files whose modules were not, or not to the end, what was watched."""
        found = set(self.unwatched)
        for path, (module, kind) in self.watched.items():
            name = ModuleType.__getattribute__(module, "__dict__").get("__name__")
            if type(module) is not kind or sys.modules.get(name, module) is not module:
                found.add(path)
        return found


def evaluated_names(code: CodeType) -> set[str]:
    """Return the names that code uses which a text was made into; none for code of a module's file."""
    if code.co_filename.endswith(".py") or code.co_filename.startswith("<frozen"):
        return set()
    found: set[str] = set()
    stack = [code]
    while stack:
        each = stack.pop()
        found |= {*each.co_names, *each.co_freevars}
        stack += [inner for inner in each.co_consts if isinstance(inner, CodeType)]
    return found
