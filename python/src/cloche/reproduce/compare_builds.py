"""Compare two builds of the same things whose store paths differ, file by file; standard library only.

Runs inside a derivation. Nix names a path by a hash of what it is built with, so the second build has other names, and
files that hold names of paths (links, byte code, scripts) differ by exactly these. They are exchanged for the first
build's before the bytes are compared; a hash that is not known is left, and so is a difference.
"""

import os
import re
import stat
import sys
from pathlib import Path
from typing import Any

_HASH = 32  # letters of a store path's hash, after "/nix/store/"
_STORE = "/nix/store/"
TOLD = 20


def split(path: str) -> tuple[str, str]:
    """Return the hash and the name of a store path."""
    base = path.removeprefix(_STORE)
    return base[:_HASH], base[_HASH + 1 :]


def pair(
    tops: list[tuple[str, str]], first: dict[str, list[str]], second: dict[str, list[str]]
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return which path of the second build stands for which of the first, and problems.

    `tops` are known pairs; from those on, what a path refers to is paired by name. `first` and `second` have what each
    path refers to. A path that both builds share is what it is.
    """
    problems: list[str] = []
    found: dict[str, str] = {}
    left = list(tops)
    while left:
        one, other = left.pop()
        if one == other or one in found:
            continue
        found[one] = other
        ours = sorted(set(first[one]) - set(second[other]) - {one}, key=lambda path: split(path)[1])
        theirs = sorted(set(second[other]) - set(first[one]) - {other}, key=lambda path: split(path)[1])
        names = [split(path)[1] for path in ours]
        if names != [split(path)[1] for path in theirs] or len(set(names)) != len(names):
            only = sorted({split(path)[1] for path in (*ours, *theirs)})
            problems.append(f"{split(one)[1]}: the two builds do not refer to the same things: {', '.join(only)}")
        else:
            left += zip(ours, theirs, strict=True)
    return sorted(found.items()), problems


class Comparison:
    """Collects the differences between pairs of store paths."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        hashes = {split(second)[0].encode(): split(first)[0].encode() for first, second in pairs}
        self.hashes = hashes
        self.known = re.compile(b"|".join(hashes) or b"(?!)")
        self.problems: list[str] = []
        self.files = 0

    def exchanged(self, data: bytes) -> bytes:
        """Return bytes of the second build with the first one's names of paths."""
        return self.known.sub(lambda match: self.hashes[match[0]], data)

    def compare(self, first: Path, second: Path, shown: str) -> None:
        """Compare two files, links or folders."""
        one, other = first.lstat(), second.lstat()
        if stat.S_IFMT(one.st_mode) != stat.S_IFMT(other.st_mode) or one.st_mode & 0o111 != other.st_mode & 0o111:
            self.problems.append(f"{shown}: its modes are {one.st_mode:o} and {other.st_mode:o}")
        elif stat.S_ISLNK(one.st_mode):
            self.files += 1
            targets = str(first.readlink()), os.fsdecode(self.exchanged(os.fsencode(second.readlink())))
            if targets[0] != targets[1]:
                self.problems.append(f"{shown}: a link to {targets[0]} and to {targets[1]}")
        elif stat.S_ISDIR(one.st_mode):
            names = {path.name for path in first.iterdir()}, {path.name for path in second.iterdir()}
            self.problems += [
                f"{shown}/{name}: only one of the two builds has it" for name in sorted(names[0] ^ names[1])
            ]
            for name in sorted(names[0] & names[1]):
                self.compare(first / name, second / name, f"{shown}/{name}")
        else:
            self.files += 1
            data, again = first.read_bytes(), second.read_bytes()
            if data != again and data != (again := self.exchanged(again)):
                self.problems.append(f"{shown}: {difference(data, again)}")


def difference(first: bytes, second: bytes) -> str:
    """Return where two files differ first, and what stands there."""
    at = next((place for place, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), None)
    if at is None:
        return f"{len(first)} and {len(second)} bytes, the shorter of which begins the longer"
    start = max(0, at - 16)
    return f"from byte {at} on: {first[start : at + 32]!r} and {second[start : at + 32]!r}"


def main(attributes: dict[str, Any]) -> None:
    """Compare the closures "first" and "second" of the attributes, and see that the planted packages differ."""
    names = attributes["variations"]
    planted = zip(names, attributes["plantedFirst"], attributes["plantedSecond"], strict=True)
    idle = [name for name, one, other in planted if Path(one).read_bytes() == Path(other).read_bytes()]
    if idle:
        sys.exit(f"without effect: {', '.join(idle)}; a package that leaks exactly that came out the same")
    first, second = ({entry["path"]: entry["references"] for entry in attributes[name]} for name in ("first", "second"))
    tops = list(zip(attributes["topsFirst"], attributes["topsSecond"], strict=True))
    pairs, problems = pair(tops, first, second)
    problems += [
        f"{split(one)[1]}: both builds have the same store path, so it was built once"
        for one, other in tops
        if one == other
    ]
    comparison = Comparison(pairs)
    if not problems:
        for one, other in pairs:
            comparison.compare(Path(one), Path(other), split(one)[1])
    problems += comparison.problems
    if problems:
        more = [f"... and {len(problems) - TOLD} more"] if len(problems) > TOLD else []
        sys.exit(
            f"built again with other circumstances ({', '.join(names)}), not everything came out the same:\n  "
            + "\n  ".join([*problems[:TOLD], *more])
            + "\n'nix run .#reproduce' says which of these it comes from, and shows more of the difference."
        )
    text = (
        f"{len(pairs)} store paths, {comparison.files} files: the same under other circumstances ({', '.join(names)})\n"
    )
    Path(attributes["outputs"]["out"]).write_text(text, encoding="utf-8")
    print(text, end="")
