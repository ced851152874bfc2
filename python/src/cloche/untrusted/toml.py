"""TOML from people and strangers: never more of it than a limit allows, and one error for all that is wrong with it."""

import re
import tomllib
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.untrusted import regular_file
from cloche.untrusted.limits import Limit

# How tomllib ends its messages.
_PLACE = re.compile(r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL)


class BadTomlError(ClocheError):
    """A text that is not the TOML it should be; `fault` is what is wrong, `line` and `column` (from 1; 0: unknown) where."""

    def __init__(self, what: str, fault: str, line: int = 0, column: int = 0) -> None:
        """Keep what text it is, the fault, and its place."""
        place = f" in line {line}, column {column}" if line else ""
        super().__init__(f"{what}: {fault}{place}")
        self.fault, self.line, self.column = fault, line, column


def load(path: Path, *, limit: Limit) -> dict[str, Any]:
    """Return the table of a regular file; raises OSError (see cloche.untrusted.regular_file) and BadTomlError."""
    return loads(regular_file.read(path, limit), what=str(path), limit=limit)


def loads(data: bytes, *, what: str, limit: Limit) -> dict[str, Any]:
    """Return the table that a TOML text in UTF-8 is.

    `what` names the text in messages. Raises BadTomlError for more bytes, nesting or members than the limit, and for
    anything that is no TOML.
    """
    if len(data) > limit.bytes:
        raise BadTomlError(what, f"{len(data)} bytes, where at most {limit.bytes} are read")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _end(data[: error.start].decode("utf-8"))
        fault = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise BadTomlError(what, fault, line, column) from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _PLACE.match(str(error))
        fault = match["what"] if match else str(error)
        line, column = (int(match["line"]), int(match["column"])) if match and match["line"] else _end(text)
        raise BadTomlError(what, f"not valid TOML: {fault[:1].lower()}{fault[1:]}", line, column) from error
    except RecursionError as error:
        raise BadTomlError(what, f"nested more than {limit.depth} levels deep") from error
    except ValueError as error:
        # Python converts no more than 4,300 digits.
        raise BadTomlError(what, "a number has too many digits") from error
    if excess := _excess(table, limit):
        raise BadTomlError(what, excess)
    return table


def _end(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _excess(table: object, limit: Limit) -> str | None:
    """Return what of a table is more than is read: the levels of nesting, or the members of all lists and tables."""
    level, members = [table], 0
    for _ in range(limit.depth + 1):
        level = [
            part
            for value in level
            for part in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
        ]
        members += len(level)
        if members > limit.members:
            return f"more than {limit.members} members, which are the most that are read"
        if not level:
            return None
    return f"nested more than {limit.depth} levels deep"
