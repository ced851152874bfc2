"""Note which files of the project a Python process looks for, and refuse what its batch of tests has not been given.

Every process of a test environment imports this at its start (a .pth file), so child processes are seen too. Python's
audit events tell of files that are opened, folders that are listed and programs that are started; calls without an
event (stat, access, readlink) are wrapped; a finder at the end of sys.meta_path hears of imports that found nothing.

With a record (`allowed`), a look-up of a name that is not there and that the record does not have raises
ClosureIncompleteError, which is no Exception, so that a probe (`except ImportError`, `exists()`) does not swallow it. It
is logged before it is raised, so that the recording fails even where it is swallowed.

Standard library only: it is imported by the project's Python, before anything else.
"""

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, ModuleType
from typing import Any

from .packages import Packages
from .words import above, elsewhere, without_site

# What tools leave behind in a tree; the tree that tests are given has none of it.
CACHES = {"__pycache__", ".git", ".hg", ".pytest_cache", ".hypothesis", ".mypy_cache", ".ruff_cache"}
CACHE_FILES = (".coverage.", "<")
# Programs that read nothing of a project.
HARMLESS = {"uname", "ldconfig", "true", "false", "sleep", "kill", "lscpu"}
# Python's own library. It is compared by its path: a project may well have an inspect.py of its own.
LIBRARY = os.path.dirname(os.__file__)
# Modules through which others look: whoever called them is who asks.
PLUMBING = (
    *(f"{LIBRARY}/{name}" for name in ("codecs.py", "contextlib.py", "genericpath.py", "glob.py", "os.py")),
    *(f"{LIBRARY}/{name}" for name in ("pathlib.py", "pathlib/", "posixpath.py", "shutil.py")),
    "<frozen codecs>",
    "<frozen genericpath>",
    "<frozen os>",
    "<frozen posixpath>",
    __file__,
)
PATHS_OF_PYTEST = "/site-packages/_pytest/_py/"
# These only ask in order to find test files, modules and metadata of distributions: conftest.py, __init__.py,
# configuration files and *.dist-info belong to every closure by rule (lib/tests/needs.nix).
SEARCHERS = (f"{LIBRARY}/importlib/metadata/", "<frozen importlib")
SEARCHING = ("/site-packages/_pytest/", "/site-packages/pluggy/")
# What notes lines asks where files are that others have opened.
NOTING = ("/site-packages/_cloche_trace/selection/impact/", "/site-packages/coverage/")
# These ask for the sources of modules, to show them.
SHOWING = tuple(f"{LIBRARY}/{name}" for name in ("inspect.py", "linecache.py", "tokenize.py"))
# Whoever calls these asks for a module.
IMPORTING = (f"{LIBRARY}/importlib/", "<frozen importlib", __file__)
IMPORTS_FOR_TESTS = "/site-packages/_pytest/outcomes.py"


# The variable that holds the path of the test file whose turn it is; children inherit it.
TURN = "CLOCHE_TEST_FILE"


class ClosureIncompleteError(BaseException):
    """Something was looked for that the record of this batch of tests does not have."""


class Tracer:
    """The names of one process, and the log that all processes of a run share."""

    def __init__(self, configuration: dict[str, Any]) -> None:
        """Take the folders that count, as [path, name in the project], and the record, if there is one."""
        prefixes = sorted(((path.rstrip("/"), name) for path, name in configuration["prefixes"]), reverse=True)
        self.prefixes: list[tuple[str, str]] = prefixes
        self.starts = tuple(path for path, _ in prefixes)
        # Folders whose Python programs have these hooks too.
        self.pythons = tuple(configuration["pythons"])
        recorded = configuration["recorded"]
        self.allowed = None if recorded is None else frozenset(recorded["names"])
        self.missing = None if recorded is None else frozenset(recorded["missing"])
        self.tops = frozenset() if recorded is None else frozenset(recorded["tops"])
        self.programs = None if recorded is None else frozenset(recorded["programs"])
        self.own = tuple(configuration["scratch"])
        packages = configuration["packages"]
        refuse = functools.partial(self.refuse, key="packages")
        self.packages = None if packages is None else Packages(packages, self.note, refuse, PLUMBING)
        self.searching = (*SEARCHING, *NOTING) if configuration["coverage"] else SEARCHING
        self.known: set[tuple[str, str]] = set()
        self.made: set[str] = set()
        self.log: str = configuration["log"]
        self.descriptor: int | None = None
        self.inode = 0
        # The originals, which are called from here.
        self.lstat, self.readlink = os.lstat, os.readlink
        self.frame: Callable[[int], FrameType] = sys._getframe  # noqa: SLF001 - the caller's frame has no other name

    # -- names

    def absolute(self, path: object) -> str:
        """Return a path from the root, "" for what is none."""
        try:
            text = self.behind(path) if isinstance(path, int) else os.fsdecode(path)  # type: ignore[arg-type]
            return text if text.startswith("/") else f"{os.getcwd()}/{text}"
        except (OSError, TypeError, ValueError):
            return ""

    def name(self, path: object) -> str | None:
        """Return a path's name in the project ("" for its top), None for one elsewhere."""
        text = self.absolute(path)
        if not text.startswith(self.starts):
            return None
        text = os.path.normpath(text)
        for start, name in self.prefixes:
            if text == start or text.startswith(f"{start}/"):
                rest = text[len(start) + 1 :]
                return "/".join(part for part in (name, rest) if part)
        return None

    def behind(self, descriptor: int) -> str:
        """Return the path of an open file or folder."""
        link: str = self.readlink(f"/proc/self/fd/{descriptor}")
        return link

    def counts(self, name: str) -> str:
        """Return the name that counts: of byte code its module's, "" for what is left behind by tools."""
        parts = name.split("/")
        if len(parts) > 1 and parts[-2] == "__pycache__" and parts[-1].endswith(".pyc"):
            return "/".join([*parts[:-2], f"{parts[-1].partition('.')[0]}.py"])
        if CACHES.intersection(parts) or parts[-1].startswith(CACHE_FILES) or parts[-1] == ".coverage":
            return ""
        return "" if any(part in self.made for part in above(name)) or self.is_own(name) else name

    def is_own(self, name: str) -> bool:
        """Return whether tests make this themselves, as cloche.tests.scratch says."""
        if not self.own:
            return False
        from fnmatch import fnmatchcase  # noqa: PLC0415 - this module is imported by every process

        return any(fnmatchcase(name, pattern) for pattern in self.own)

    def searches(self, name: str) -> bool:
        """Return whether the code that asks is part of how tests are found and shown, and not of the tests."""
        frame: FrameType | None = self.frame(1)
        while frame is not None and (
            frame.f_code.co_filename.startswith(PLUMBING) or PATHS_OF_PYTEST in frame.f_code.co_filename
        ):
            frame = frame.f_back
        file = "" if frame is None else frame.f_code.co_filename
        if file.startswith(SHOWING):
            return name.endswith(".py")
        return file.startswith(SEARCHERS) or any(part in file for part in self.searching)

    # -- notes

    def note(self, kind: str, name: str, **more: str) -> None:
        """Write down one thing, once per process."""
        if not more and (kind, name) in self.known:
            return
        self.known.add((kind, name))
        line = json.dumps({"kind": kind, "name": name, "turn": os.environ.get(TURN, ""), **more}) + "\n"
        try:
            os.write(self.pipe(), line.encode())
        except OSError as error:
            # What cannot be told would be missing in the record, or not be refused.
            sys.stderr.write(f"Cloche cannot note what this process looks for ({name}): {error}\n")
            sys.stderr.flush()
            os._exit(3)

    def pipe(self) -> int:
        """Return the descriptor of the pipe to the recording, opened anew where a test has closed it.

        A pipe and not a file, since a process can be forbidden to write to files (RLIMIT_FSIZE, a full disk).
        """
        if self.descriptor is not None:
            try:
                if os.fstat(self.descriptor).st_ino == self.inode:
                    return self.descriptor
            except OSError:
                pass
        self.descriptor = os.open(self.log, os.O_WRONLY | os.O_CLOEXEC)
        self.inode = os.fstat(self.descriptor).st_ino
        return self.descriptor

    def refuse(self, name: str, what: str, key: str = "needs") -> None:
        """Log and raise; `key` is the list of the record in which the name is not."""
        self.note("refused", name, what=what, key=key)
        message = f"{name} is not in the recorded closure of this batch of tests ({what})"
        raise ClosureIncompleteError(message)

    def look(self, path: object, *, opened: bool = False) -> None:
        """Note whether something is there; refuse it where it is not and the record does not have it."""
        found = self.name(path)
        if found is None:
            if self.packages is not None:
                self.packages.look(os.path.normpath(self.absolute(path)))
            return
        name = self.counts(found) if found else ""
        if not name or ("seen", name) in self.known or ("absent", name) in self.known:
            return
        searched = self.searches(name)
        try:
            self.lstat(path if found == name else self.place(name))  # type: ignore[arg-type]
        except (OSError, ValueError):
            if searched:
                return
            self.absent(name, "looked for")
        else:
            if searched and not opened:
                return
            self.note("seen", name)
            self.follow(path)

    def place(self, name: str) -> str:
        """Return where a name of the project is, in this run."""
        for path, start in self.prefixes:
            if not start:
                there = f"{path}/{name}"
            elif name.startswith(f"{start}/"):
                there = path + name[len(start) :]
            else:
                continue
            try:
                self.lstat(there)
            except OSError:
                continue
            return there
        return f"{self.prefixes[-1][0]}/{name}"

    def follow(self, path: object) -> None:
        """Note what a symbolic link in the tree leads to."""
        real = self.name(os.path.realpath(os.fsdecode(path)) if not isinstance(path, int) else path)  # type: ignore[arg-type]
        if real and self.counts(real):
            self.note("seen", self.counts(real))

    def absent(self, name: str, what: str) -> None:
        """Note that something was looked for and is not there."""
        if ("absent", name) in self.known:
            return
        if self.allowed is not None and name not in self.allowed:
            self.refuse(name, what)
        self.note("absent", name)

    # -- what Python tells

    def handlers(self) -> dict[str, Callable[..., None]]:
        """Return what is called for which event (https://docs.python.org/3/library/audit_events.html)."""
        return {
            "open": self.opened,
            **dict.fromkeys(("os.listdir", "os.scandir"), self.listed),
            **dict.fromkeys(("os.remove", "os.rmdir", "os.chmod", "os.utime"), self.touched),
            "os.truncate": lambda path, _: self.touched(path),
            "ctypes.dlopen": self.touched,
            "os.mkdir": self.made_folder,
            **dict.fromkeys(("os.rename", "os.link", "os.symlink"), self.renamed),
            "import": self.imported,
            "sqlite3.connect": self.connected,
            "subprocess.Popen": lambda program, words, _, environment: self.started(program, words, environment),
            **dict.fromkeys(("os.exec", "os.posix_spawn"), self.started),
            "os.spawn": lambda _, program, words, environment: self.started(program, words, environment),
            "os.system": lambda command: self.started(None, ["sh", "-c", command]),
            "pty.spawn": lambda words: self.started(None, words),
        }

    def opened(self, path: object, mode: object, flags: object) -> None:
        """Look for a file that is opened: to be read, or also to be made."""
        writes = isinstance(mode, str) and not set(mode).isdisjoint("wxa+")
        # What is a number is open already.
        if isinstance(path, int) or self.below_descriptor(path):
            return
        if writes or (isinstance(flags, int) and flags & os.O_CREAT):
            self.create(path)
        else:
            self.look(path, opened=True)

    def below_descriptor(self, path: object) -> bool:
        """Return whether a path is relative to an open folder, of which the audit event does not tell.

        These functions walk through a folder that they have opened by its path.
        """
        if os.fsdecode(path).startswith("/"):  # type: ignore[arg-type]
            return False
        frame: FrameType | None = self.frame(1)
        while frame is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        return (
            frame is not None
            and frame.f_code.co_filename.startswith((f"{LIBRARY}/shutil.py", f"{LIBRARY}/os.py", "<frozen os>"))
            and frame.f_code.co_name.lstrip("_").startswith(("rmtree_safe_fd", "fwalk"))
        )

    def touched(self, path: object, *more: object) -> None:
        """Look for a file to which something is done."""
        if not isinstance(path, int) and not elsewhere(path, *more[-1:]):
            self.look(path, opened=True)

    def made_folder(self, path: object, _: object, descriptor: object) -> None:
        """Look for a folder that is to be made."""
        if not elsewhere(path, descriptor):
            self.create(path)

    def renamed(self, source: object, target: object, *descriptors: object) -> None:
        """Look for both names: of a file that gets another one or a further one, or of a symbolic link."""
        if not elsewhere(source, *descriptors[:1]):
            self.look(source, opened=True)
        if not elsewhere(target, *descriptors[-1:]):
            self.create(target)

    def connected(self, database: object) -> None:
        """Look for a database, which is made if there is none."""
        name = os.fsdecode(database)  # type: ignore[arg-type]
        self.create(name.removeprefix("file:").partition("?")[0] if name.startswith("file:") else name)

    def create(self, path: object) -> None:
        """Look for what may come to be: it was there, or from here on it is the run's own."""
        self.look(path, opened=True)
        found = self.name(path)
        name = self.counts(found) if found else ""
        if name and ("seen", name) not in self.known:
            self.made.add(name)

    def listed(self, path: object) -> None:
        """Note that a folder is listed: all that is in it counts."""
        path = "." if path is None else path
        found = self.name(path)
        if found is None:
            if self.packages is not None:
                self.packages.listed(os.path.normpath(self.absolute(path)))
            return
        name = f"{found}/" if found else "./"
        if ("listed", name) in self.known or (found and not self.counts(found)):
            return
        if self.searches(name):
            return
        if not isinstance(path, int):
            self.look(path, opened=True)
        if ("absent", found) in self.known:
            return
        if self.allowed is not None and name not in self.allowed:
            self.refuse(name, "listed")
        self.note("listed", name)

    def imported(self, module: str, file: object, *_: object) -> None:
        """Note a module that is about to be imported, if it is found."""
        top = module.partition(".")[0]
        if ("module", top) not in self.known:
            self.note("module", top)
        if isinstance(file, str):
            self.look(file, opened=True)

    def started(self, program: object, arguments: object, environment: object = None) -> None:
        """Note a program that is started: nothing is seen in it unless it is a Python of this environment."""
        given = [arguments] if isinstance(arguments, (str, bytes, os.PathLike)) else list(arguments or [])  # type: ignore[call-overload]
        words = [os.fsdecode(word) for word in given]
        path = words[0] if program is None else os.fsdecode(program)  # type: ignore[arg-type]
        name = os.path.basename(path)
        if "/" not in path:
            folders = os.get_exec_path(environment if isinstance(environment, Mapping) else None)
            path = next((there for folder in folders if os.path.exists(there := f"{folder}/{path}")), "")
        # What is nowhere runs nothing.
        if not path or self.is_traced(path, words) or name in HARMLESS:
            return
        if self.programs is not None and name not in self.programs:
            self.refuse(name, "started", "programs")
        self.note("program", name)

    def is_traced(self, program: str, words: Sequence[str]) -> bool:
        """Return whether a program is a Python that imports these hooks."""
        path = os.path.normpath(program)
        if not path.startswith(self.pythons):
            return False
        if os.path.basename(path).startswith("python"):
            return not without_site(words[1:])
        try:
            with open(path, "rb") as file:
                first = os.fsdecode(file.readline())
        except OSError:
            return False
        return first.startswith(tuple(f"#!{folder}python" for folder in self.pythons))

    # -- imports that found nothing

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:  # noqa: ARG002 - importlib's signature
        """Hear of a module that no finder found; never finds one."""
        last = fullname.rpartition(".")[2]
        if self.packages is not None:
            self.packages.imported(fullname, path)
        if path is None:
            if all(part.isidentifier() for part in fullname.split(".")):
                self.absent_module(fullname)
            return
        for entry in path:
            folder = self.name(entry)
            if folder is not None and self.counts(f"{folder}/{last}"):
                self.absent(f"{folder}/{last}.*".lstrip("/"), "imported")

    def absent_module(self, name: str) -> None:
        """Note a top-level module that is nowhere on sys.path."""
        if ("missing", name) in self.known:
            return
        if self.missing is not None and name not in self.missing and self.matters(name):
            self.refuse(name, "imported", "missing")
        self.note("missing", name)
        for entry in sys.path:
            folder = self.name(entry)
            if folder is not None:
                self.note("path", folder)

    def matters(self, name: str) -> bool:
        """Return whether the project could have this module, or its own code asks for it.

        Other packages ask for optional ones in every version anew; that is no sign of a stale record.
        """
        if name in self.tops or name.startswith("test_") or name.endswith("_test") or name == "conftest":
            return True
        frame: FrameType | None = self.frame(2)
        while frame is not None:
            file = frame.f_code.co_filename
            if not file.startswith(IMPORTING) and not file.endswith(IMPORTS_FOR_TESTS):
                # What has no file, but is no frozen part of Python's library, a test has put together.
                return not file.startswith("<frozen ") and (file.startswith("<") or self.name(file) is not None)
            frame = frame.f_back
        return False

    def install(self) -> None:
        """Begin."""
        for name in ("stat", "lstat", "access", "readlink"):
            wrap(self, name)
        self.pipe()
        handlers = self.handlers()

        def audit(event: str, arguments: tuple[Any, ...]) -> None:
            handler = handlers.get(event)
            if handler is not None:
                handler(*arguments)

        sys.addaudithook(audit)
        if self.allowed is None:
            hear_of_found(self)
        if self.packages is not None:
            # Before the finders that have what is looked for.
            sys.meta_path.insert(0, Listener(self.packages))
        # It finds nothing, so it has no loader.
        sys.meta_path.append(self)


class Listener:
    """A finder of modules and metadata that finds none, and hears of packages whose metadata is looked for."""

    def __init__(self, packages: Packages) -> None:
        """Tell `packages`."""
        self.packages = packages

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        """Find nothing."""

    def find_distributions(self, context: Any) -> list[Any]:  # noqa: ANN401 - importlib.metadata.DistributionFinder.Context
        """Find nothing."""
        self.packages.metadata(context.name, context.path)
        return []


def hear_of_found(tracer: Tracer) -> None:
    """Let Python's finder of modules tell what it finds, which nobody may import (find_spec)."""
    finder = sys.modules["_frozen_importlib_external"].PathFinder
    original = finder.find_spec.__func__

    def find_spec(cls: type, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the original's types
        spec = original(cls, *arguments, **options)
        if spec is not None and spec.has_location:
            tracer.look(spec.origin, opened=True)
        return spec

    finder.find_spec = classmethod(find_spec)


def wrap(tracer: Tracer, name: str) -> None:
    """Make a function of `os`, which no audit event tells of, tell."""
    original = getattr(os, name)

    def call(path: Any, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the original's types
        if options.get("dir_fd") is None and not isinstance(path, int):
            tracer.look(path)
        return original(path, *arguments, **options)

    call.__name__, call.__doc__, call.__wrapped__ = name, original.__doc__, original  # type: ignore[attr-defined]
    setattr(os, name, call)
    # `os.stat in os.supports_follow_symlinks` and its like must stay true.
    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if original in known:
            known.add(call)


def start(place: str) -> None:
    """Trace this process as the file `place` says; without one end it, because nothing would guard it.

    The place is fixed, because children may be started with an environment of their own.
    """
    try:
        with open(place, encoding="utf-8") as file:
            configuration = json.load(file)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"this Python belongs to a test environment of Cloche, and {place} cannot be read: {error}\n")
        sys.stderr.flush()
        os._exit(3)
    if configuration["trace"]:
        Tracer(configuration).install()
