r"""Texts of strangers on a terminal or a page: what can't be seen, or moves what can, is written as \uXXXX.

Control characters move the cursor and ask the terminal for things, marks of direction show a name as another one (CVE-2021-42574),
and bytes of file names that are no text can't be written at all. The escapes are those of JSON (RFC 8259, section 7), so
that JSON in which they stand has the same value. Newlines and tabs stay; where a name stands in a line, `line` is for it.
"""

import dataclasses
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, TextIO, TypeVar

_ODD = re.compile(r"[^\n\t\x20-\x7e]")
# The password in an address, of which libraries and programs may tell.
_PASSWORD = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*://[^\s/@:'\"]*):[^\s/@'\"]+@")
_T = TypeVar("_T")


def visible(text: str) -> str:
    """Return a text in which every character can be seen, or is a blank, a tab or a newline."""
    return _ODD.sub(_shown, text)


def line(text: object) -> str:
    """Return a text as above that is one line: a name can't begin a line of its own."""
    return visible(str(text)).replace("\n", "\\n").replace("\t", "\\t")


def without_passwords(text: str) -> str:
    """Return a text without the passwords of the addresses in it."""
    return _PASSWORD.sub(r"\1:***@", text)


def all_visible(value: _T) -> _T:
    """Return a value with all its texts as above: in lists, tuples, mappings and data classes."""
    found: Any = value
    if isinstance(value, str):
        found = visible(value)
    elif isinstance(value, dict):
        found = {all_visible(key): all_visible(each) for key, each in value.items()}
    elif isinstance(value, list | tuple):
        found = type(value)(map(all_visible, value))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {each.name: all_visible(getattr(value, each.name)) for each in dataclasses.fields(value) if each.init}
        found = dataclasses.replace(value, **changed)
    return found  # type: ignore[no-any-return]


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    data = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex()}" for at in range(0, len(data), 2))


class _Stream:
    """A stream of texts that changes what goes through it."""

    def __init__(self, stream: TextIO, change: Callable[[str], str]) -> None:
        self._stream, self._change = stream, change

    def write(self, text: str) -> int:
        self._stream.write(self._change(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream.writelines(map(self._change, lines))

    @property
    def encoding(self) -> str:
        # Where the locale knows no more than ASCII, click would write to what is below this stream.
        return "utf-8"

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - of another stream
        return getattr(self._stream, name)


@contextmanager
def shown() -> Iterator[None]:
    """Make all that is written to standard output and standard error visible, whoever writes it.

    After an error that nobody expected it stays so, for Python's own words about it.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        # What the locale can't write is shown by its number, instead of being an error.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout = _Stream(sys.stdout, visible)
    # What goes there is for people, and the words of others are among it.
    sys.stderr = _Stream(sys.stderr, lambda text: without_passwords(visible(text)))
    try:
        yield
    except SystemExit:
        sys.stdout, sys.stderr = before
        raise
    sys.stdout, sys.stderr = before
