"""The closure of an image: which store paths are in it, why, and what must not be; standard library only."""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cloche.image.layer import STORE, Layer, members

# Programs that make other programs, under their own names, Debian's and a cross compiler's, in whatever folder.
COMPILER = re.compile(
    r"(.*/)?([a-z0-9_]+-([a-z0-9_]+-)?(linux|none|elf)(-[a-z0-9]+)?-)?"
    r"(gcc|g\+\+|cc|c\+\+|cpp|clang|clang\+\+|gfortran|flang|cc1|cc1plus|f951|lto1|collect2|tcc|nvcc|ptxas|ld|ld\.(bfd|gold|lld)|lld|as|"
    r"rustc|go|ghc|javac|zig|ocamlopt|ldc2|dmd|gdc|icx|icpx|ifx)(-[0-9.]+)?"
)
HEADER = re.compile(r"(usr/)?include/.*\.(h|hh|hpp|hxx|inc)")
HASH = re.compile(r"^[0-9a-df-np-sv-z]{32}-")
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
        Unwanted(
            path, f"it holds {culprit} (as `allowed' would name it: {store_name(path)})", tuple(closure.chain(path))
        )
        for path, culprit in sorted(culprits.items())
        if path in closure.paths and path not in development
    ]
    return found


def development_files(layer: Layer) -> dict[str, str]:
    """Return the store paths of a layer that hold a compiler or header, each with the first of these files."""
    names: dict[str, list[tuple[str, bool]]] = {}
    for member in members(layer):
        path, _, below = member.info.name.removeprefix(f"{STORE}/").partition("/")
        if member.info.name.startswith(f"{STORE}/") and not member.info.isdir():
            # What cannot be executed is no program; a link has no mode of its own.
            program = member.info.issym() or bool(member.info.mode & 0o111)
            names.setdefault(f"/{STORE}/{path}", []).append((below, program))
    return {path: culprit for path, below in names.items() if (culprit := development_file(below))}


def development_file(files: Iterable[tuple[str, bool]]) -> str:
    """Return the first compiler or header among one store path's files, or an empty text.

    Each file is (name, whether it may be a program). A wheel is used as published, its headers included; a compiler in
    it is told.
    """
    listed = sorted(files)
    wheel = any(SITE_PACKAGES.match(name) for name, _ in listed)
    for name, program in listed:
        if (program and COMPILER.fullmatch(name)) or (not wheel and HEADER.fullmatch(name)):
            return name
    return ""


def store_name(path: str) -> str:
    """Return what a store path is called, without its hash."""
    return HASH.sub("", path.rpartition("/")[2])


def permitted(paths: Iterable[str], development: Mapping[str, Mapping[str, str]], allowed: Iterable[str]) -> set[str]:
    """Return the paths that an image may hold all the same: by the name of a role or package, or by their own."""
    names = set(allowed)
    named = {path for path, what in development.items() if what["name"] in names}
    return named | {path for path in paths if store_name(path) in names}


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
