"""See which files of a project are read as data, its own sources included, and by whom.

Python tells of files that are opened by audit events; who asks is found on the stack, since imports and tracebacks open sources,
too. Standard library only; it also runs in the project's environment.
"""

import linecache
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

OPENS = {"open", "sqlite3.connect"}
LISTS = {"os.listdir", "os.scandir", "glob.glob"}
LIBRARY = str(Path(os.__file__).parent)
# Modules through which others read: whoever called them is who asks.
_PLUMBING = (
    *(
        f"{LIBRARY}/{name}"
        for name in ("codecs.py", "contextlib.py", "fnmatch.py", "genericpath.py", "glob.py", "importlib/")
    ),
    *(f"{LIBRARY}/{name}" for name in ("inspect.py", "linecache.py", "os.py", "pathlib.py", "pathlib/", "pkgutil.py")),
    *(f"{LIBRARY}/{name}" for name in ("posixpath.py", "shutil.py", "tokenize.py", "zipfile/")),
    *("<frozen codecs>", "<frozen genericpath>", "<frozen importlib", "<frozen os>", "<frozen posixpath>"),
)
# What the import system does to import: all else through which a loader gives data is asked for by somebody.
_IMPORTING = {"exec_module", "_fill_cache", "find_spec"}
# These import modules, too, or show the line of what ran, which counts where it runs; doctest looks for numbers of lines.
_NOBODY = (f"{Path(__file__).parent}/", *(f"{LIBRARY}/{name}.py" for name in ("doctest", "traceback", "warnings")))
_NOBODY_OF_PYTEST = ("/_pytest/assertion/rewrite.py", "/_pytest/warnings.py")
# What finds out which file a name stands for, as it was when recording began: a test can put something else in its place.
_FINDING = (os.getcwd, os.lstat, os.readlink, os.path.realpath)


class Reads:
    """Hears of files that are read and folders that are listed."""

    def __init__(
        self,
        relative: Callable[[str], str],
        read: Callable[[str, bool, FrameType | None], None],
        unsure: Callable[[], None],
    ) -> None:
        """Take three functions.

        `relative` gives the name of a file of the project, "" for others; `read` is told of one that is read, whether it is a source
        or a folder, which much looks at for itself, and of the frame of who asks (`asks`); `unsure` is called when it cannot be told
        which file a name stands for.
        """
        self.relative = relative
        self.read = read
        self.unsure = unsure
        self._take_over()

    def _take_over(self) -> None:
        """Hear of sources that are read a second time: linecache opens them once."""
        original = linecache.getlines

        def getlines(filename: str, module_globals: dict[str, Any] | None = None) -> list[str]:
            self.opened(filename, sys._getframe(1))  # noqa: SLF001 - who asks
            return original(filename, module_globals)

        linecache.getlines = getlines

    def heard(self, event: str, arguments: tuple[Any, ...], frame: FrameType | None) -> None:
        """Take an audit event of OPENS or LISTS."""
        name: object = arguments[0] if arguments else None
        if isinstance(name, int) and event in LISTS:
            name = _behind(name)
        elif name is None:
            name = "."
        if isinstance(name, os.PathLike | bytes):
            name = os.fsdecode(name)
        if not isinstance(name, str):
            return
        if event == "sqlite3.connect":
            if name.startswith(":"):
                return
            name = name.removeprefix("file:").partition("?")[0]
        mode = arguments[1] if event == "open" else None
        if isinstance(mode, str) and (set(mode) & set("wx") or ("a" in mode and "+" not in mode)):
            return
        self.opened(name, frame, listed=event in LISTS)

    def opened(self, name: str, frame: FrameType | None, *, listed: bool = False) -> None:
        """Say that a file is read, or a folder listed, if it is the project's."""
        if not reliable(name):
            self.unsure()
        try:
            path = "" if name.startswith("<") else self.relative(name)
        except ValueError:
            # No name that a file can have; whoever asks for it is told so.
            return
        if path:
            self.read(path, listed or path.endswith(".py"), asks(frame))


def _behind(descriptor: int) -> str | None:
    """Return the path of an open folder, None where the system does not tell."""
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return None


def reliable(name: str) -> bool:
    """Say whether it can be told which file a name stands for."""
    finding = (os.getcwd, os.lstat, os.readlink, os.path.realpath)
    return finding == _FINDING or (finding[1:] == _FINDING[1:] and name.startswith("/"))


def asks(frame: FrameType | None) -> FrameType | None:
    """Return the frame of who asks for a file; None for imports, and where nobody looks at what is in it."""
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(_NOBODY) or code.co_filename.endswith(_NOBODY_OF_PYTEST):
            return None
        if not code.co_filename.startswith(_PLUMBING):
            return frame
        if code.co_filename.startswith("<frozen importlib") and code.co_name in _IMPORTING:
            return None
        frame = frame.f_back
    return None
