"""Note which locked packages a Python process looks for, and refuse those that its batch of tests was not given.

A package is seen when one of its files is opened, listed or asked for, when its metadata is looked up by name, and when
somebody asks for entry points of a group that it has. Whoever lists all packages needs them all.

Standard library only: it is imported by the project's Python, before anything else.
"""

import atexit
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any

EVERY = "*"
LIBRARY = os.path.dirname(os.__file__)
# Python's reader of metadata, and the same as a package.
METADATA = (f"{LIBRARY}/importlib/metadata/", "/site-packages/importlib_metadata/")
# These find modules and plugins; those that change every run are given to every batch.
SEARCHING = (
    "<frozen importlib",
    "<frozen site>",
    f"{LIBRARY}/site.py",
    "/site-packages/_pytest/",
    "/site-packages/pluggy/",
)
# name-version.dist-info
INFO = re.compile(r"(.+?)-[^-]*\.(?:dist|egg)-info")


def normal(name: str) -> str:
    """Return a package's name as locks have it (https://peps.python.org/pep-0503/)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Packages:
    """The packages of one environment, as a process comes to see them."""

    def __init__(
        self,
        settings: dict[str, Any],
        note: Callable[[str, str], None],
        refuse: Callable[[str, str], None],
        plumbing: tuple[str, ...],
    ) -> None:
        """Take { environment, site, table, absent, wheels }; `note` is told a package, `refuse` a package and how.

        Files that begin with `plumbing` do what others ask for.
        """
        self.plumbing = (*plumbing, f"{os.path.dirname(__file__)}/")
        self.environment: str = settings["environment"].rstrip("/") + "/"
        self.site: str = f"{self.environment}{settings['site']}"
        self.wheels: dict[str, str] = settings["wheels"]
        self.absent: frozenset[str] = frozenset(settings["absent"])
        self.names: set[str] = set(settings["table"])
        self.note, self.refuse = note, refuse
        self.known: set[str] = set()
        # The original, which is called from here.
        self.lstat = os.lstat
        # The groups of entry points, and the names of files: without suffix in site-packages, whole elsewhere.
        self.groups: dict[str, list[str]] = {}
        self.modules: dict[str, list[str]] = {}
        self.files: dict[str, list[str]] = {}
        for name, offers in settings["table"].items():
            for target, key in ((self.groups, "groups"), (self.modules, "modules"), (self.files, "files")):
                for each in offers.get(key, []):
                    target.setdefault(each, []).append(name)
        if settings["wheels"]:
            atexit.register(self.mapped)

    # -- whose a path is

    def owners(self, path: str, *, parts: bool = False) -> list[str]:
        """Return the packages that have a file or folder; with `parts` also those that have something in a shared folder."""
        if path.startswith(f"{self.site}/"):
            return self.owners_of_module(path[len(self.site) + 1 :].split("/"), parts=parts)
        if path.startswith(self.environment):
            return below(path[len(self.environment) :].split("/"), self.files, parts=parts)
        found = self.wheels.get("/".join(path.split("/", 4)[:4]))
        return [found] if found else []

    def owners_of_module(self, words: list[str], *, parts: bool) -> list[str]:
        """Return the packages that have a path below site-packages."""
        info = INFO.fullmatch(words[0])
        if info:
            name = normal(info[1])
            return [name] if name in self.names else []
        words = [word for word in words if word != "__pycache__"]
        if not words:
            return []
        return below(words, self.modules) or below(
            [*words[:-1], words[-1].partition(".")[0]], self.modules, parts=parts
        )

    # -- what is asked for

    def look(self, path: str, *, parts: bool = False) -> None:
        """Note whose a path is that somebody looks for; refuse it where it was left out."""
        owners = self.owners(path, parts=parts)
        if self.known.issuperset(owners):
            return
        inside = path.startswith(f"{self.site}/") and path[len(self.site) + 1 :].partition("/")[0]
        if inside and INFO.fullmatch(inside) and self.asker()[1] is not None:
            # What Python's reader of metadata opens; it has said for whom (find_distributions).
            return
        # Several packages may have the same file.
        if not self.absent or not self.is_there(path):
            self.see(owners, "looked for")

    def is_there(self, path: str) -> bool:
        """Return whether something is there, without having looked for it."""
        try:
            self.lstat(path)
        except (OSError, ValueError):
            return False
        return True

    def see(self, owners: Sequence[str], how: str) -> None:
        """Note packages; refuse those that were left out."""
        for name in owners:
            if name in self.absent:
                self.refuse(name, how)
            elif name not in self.known:
                self.known.add(name)
                self.note("package", name)

    def listed(self, path: str) -> None:
        """Note that a folder is listed."""
        if self.asker()[1] is not None:
            # Python's reader of metadata; it has said for whom.
            return
        if path.rstrip("/") in {self.site, f"{self.environment}bin"}:
            if not self.searches():
                self.every("listed")
        elif not self.searches():
            self.look(path, parts=True)

    def every(self, how: str) -> None:
        """Note that all packages are asked for."""
        if self.absent:
            self.refuse(min(self.absent), f"{how} all packages, and so")
        elif EVERY not in self.known:
            self.known.add(EVERY)
            self.note("package", EVERY)

    def imported(self, name: str, path: Sequence[str] | None) -> None:
        """Refuse an import that found nothing, where it is that of a package which was left out."""
        if not self.absent:
            return
        if path is None:
            self.refuse_absent(below(name.split("."), self.modules, parts=True))
            return
        for entry in path:
            if entry.startswith(f"{self.site}/"):
                self.refuse_absent(self.owners(f"{entry}/{name.rpartition('.')[2]}", parts=True))

    def refuse_absent(self, owners: Sequence[str]) -> None:
        """Refuse what nobody else has."""
        if owners and self.absent.issuperset(owners):
            self.see(owners, "imported")

    def metadata(self, name: str | None, path: Sequence[str]) -> None:
        """Note whose metadata is asked for: one package's by its name, those with entry points of a group, or all."""
        if self.site not in path:
            return
        if name is not None:
            found = normal(name)
            self.see([found] if found in self.names else [], "asked for the metadata of")
            return
        if self.searches():
            return
        group, _ = self.asker()
        if group is None:
            self.every("asked for the metadata of")
        else:
            self.see(self.groups.get(group, []), f"asked for entry points {group} of")

    # -- who asks

    def frames(self) -> Iterator[FrameType]:
        """Yield the frames of who asks."""
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the caller's frame has no other name
        while frame is not None:
            if not frame.f_code.co_filename.startswith(self.plumbing):
                yield frame
            frame = frame.f_back

    def asker(self) -> tuple[str | None, str | None]:
        """Return the group of entry points that Python's reader of metadata is asked for, and the reader's file."""
        reader = None
        for frame in self.frames():
            file = frame.f_code.co_filename
            if any(part in file for part in METADATA):
                reader = file
                if frame.f_code.co_name == "entry_points" and "params" in frame.f_locals:
                    group = frame.f_locals["params"].get("group")
                    return (group if isinstance(group, str) else None), reader
            elif reader is not None or not file.startswith(LIBRARY):
                break
        return None, reader

    def searches(self) -> bool:
        """Return whether Python itself or pytest asks, in order to find modules and plugins."""
        for frame in self.frames():
            file = frame.f_code.co_filename
            if any(part in file for part in METADATA):
                continue
            return any(part in file for part in SEARCHING)
        return False

    def mapped(self) -> None:
        """Note the packages whose libraries the loader has brought in, which Python is not told of."""
        with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as file:
            paths = {line.split(maxsplit=5)[5].rstrip("\n") for line in file if line.count("/")}
        for path in sorted(paths):
            self.see(self.owners(path), "loaded")


def below(words: list[str], names: dict[str, list[str]], *, parts: bool = False) -> list[str]:
    """Return who has a path or a folder that it is in, and with `parts` who has a part of a folder that several share."""
    for end in range(1, len(words) + 1):
        found = names.get("/".join(words[:end]))
        if found:
            return found
    if not parts:
        return []
    start = "/".join(words) + "/"
    return sorted({name for each, owners in names.items() if each.startswith(start) for name in owners})
