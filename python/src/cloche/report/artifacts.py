"""The files that a report is made of: read once, checked, and laid beside the page so that every number can link to one."""

import gzip
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import ClocheError
from cloche.untrusted import limits, regular_file, strict_json

# Files up to this size are laid beside the page as they are, so that a browser shows them; larger ones compressed.
PLAIN = 128 * 1024
# What a browser must be able to show, up to this size.
PICTURE = 1024 * 1024
# The most that all of them take, the small ones first. What has no room then is named by its place and digest only.
ROOM = 2 * 1024 * 1024
# Larger ones are not even compressed.
HUGE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Artifact:
    """A file that facts come from: its place below `artifacts`, where it was read, its digest, and the link to it."""

    id: str
    source: str
    sha256: str
    bytes: int
    # Relative to the page; None where the file had no room beside it.
    link: str | None


class Artifacts:
    """All files that were read, in the order of their reading."""

    def __init__(self) -> None:
        # Name -> where it was read, and its bytes.
        self._read: dict[str, tuple[Path | str, bytes]] = {}

    def data(self, path: Path, name: str) -> bytes:
        """Return a file's bytes and keep them under the name; raises ClocheError, also for too many bytes."""
        try:
            data = regular_file.read(path, limits.REPORT)
        except OSError as error:
            raise ClocheError(f"{path}: it cannot be read: {error.strerror or error}") from error
        self._read[name] = (path, data)
        return data

    def json(self, path: Path, name: str) -> Any:  # noqa: ANN401 - JSON is of any shape
        """Return the value of a JSON file and keep the file under the name."""
        return strict_json.loads(self.data(path, name), what=str(path), limit=limits.REPORT)

    def rename(self, name: str, better: str) -> None:
        """Keep a file under another name, which only its content could tell."""
        path, data = self._read.pop(name)
        if better in self._read:
            raise ClocheError(f"{path}: it is about the same as {self._read[better][0]}; name each file once")
        self._read[better] = (path, data)

    def made(self, name: str, source: str, value: object) -> None:
        """Keep something that was not read from a file but asked of a store, as the file that it would be."""
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
        self._read[name] = (source, text.encode())

    def laid_out(self) -> tuple[list[Artifact], dict[str, bytes]]:
        """Return what is known of each, and the files to write: relative path -> bytes."""
        kept: dict[str, tuple[str, bytes]] = {}
        for name, (_, data) in self._read.items():
            if len(data) <= (PICTURE if name.endswith(".svg") else PLAIN):
                kept[name] = (f"artifacts/{name}", data)
            elif len(data) <= HUGE:
                # Without a time, so that the same bytes give the same file; the last levels take twice as long for a few percent.
                kept[name] = (f"artifacts/{name}.gz", gzip.compress(data, compresslevel=6, mtime=0))
        files: dict[str, bytes] = {}
        links: dict[str, str] = {}
        room = ROOM
        for name, (link, data) in sorted(kept.items(), key=lambda item: (len(item[1][1]), item[0])):
            if len(data) > room:
                break
            room -= len(data)
            files[link], links[name] = data, link
        found = [
            Artifact(name, str(path), hashlib.sha256(data).hexdigest(), len(data), links.get(name))
            for name, (path, data) in sorted(self._read.items())
        ]
        return found, files


def part(name: str) -> str:
    """Return a name of the project's as a part of a path: what a link or a file system could misread is replaced."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", name).lstrip(".")[:80]
    if plain == name:
        return name
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def folders(place: Path, file: str, names: Iterable[str] | None = None) -> list[tuple[str, Path]]:
    """Return the folders below a place that have the file, by name; raises ClocheError where there is none."""
    try:
        found = sorted(each for each in place.iterdir() if (each / file).exists())
    except OSError as error:
        raise ClocheError(f"{place}: it cannot be listed: {error.strerror or error}") from error
    if not found and names is None:
        raise ClocheError(f"{place}: no folder in it has a {file}")
    return [(each.name, each) for each in found]
