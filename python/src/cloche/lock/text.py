"""Text files of people and other tools, read with the place of a fault."""

import json
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.untrusted import regular_file, toml
from cloche.untrusted.limits import LOCK
from cloche.untrusted.strict_json import BadJsonError, loads
from cloche.untrusted.toml import BadTomlError


def malformed(file: Path, fault: str, remedy: str, line: int = 0, column: int = 0) -> ClocheError:
    """Return the error of a file that is not what its format demands."""
    place = str(file)
    if line:
        place += f":{line}"
        if column:
            place += f":{column}"
    return ClocheError(f"{place}: {fault}.\n{remedy}")


def read_bytes(path: Path) -> bytes:
    """Return the bytes of `path`, or raise ClocheError, also for what is no regular file or too large."""
    try:
        return regular_file.read(path, LOCK)
    except OSError as error:
        raise ClocheError(f"{path} cannot be read: {error.strerror or str(error)}.") from error


def read_text(path: Path) -> str:
    """Return the UTF-8 text of `path`, or raise ClocheError."""
    content = read_bytes(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _position(content[: error.start].decode("utf-8"))
        fault = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise malformed(path, fault, "Save the file as UTF-8.", line, column) from error


def parse_toml(path: Path, remedy: str = "Correct the file.") -> dict[str, Any]:
    """Return the TOML document in `path`, or raise ClocheError with line and column."""
    try:
        return toml.loads(read_text(path).encode(), what=str(path), limit=LOCK)
    except BadTomlError as error:
        raise malformed(path, error.fault, remedy, error.line, error.column) from error


def parse_json(path: Path, remedy: str = "Correct the file, or restore it from version control.") -> Any:  # noqa: ANN401 - JSON has any type
    """Return the JSON value in `path`, or raise ClocheError, with line and column where there is a place.

    What two readers could understand differently, or what exceeds the limit, is refused too.
    """
    text = read_text(path)
    try:
        return loads(text.encode(), what="the file", limit=LOCK)
    except BadJsonError as error:
        cause = error.__cause__
        if isinstance(cause, json.JSONDecodeError):
            fault = f"not valid JSON: {_lower_first(cause.msg)}"
            raise malformed(path, fault, remedy, cause.lineno, cause.colno) from error
        raise malformed(path, str(error), remedy) from error


def line_of(path: Path, text: str) -> int:
    """Return the first line (from 1) of the file that contains `text`, or 0.

    A TOML parser does not say where a value stood, so a message looks for the value itself.
    """
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if text in line:
            return number
    return 0


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")
