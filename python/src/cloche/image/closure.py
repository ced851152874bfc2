"""The closure of an image: which store paths are in it, why, and what must not be; standard library only."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloche.image.layer import STORE, Layer, members

# Programs that make other programs, under their own names, Debian's and a cross compiler's.
COMPILER = re.compile(
    r"(usr/)?(s?bin|libexec/gcc.*|lib/gcc.*)/([a-z0-9_]+-linux-gnu-)?"
    r"(gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|gfortran|cc1|cc1plus|f951|ld|ld\.(bfd|gold|lld)|as)(-[0-9.]+)?"
)
HEADER = re.compile(r"(usr/)?include/.*\.(h|hh|hpp|hxx|inc)")
SITE_PACKAGES = re.compile(r"lib/python[0-9.]+/site-packages")


@dataclass(frozen=True)
class Closure:
    """Store paths with what each refers to, from the roots that an image was asked to hold."""

    roots: tuple[str, ...]
    references: Mapping[str, frozenset[str]]

    @classmethod
    def from_graph(cls, roots: Iterable[str], graph: Iterable[Mapping[str, object]]) -> "Closure":
        """Return the closure that Nix's exportReferencesGraph tells."""
        references = {}
        for node in graph:
            named = node["references"]
            if not isinstance(named, list):
                message = f"{node['path']} has no list of references"
                raise TypeError(message)
            references[str(node["path"])] = frozenset(named) - {str(node["path"])}
        return cls(tuple(sorted(roots)), references)

    @property
    def paths(self) -> frozenset[str]:
        """All store paths."""
        return frozenset(self.references)

    def chain(self, path: str) -> list[str]:
        """Return a shortest way from a root to a path, both included: why it is there; empty where it is not."""
        before: dict[str, str] = {}
        queue = deque(self.roots)
        seen = set(self.roots)
        while queue:
            here = queue.popleft()
            if here == path:
                way = [here]
                while way[-1] in before:
                    way.append(before[way[-1]])
                return way[::-1]
            for there in sorted(self.references.get(here, ())):
                if there not in seen:
                    seen.add(there)
                    before[there] = here
                    queue.append(there)
        return []


@dataclass(frozen=True)
class Unwanted:
    """A store path that belongs to development, or a file of that kind in it, and the way that leads to it."""

    path: str
    why: str
    chain: tuple[str, ...]

    def __str__(self) -> str:
        """Return the lines that a person reads."""
        first, *others = self.chain
        way = [f"    {first}", *(f"    refers to {path}" for path in others)]
        return "\n".join([f"  {self.path}: {self.why}. It is there because", *way])


def unwanted(
    closure: Closure,
    development: Mapping[str, str],
    culprits: Mapping[str, str],
) -> list[Unwanted]:
    """Return what must not be in an image, sorted by path.

    `development` maps store paths to what they are. `culprits` maps store paths to a compiler or header that is in them
    (`development_files`), whatever the path is called.
    """
    found = [
        Unwanted(path, what, tuple(closure.chain(path)))
        for path, what in sorted(development.items())
        if path in closure.paths
    ]
    found += [
        Unwanted(path, f"it holds {culprit}", tuple(closure.chain(path)))
        for path, culprit in sorted(culprits.items())
        if path in closure.paths and path not in development
    ]
    return found


def development_files(layer: Layer) -> dict[str, str]:
    """Return the store paths of a layer that hold a compiler or header, each with the first of these files."""
    names: dict[str, list[str]] = {}
    for member in members(layer):
        path, _, below = member.info.name.removeprefix(f"{STORE}/").partition("/")
        if member.info.name.startswith(f"{STORE}/") and not member.info.isdir():
            names.setdefault(f"/{STORE}/{path}", []).append(below)
    return {path: culprit for path, below in names.items() if (culprit := development_file(below))}


def development_file(names: Iterable[str]) -> str:
    """Return the first compiler or header among the names of one store path's files, or an empty text.

    A wheel is used as published, its headers included; a compiler in it is told.
    """
    listed = sorted(names)
    wheel = any(SITE_PACKAGES.match(name) for name in listed)
    for name in listed:
        if COMPILER.fullmatch(name) or (not wheel and HEADER.fullmatch(name)):
            return name
    return ""


def refusal(found: list[Unwanted], image: str) -> str:
    """Return the message for what must not be in the image of that name."""
    return "\n".join(
        [
            f"the image {image} would hold what is only for development:",
            *map(str, found),
            "Take the reference out of what holds it; if the image does need it, name it in",
            f"cloche.images.{image}.allowed.",
        ]
    )
