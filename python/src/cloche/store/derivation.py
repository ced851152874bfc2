"""Read .drv files: what a build was made from, as Nix wrote it down.

The format is an ATerm, Derive([outputs],[derivations],[sources],system,builder,[arguments],[variables]), with strings in
which a quote, a backslash and the three usual white spaces are escaped (nix, src/libstore/derivations.cc). Inside a
builder there is no `nix derivation show` to ask.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\["\\nrt])*")|(?P<open>[(\[])|(?P<close>[)\]])|,')
_PREFIX = "Derive("


class BadDerivationError(ValueError):
    """A text that is no .drv file as Nix writes it."""


@dataclass(frozen=True)
class FixedOutput:
    """A fixed output: Nix accepts it only with this digest, whoever made it.

    `mode` is "flat" (the digest of the file), "nar" (of its serialisation) or "text" (of the file, with references).
    """

    path: str
    digest: dict[str, str]
    mode: str


@dataclass(frozen=True)
class Derivation:
    """The parts of a .drv file that say where things come from."""

    # Each (name, path, hash algorithm with its mode, hash); the last two are empty where the output is not fixed.
    outputs: tuple[tuple[str, str, str, str], ...]
    # Derivations, and the names of their outputs that are needed.
    inputs: dict[str, tuple[str, ...]]
    sources: tuple[str, ...]
    attributes: dict[str, Any]

    @property
    def paths(self) -> tuple[str, ...]:
        """Return the store paths of the outputs."""
        return tuple(path for _, path, _, _ in self.outputs)

    @property
    def fixed(self) -> FixedOutput | None:
        """Return the fixed output, or None for a derivation that is built from its inputs."""
        for _, path, algorithm, digest in self.outputs:
            if digest:
                mode, _, bare = algorithm.rpartition(":")
                if mode not in _MODES:
                    message = f"the output {path} is hashed by {algorithm!r}, which has no place in a provenance"
                    raise BadDerivationError(message)
                return FixedOutput(path, {bare: digest}, _MODES[mode])
        return None


_MODES = {"": "flat", "r": "nar", "text": "text"}


def of_file(file: Path) -> Derivation:
    """Return what a .drv file says; raises BadDerivationError, which does not name the file, and OSError."""
    return read(file.read_text(encoding="utf-8", errors="surrogateescape"))


def read(text: str) -> Derivation:
    """Return what a .drv file says; raises BadDerivationError for anything that Nix would not have written."""
    if not text.startswith(_PREFIX):
        message = f"it begins with {text[:20]!r} instead of {_PREFIX!r}"
        raise BadDerivationError(message)
    match _values(text[len(_PREFIX) - 1 :]):
        case [list(outputs), list(inputs), list(sources), str(), str(), list(), list(variables)]:
            pass
        case _:
            message = "it has not the seven parts of a derivation"
            raise BadDerivationError(message)
    try:
        environment = {pair[0]: pair[1] for pair in (_strings(pair, 2) for pair in variables)}
        return Derivation(
            outputs=tuple(_strings(output, 4) for output in outputs),  # type: ignore[misc] # four, as was asked
            inputs={path: _strings(names, len(names)) for path, names in inputs},
            sources=_strings(sources, len(sources)),
            # Structured attributes are one variable with JSON.
            attributes={**environment, **json.loads(environment.get("__json", "{}"))},
        )
    except MISSHAPEN as error:
        message = f"a part of it has the wrong form: {error}"
        raise BadDerivationError(message) from error


def _strings(value: Any, count: int) -> tuple[str, ...]:  # noqa: ANN401 - what was read
    if not isinstance(value, list) or len(value) != count or not all(isinstance(part, str) for part in value):
        message = f"{value!r} is not {count} strings"
        raise ValueError(message)
    return tuple(value)


def _values(text: str) -> Any:  # noqa: ANN401 - nested lists
    """Return an ATerm of tuples, lists and strings as nested lists: with other brackets it is JSON."""
    parts, position = [], 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            message = f"there is something that is no ATerm at character {position}"
            raise BadDerivationError(message)
        position = token.end()
        parts.append("[" if token["open"] else "]" if token["close"] else token[0])
    try:
        return json.loads("".join(parts), strict=False)
    except ValueError as error:
        message = f"its brackets and commas are not balanced: {error}"
        raise BadDerivationError(message) from error
