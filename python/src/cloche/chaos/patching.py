"""Wrapping the operations of modules and classes for the length of a session, also in modules that are imported later."""

import functools
import importlib.abc
import importlib.machinery
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

Wrapper = Callable[..., Any]
# Sets of functions that os keeps to say what they can do.
_ABILITIES = [value for name, value in vars(os).items() if name.startswith("supports_") and isinstance(value, set)]


class Patches:
    """The wrappers of a session; `undo` takes them away again."""

    def __init__(self, types: frozenset[str]) -> None:
        self.types = types
        self._undo: list[Callable[[], None]] = []
        self._later: dict[str, list[Callable[[ModuleType], None]]] = {}

    def replace(self, owners: Sequence[Any] | Any, name: str, make: Callable[[Any], Wrapper]) -> None:
        """Put make(original) in the place of an attribute of one owner, or of several that have the same."""
        owners = owners if isinstance(owners, tuple) else (owners,)
        original, of_class = getattr(owners[0], name), isinstance(vars(owners[0]).get(name), classmethod)
        if of_class:
            original = original.__func__
        wrapper = functools.wraps(original)(make(original))
        for abilities in _ABILITIES:
            if original in abilities:
                abilities.add(wrapper)
        for owner in owners:
            own = name in vars(owner)
            before = vars(owner).get(name)
            setattr(owner, name, classmethod(wrapper) if of_class else wrapper)
            self._undo.append(
                functools.partial(setattr, owner, name, before) if own else functools.partial(delattr, owner, name)
            )

    def when_imported(self, name: str, act: Callable[[ModuleType], None]) -> None:
        """Call act(module) now, or as soon as the module has been imported."""
        if name in sys.modules:
            act(sys.modules[name])
            return
        if not self._later:
            finder = _Finder(self._later)
            sys.meta_path.insert(0, finder)
            self._undo.append(functools.partial(sys.meta_path.remove, finder))
        self._later.setdefault(name, []).append(act)

    def undo(self) -> None:
        """Restore what was there, the latest first."""
        while self._undo:
            self._undo.pop()()


class _Finder(importlib.abc.MetaPathFinder):
    """Lets the others find a module, and has something done after it was executed."""

    def __init__(self, wanted: dict[str, list[Callable[[ModuleType], None]]]) -> None:
        self.wanted = wanted
        self.busy: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a wanted module as the others do, and wrap its loader."""
        if name not in self.wanted or name in self.busy:
            return None
        self.busy.add(name)
        try:
            for finder in sys.meta_path:
                spec = None if finder is self else finder.find_spec(name, path, target)
                if spec is not None:
                    break
            else:
                return None
        finally:
            self.busy.discard(name)
        if spec.loader is not None:
            loader = spec.loader
            execute = loader.exec_module

            def exec_module(module: ModuleType) -> None:
                execute(module)
                for act in self.wanted.pop(name, []):
                    act(module)

            # On this instance: each module has a loader of its own.
            loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
