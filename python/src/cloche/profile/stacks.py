"""Read folded stacks, and say where the time was spent."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Where the runs of a derivation have their environment and their files (record.py).
SIDE = "/build/side/"
PROJECT = "/build/project/"
# Outermost are the processes with their command lines, which can be of several lines and hold semicolons.
_RECORD = re.compile(r'\n(?=process \d+:")')
_PROCESS = re.compile(r'process \d+:".*?"(;|$)', re.DOTALL)
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*)\)")
_LINE = re.compile(r":\d+$")
_LIBRARY = re.compile(r"/lib/python3\.\d+/(site-packages/|dist-packages/)?")


@dataclass(frozen=True, order=True)
class Frame:
    """A function on a stack. Native ones are of compiled code; `own` says whether it is the project's."""

    function: str
    file: str
    native: bool = False
    own: bool = False

    def __str__(self) -> str:
        return f"{self.function} ({self.file})" if self.file else self.function


@dataclass(frozen=True)
class Stacks:
    """Samples by stack, the outermost frame first."""

    samples: dict[tuple[Frame, ...], int]

    def total(self) -> int:
        """Return how many samples there are."""
        return sum(self.samples.values())

    def where(self, kind: str, *, test: bool) -> "Stacks":
        """Return the samples of one kind: "work", "import", or "start"."""
        return Stacks({stack: count for stack, count in self.samples.items() if kind_of(stack, test=test) == kind})

    def folded(self) -> str:
        """Return the stacks as text."""
        lines = sorted(f"{';'.join(map(str, stack))} {count}" for stack, count in self.samples.items())
        return "".join(f"{line}\n" for line in lines)


def frame_of(text: str, modules: frozenset[str]) -> Frame:
    """Return a frame as the sampler writes it; `modules` are the project's, as below site-packages."""
    found = _FRAME.fullmatch(text)
    if found is None:
        return Frame(text, "", native=True)
    function, path = found["function"], _LINE.sub("", found["file"])
    if path.startswith("<"):
        return Frame(function, path)
    if not path.endswith(".py") and not path.startswith(f"{SIDE}bin/"):
        return Frame("(unnamed)" if function.startswith("0x") else function, path.rpartition("/")[2], native=True)
    if path.startswith(PROJECT):
        return Frame(function, path.removeprefix(PROJECT), own=True)
    library = _LIBRARY.search(path)
    name = path[library.end() :] if library else path.removeprefix(SIDE)
    return Frame(function, name, own=name in modules)


IMPORT = Frame("_find_and_load", "<frozen importlib._bootstrap>")
# Below which the stacks of a process stand that the sampled one has started.
SUBPROCESS = Frame("subprocess", "", native=True)


def read(text: str, modules: Iterable[str]) -> Stacks:
    """Return the stacks as the sampler writes them, with --subprocesses; `modules` are the project's own."""
    own = frozenset(modules)
    known: dict[str, Frame] = {}
    samples: Counter[tuple[Frame, ...]] = Counter()
    for record in _RECORD.split(text.rstrip("\n")) if text else []:
        stack, _, count = record.rpartition(" ")
        frames, processes = [], 0
        while found := _PROCESS.match(stack):
            stack, processes = stack[found.end() :], processes + 1
        for name in filter(None, stack.split(";")):
            if name not in known:
                known[name] = frame_of(name, own)
            frame = known[name]
            # Of the machinery of an import one frame is enough.
            if not frame.file.startswith("<frozen importlib") or frame.function == IMPORT.function:
                frames.append(frame)
        samples[tuple([SUBPROCESS] * (processes > 1) + frames)] += int(count)
    return Stacks(dict(samples))


def kind_of(stack: tuple[Frame, ...], *, test: bool) -> str:
    """Return what a stack was about: importing modules, work, or what comes before: the interpreter, and pytest's own."""
    if IMPORT in stack:
        return "import"
    if all(frame.native or frame.file.startswith("<frozen") for frame in stack):
        return "start"
    runs = any(frame.file == "_pytest/runner.py" and frame.function == "runtestprotocol" for frame in stack)
    if test and not runs and SUBPROCESS not in stack:
        return "start"
    return "work"


@dataclass(frozen=True)
class Share:
    """How many samples were in a function: as the innermost one, and at all."""

    frame: Frame
    own: int
    total: int


def functions(stacks: Stacks, *, project: bool) -> list[Share]:
    """Return Python's functions, those with the most samples of their own first.

    Native code counts for the Python function that calls it; with `project` so do all libraries for the project's
    function that does, and others are left out.
    """
    own: Counter[Frame] = Counter()
    total: Counter[Frame] = Counter()
    for stack, count in stacks.samples.items():
        mine = [frame for frame in stack if (frame.own if project else not frame.native)]
        if mine:
            own[mine[-1]] += count
        for frame in set(mine):
            total[frame] += count
    found = [Share(frame, own[frame], total[frame]) for frame in total]
    return sorted(found, key=lambda share: (-share.own, -share.total, share.frame))
