"""Entry points as packages state them: names that become files in bin/, and references that become code.

Standard library only. Format: "Entry points specification" (packaging.python.org).
"""

import configparser
import re
from collections.abc import Mapping

_SCRIPTS = {"console_scripts", "gui_scripts"}
_FUNCTION = re.compile(r"[\w.]+\s*:\s*[\w.]+\s*(\[[\w\s.,-]*\])?")
_INTERPRETER = re.compile(r"python(\d+(\.\d+)*)?(-config)?")


def check_script(name: str) -> str:
    """Return why a file in bin/ must not have this name, or "" when it may."""
    if not name.isprintable():
        return "it has a control character"
    if "/" in name or "\\" in name or name in {"", ".", ".."}:
        return "it leads out of bin/"
    if name.startswith("-"):
        return "it would be taken for an option"
    if _INTERPRETER.fullmatch(name):
        return "it is the interpreter's"
    return ""


def check_entry_points(groups: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Return what speaks against entry points, one line each."""
    problems = []
    for group, entries in groups.items():
        for name, value in entries.items():
            fault = check_script(name) if group in _SCRIPTS else ""
            if not (isinstance(value, str) and group.isprintable() and name.isprintable() and value.isprintable()):
                fault = fault or "it, its group or what it leads to has a control character, or is no text"
            elif group in _SCRIPTS and not _FUNCTION.fullmatch(value):
                fault = fault or f"{value!r} is not MODULE:FUNCTION"
            if fault:
                problems.append(f"the entry point {name!r} of {group!r}: {fault}")
    return problems


def read_entry_points(text: str) -> dict[str, dict[str, str]]:
    """Return the groups of an entry_points.txt; raises configparser.Error for one that is not in its format."""
    parser = configparser.ConfigParser(delimiters=("=",), default_section="\0", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return {group: dict(parser.items(group)) for group in parser.sections()}
