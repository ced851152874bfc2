"""Paths of leaves and patterns of paths.

A path is a sequence of segments: names of members (text) and positions in lists (integers). As text they are written
`metrics.per_material[3].error`; a name that is not made of letters, digits, `_` and `-` stands in quotes, as JSON has
it: `by_noise."0.5".mean`.

In a pattern `*` stands for any characters inside one name, `[*]` for any position, and `**` for any number of
segments. What stands in quotes is taken literally. A pattern that matches a path matches everything below it.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cloche.errors import ClocheError

Segment = str | int
Path = tuple[Segment, ...]

# A segment of a pattern: any number of segments, any position, a position, or a name.
_TOKEN = re.compile(
    r"(?P<any>\*\*)(?=$|[.\[])|\[(?P<index>\*|[0-9]+)\]|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<name>[\w*-]+)"
)
_BARE = re.compile(r"[\w-]+")
# How many steps are remembered before the memory is emptied: distinct names may be as many as leaves.
_REMEMBERED = 200_000


def shown(path: Iterable[Segment]) -> str:
    """Return a path as text; the empty path, which is the whole document, as `(the whole)`."""
    text = ""
    for segment in path:
        if isinstance(segment, int):
            text += f"[{segment}]"
        else:
            name = segment if _BARE.fullmatch(segment) else json.dumps(segment, ensure_ascii=False)
            text += f".{name}" if text else name
    return text or "(the whole)"


# One step of a pattern: None for `**`, "[]" for any position, an integer, or what names have to match.
Step = None | str | int | re.Pattern[str]
ANY_POSITION = "[]"


def parse(text: str, where: str) -> tuple[Step, ...]:
    """Return the steps of a pattern. Raises ClocheError with the place where it stops to be one."""
    steps: list[Step] = []
    place = 0
    while place < len(text):
        if text[place] == "." and steps:
            place += 1
            if place == len(text) or text[place] in ".[":
                raise ClocheError(f"{where}: the path {text!r} has an empty name at character {place + 1}")
        elif steps and text[place] != "[":
            raise ClocheError(f"{where}: the path {text!r} lacks a '.' or '[' at character {place + 1}")
        match = _TOKEN.match(text, place)
        if match is None:
            raise ClocheError(
                f"{where}: the path {text!r} cannot be read at character {place + 1}; a path is written like "
                "a.b[3].c, with * inside a name, [*] for any position, ** for any number of segments, and other "
                'names in "quotes"'
            )
        if match["any"]:
            steps.append(None)
        elif match["index"]:
            steps.append(ANY_POSITION if match["index"] == "*" else int(match["index"]))
        elif match["quoted"]:
            steps.append(re.compile(re.escape(_unquoted(match["quoted"], text, where))))
        else:
            steps.append(re.compile(".*".join(map(re.escape, match["name"].split("*"))), re.DOTALL))
        place = match.end()
    if not steps:
        raise ClocheError(f"{where}: the path is empty; ** stands for everything")
    return tuple(steps)


def _unquoted(quoted: str, text: str, where: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise ClocheError(f"{where}: the path {text!r} has a name in quotes that is no JSON text: {quoted}") from error


# Where in which patterns a path has come to: (pattern, position), the position after the last step where it matches.
State = frozenset[tuple[int, int]]


@dataclass
class Matcher:
    """Patterns, followed from segment to segment by remembered states, which have numbers."""

    patterns: Sequence[tuple[Step, ...]]
    states: list[State] = field(default_factory=list)
    numbers: dict[State, int] = field(default_factory=dict)
    steps: dict[tuple[int, Segment], int] = field(default_factory=dict)
    # Whether a state changes with further segments.
    lives: list[bool] = field(default_factory=list)
    # Positions that a pattern names; all others are alike.
    positions: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        self.positions = frozenset(step for steps in self.patterns for step in steps if isinstance(step, int))
        self.start = self._number(self._closed({(pattern, 0) for pattern in range(len(self.patterns))}))

    def step(self, state: int, segment: Segment) -> int:
        """Return the state after one more segment."""
        if not self.lives[state]:
            return state
        if isinstance(segment, int) and segment not in self.positions:
            segment = -1
        key = (state, segment)
        found = self.steps.get(key)
        if found is None:
            if len(self.steps) > _REMEMBERED:
                self.steps.clear()
            found = self.steps[key] = self._number(self._after(self.states[state], segment))
        return found

    def matched(self, state: int) -> list[int]:
        """Return the patterns that match, in their order."""
        return sorted(pattern for pattern, place in self.states[state] if place == len(self.patterns[pattern]))

    def _after(self, state: State, segment: Segment) -> State:
        reached: set[tuple[int, int]] = set()
        for pattern, place in state:
            steps = self.patterns[pattern]
            if place == len(steps):
                reached.add((pattern, place))
                continue
            step = steps[place]
            if step is None:
                reached.add((pattern, place))
            elif isinstance(step, re.Pattern):
                if isinstance(segment, str) and step.fullmatch(segment):
                    reached.add((pattern, place + 1))
            elif isinstance(segment, int) and step in (ANY_POSITION, segment):
                reached.add((pattern, place + 1))
        return self._closed(reached)

    def _closed(self, state: set[tuple[int, int]]) -> State:
        # `**` may stand for no segment at all.
        closed = set(state)
        for pattern, first in state:
            place = first
            while place < len(self.patterns[pattern]) and self.patterns[pattern][place] is None:
                place += 1
                closed.add((pattern, place))
        return frozenset(closed)

    def _number(self, state: State) -> int:
        if state not in self.numbers:
            self.numbers[state] = len(self.states)
            self.states.append(state)
            self.lives.append(any(place < len(self.patterns[pattern]) for pattern, place in state))
        return self.numbers[state]
