"""The house's rules for Nix files, each of which exists because its breach cost something; standard library only.

Run inside a derivation over the repository's Nix files (checks/own/nix-style.nix).
"""

import re
import sys
from pathlib import Path
from typing import Any

MOST_LINES, MOST_COLUMNS = 170, 120
# Evaluation data and test suites may be long; code may not.
DATA = re.compile(r"/(test-|fixtures/)")
LONG = re.compile(r"test-.*\.nix|options\.nix")

RULES: list[tuple[str, str, str | None]] = [
    # pattern, what to say, files it does not apply to
    (r"\t", "a tab; indent by two spaces", None),
    (r"^(?:  )* [^ ]", "an odd indentation; indent by two spaces", None),
    (r"\bwith\s+[\w.]+\s*;", "`with` hides where a name comes from; use `inherit (...)`", None),
    (r"\brec\s*\{", "`rec` invites infinite recursion; use `let`", None),
    (
        r"\bfilterSource\b",
        "filterSource names the path after the flake, which changes with any edit; use builtins.path with a name",
        None,
    ),
    (r'"\$\{self\}', '"${self}" changes with any edit of the flake; take the file by its relative path', None),
    (r"\bimport\s*<|<nixpkgs>", "a search path is not pure; take it from the flake's inputs", None),
    (
        r"toString \./",
        "toString of a path changes with any edit of the flake; use builtins.path with a name",
        r"source-tree|programs|library",
    ),
    (
        r"(readFile|import)\s+\(?\"\$\{",
        "reading what a derivation makes is import from derivation; `nix flake check --no-build` breaks",
        None,
    ),
]
# What the files of a folder may not import: nix -> checks -> pkgs -> lib.
ABOVE = {"lib": "pkgs|checks|nix", "pkgs": "checks|nix", "checks": "nix"}
BLOCK = re.compile(r"builtins\.path\s*\{(.*?)\}", re.DOTALL)


def without_strings(text: str) -> str:
    """Return the code with comments and indented strings blanked, line by line, so that shell in them is not judged."""
    text = re.sub(r"''(?:[^']|'(?!')|'''|''\$|''\\)*''", lambda match: re.sub(r"[^\n]", "x", match[0]), text)
    return re.sub(r"(?m)(^|\s)#.*$", lambda match: match[1], text)


def problems(path: Path, text: str, names: set[str]) -> list[str]:
    """Return what breaks the rules in one file, a line each."""
    found = []
    lines = text.splitlines()
    if len(lines) > MOST_LINES and not LONG.fullmatch(path.name):
        found.append(f"{path}: {len(lines)} lines; more than {MOST_LINES} are more than one reason to change")
    if not text.endswith("\n"):
        found.append(f"{path}: no newline at the end")
    if path.name not in ("flake.nix", "cloche.nix") and not lines[0].startswith("#") and not DATA.search(str(path)):
        found.append(f"{path}:1: the first line says in a comment what the file is for")
    found += judge_lines(path, lines, text)
    if above := ABOVE.get(path.parts[0]):
        found += [
            f"{path}: {place} is above it; what a file of {path.parts[0]}/ needs of there is given to it"
            for place in re.findall(rf"(?<![\w.])(?:\.\./)+(?:{above})/[\w./-]*", without_strings(text))
        ]
    for block in BLOCK.finditer(without_strings(text)):
        if not re.search(r"\bname\b", block[1]):
            found.append(f"{path}: builtins.path without a name changes with any edit of the flake")
    if path.parts[:1] == ("nix",):
        used = set(re.findall(r"\blib\.(\w+(?:')?)", without_strings(text)))
        found += [
            f"{path}: lib.{name} is not in Cloche's own lib, so the module fails without nixpkgs"
            for name in sorted(used - names)
        ]
    return found


def judge_lines(path: Path, lines: list[str], text: str) -> list[str]:
    """Return what is wrong with single lines of a file."""
    found = [
        f"{path}:{number}: blanks at the end of the line"
        for number, line in enumerate(lines, 1)
        if line != line.rstrip()
    ]
    for number, line in enumerate(without_strings(text).splitlines(), 1):
        for pattern, message, exempt in RULES:
            if re.search(pattern, line.rstrip()) and not (exempt and re.search(exempt, path.name)):
                found.append(f"{path}:{number}: {message}")
        if len(lines[number - 1]) > MOST_COLUMNS and "throw" not in line and '"' not in line:
            found.append(f"{path}:{number}: {len(lines[number - 1])} columns; {MOST_COLUMNS} at most")
    return found


def judge(root: Path, names: set[str]) -> tuple[int, list[str]]:
    """Return how many of the Nix files below root are good, and all problems of the others."""
    good, found = 0, []
    for path in sorted(root.rglob("*.nix")):
        wrong = problems(path.relative_to(root), path.read_text(encoding="utf-8"), names)
        found += wrong
        good += not wrong
    return good, found


def main(attributes: dict[str, Any]) -> None:
    """Judge the Nix files of attributes["source"], given the names that lib exports."""
    good, found = judge(Path(attributes["source"]), set(attributes["names"]))
    if found:
        sys.exit("\n".join(found))
    if not good:
        sys.exit("there is no Nix file to judge")
    Path(attributes["outputs"]["out"]).write_text(f"{good} passed, 0 failed\n")
