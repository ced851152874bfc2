"""Reading .drv files: which outputs a derivation has, and the hash of one whose output is fixed."""

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Derivation:
    """The store paths of the outputs, and for a fixed output the hash (hexadecimal) and whether it is that of a NAR."""

    outputs: tuple[str, ...]
    fixed: str | None
    recursive: bool = False


def read(path: Path) -> Derivation:
    """Return what a .drv file says of its outputs; raise ValueError for a file that is none.

    The format is an ATerm of texts, lists and tuples, which is read as the Python literal that it looks like.
    """
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if not text.startswith("Derive("):
        message = f"{path} is no derivation"
        raise ValueError(message)
    outputs = ast.literal_eval(text.removeprefix("Derive"))[0]
    algorithm, digest = outputs[0][2], outputs[0][3]
    if algorithm not in {"", "sha256", "r:sha256"}:
        message = f"{path}: a fixed output by {algorithm}, where sha256 is expected"
        raise ValueError(message)
    return Derivation(tuple(output[1] for output in outputs), digest or None, algorithm.startswith("r:"))
