"""See what forked processes do: each writes down, at once, what it runs, so that nothing is lost when it is killed.

Standard library only; it also runs in the project's environment.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

# What a line of a child's file says.
BEGAN, FORKED, LINE = "began", "forked", "line"


class Child:
    """A forked process that is recorded."""

    def __init__(self, folder: Path, relative: Callable[[str], str], context: Callable[[], str]) -> None:
        """Begin to write; `context` says what the process runs for."""
        self.path = folder / str(os.getpid())
        self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self.relative = relative
        self.context = context
        self.paths: dict[str, str] = {}
        self.said: set[tuple[str, ...]] = set()
        self.say(BEGAN)
        frame: FrameType | None = sys._getframe()  # noqa: SLF001 - the documented way to what runs already
        while frame is not None:
            if self._path(frame):
                frame.f_trace = self._line
            frame = frame.f_back
        threading.settrace(self._call)
        sys.settrace(self._call)

    def say(self, *words: str) -> None:
        """Write a line, once."""
        row = (self.context(), *words)
        if row in self.said:
            return
        self.said.add(row)
        data = json.dumps(row).encode() + b"\n"
        try:
            os.write(self.file, data)
        except OSError:
            # Processes that go on in the background close all files.
            self.file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            os.write(self.file, data)

    def _path(self, frame: FrameType) -> str:
        name = frame.f_code.co_filename
        if name not in self.paths:
            self.paths[name] = "" if name.startswith("<") else self.relative(name)
        return self.paths[name]

    def _call(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any] | None:  # noqa: ANN401
        return self._line(frame, event, argument) if self._path(frame) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Callable[..., Any]:  # noqa: ANN401, ARG002
        if event == "line":
            self.say(LINE, self._path(frame), str(frame.f_lineno))
        return self._line


def said(folder: Path) -> Iterator[list[str]]:
    """Return what all children wrote: context, what it is, and its words."""
    for path in sorted(folder.iterdir()):
        for line in path.read_bytes().splitlines(keepends=True):
            # The last one of a process that was killed may be half a line.
            if line.endswith(b"\n"):
                yield json.loads(line)
