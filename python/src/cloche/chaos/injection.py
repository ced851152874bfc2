"""Deciding, for each call of an operation while a test runs, whether it fails; and keeping what was decided.

An operation is wrapped once, for the whole session. Its wrapper asks `meet`, which answers None unless a test is in its
call phase and the call is the test's: made by the project, its tests or a library that they use, and not by pytest, by
a plugin of it, or by an import.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType

from cloche.resilience.events import Recovery

from .faults import Fault
from .stream import draw

# Packages that run tests: their own reads and writes belong to no test.
RUNNERS = frozenset(
    [
        "_pytest",
        "pluggy",
        "pytest",
        "xdist",
        "execnet",
        "hypothesis",
        "coverage",
        "pytest_cov",
        "py",
        "_hypothesis_pytestplugin",
    ]
)
# The helpers of cloche.resilience are no code of the test's either.
_HERE = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in ("chaos", "resilience"))
_LIBRARY = (
    # As sysconfig has them, which reads much to say so.
    *(
        f"{prefix}/{sys.platlibdir}/python{sys.version_info[0]}.{sys.version_info[1]}/"
        for prefix in {sys.base_prefix, sys.exec_prefix}
    ),
    str(Path(os.__file__).parent) + os.sep,
)
# How asyncio wakes its own loop: no socket of the test's.
_WAKING = frozenset(["_read_from_self", "_write_to_self"])


@dataclass(frozen=True)
class Fired:
    """A fault that fired: in which call, of which operation, and from where, as `place` says it."""

    call: str
    operation: str
    type: str
    fault: str
    at: str


@dataclass
class Armed:
    """A test in its call phase: what may fire, and what did."""

    seed: int
    rate: float
    types: frozenset[str]
    only: tuple[str, ...]
    test: str
    root: str
    # Fires at the first call, and by the rate from then on.
    critical: bool = False
    calls: int = 0
    fired: list[Fired] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)
    lost: float = 0.0
    # Assertions that held, in all and up to the latest fault.
    asserted: int = 0
    asserted_before: int = 0
    written: Callable[[dict[str, str]], None] | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    # The thread that runs the test.
    runner: int = field(default_factory=threading.get_ident)
    threads: dict[str, int] = field(default_factory=dict)
    children: dict[str, int] = field(default_factory=dict)

    def meet(self, operation: str, faults: Iterable[Fault], frame: FrameType) -> Fault | None:
        """Count a call of an operation and return the fault that it fails with, None if it doesn't."""
        possible = [fault for fault in faults if fault.type in self.types]
        if not possible or (at := self.place(frame)) is None:
            return None
        with self.lock:
            call = self._number()
            chance = draw(self.seed, self.test, call)
            if not (chance.uniform < self.rate or (self.critical and not self.fired)):
                return None
            fault = possible[chance.choice % len(possible)]
            fired = Fired(call, operation, fault.type, fault.name, at)
            self.fired.append(fired)
            self.asserted_before = self.asserted
            if self.written:
                self.written(asdict(fired))
        return fault

    def _number(self) -> str:
        """Return the number of this call: those of each thread are counted by themselves.

        Threads take turns as the machine likes, so one count for all would be another in each run.
        """
        thread = "" if threading.get_ident() == self.runner else label()
        number = self.threads[thread] = self.threads.get(thread, 0) + 1
        if not thread:
            self.calls = number
        return f"{thread}:{number}" if thread else str(number)

    def child(self) -> str:
        """Return the label of the next thread that this thread starts."""
        own = "" if threading.get_ident() == self.runner else f"{label()}."
        with self.lock:
            self.children[own] = self.children.get(own, 0) + 1
            return f"{own}{self.children[own]}"

    def place(self, frame: FrameType | None) -> str | None:
        """Return "file:line" of who made a call; None for a call that is not the test's.

        That is the nearest line of the project (below the root, or of a package in `only`), else of a library.
        """
        nearest: FrameType | None = None
        own: FrameType | None = None
        inside = not self.only
        while frame is not None:
            code = frame.f_code
            kind = _kind(code.co_filename)
            if kind == "import" or (code.co_name in _WAKING and kind == "library"):
                return None
            if kind == "runner":
                break
            if kind == "code":
                nearest = nearest or frame
                module = str(frame.f_globals.get("__name__", ""))
                named = any(module == name or module.startswith(f"{name}.") for name in self.only)
                inside = inside or named
                if named or not ("/site-packages/" in code.co_filename or "/dist-packages/" in code.co_filename):
                    own = own or frame
            frame = frame.f_back
        if nearest is None or not inside:
            return None
        nearest = own or nearest
        return f"{shown(nearest.f_code.co_filename, self.root)}:{nearest.f_lineno}"


def by_runner(frame: FrameType | None) -> bool:
    """Return whether a call is pytest's or a plugin's own, by the nearest frame that is neither Python's nor ours."""
    while frame is not None:
        kind = _kind(frame.f_code.co_filename)
        if kind in {"runner", "code"}:
            return kind == "runner"
        frame = frame.f_back
    return False


def shown(file: str, root: str) -> str:
    """Return a file's name as it is the same on each machine: below the root, or below site-packages."""
    for folder in ("site-packages", "dist-packages"):
        if f"/{folder}/" in file:
            return file.rpartition(f"/{folder}/")[2]
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


_kinds: dict[str, str] = {}


def _kind(file: str) -> str:
    """Return what a file belongs to: import, own, runner, library (Python's), code."""
    known = _kinds.get(file)
    if known is None:
        known = _kinds[file] = _find_kind(file)
    return known


def _find_kind(file: str) -> str:
    if file.startswith("<frozen importlib"):
        return "import"
    if file.startswith(_HERE):
        return "own"
    for folder in ("/site-packages/", "/dist-packages/"):
        if folder in file:
            top = file.rpartition(folder)[2].split("/")[0].removesuffix(".py")
            return "runner" if top in RUNNERS else "code"
    return "library" if file.startswith("<frozen") or file.startswith(_LIBRARY) else "code"


def label() -> str:
    """Return what tells this thread from others in each run: how it was started, as "1.2", the second of the first's."""
    return str(getattr(threading.current_thread(), "cloche_label", "background"))


# The test in its call phase; one at a time in each process.
current: list[Armed] = []


def strike(operation: str, faults: Iterable[Fault], file: object = None) -> Fault | None:
    """Raise the fault of this call, where it has an error; return it where the wrapper does it, None for no fault.

    An OSError about a file names it, as the system's own does. For wrappers of operations.
    """
    if not current:
        return None
    # There is no other way to who called the wrapper.
    fault = current[0].meet(operation, faults, sys._getframe(2))  # noqa: SLF001
    if fault is not None and fault.error is not None:
        error = fault.error()
        if file is not None and isinstance(error, OSError):
            error.filename = file
        raise error
    return fault


def recovered(recovery: Recovery, lost: float) -> None:
    """Keep what a program did about a fault, and the seconds that it took."""
    if current and current[0].fired:
        with current[0].lock:
            current[0].recoveries.append(recovery)
            current[0].lost += lost


def asserted() -> None:
    """Count an assertion that held."""
    if current:
        current[0].asserted += 1


def disarm_child() -> None:
    """Forget the armed test in a forked process, which nobody hears of what fired in it."""
    current.clear()


os.register_at_fork(after_in_child=disarm_child)
